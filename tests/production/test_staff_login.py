"""The staff login and the admin, over HTTP with production settings."""

import itertools
import re
from base64 import b32decode

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from orders.rate_limits import RateLimit, consume
from portal.login_limits import NAME_RATE, SCOPE
from tests.desk.staff import code_of
from tests.production.stack import Stack
from tests.production.visitors import Page, Visitor

pytestmark = pytest.mark.xdist_group("production")

LOGIN = "/admin/login/"
PASSWORD = "a long password"
_names = itertools.count(1)


@pytest.fixture
def name(stack: Stack) -> str:
    name = f"agent-{next(_names)}"
    with stack.orm():
        User.objects.create_superuser(name, password=PASSWORD)
    return name


def sign_in(visitor: Visitor, name: str, password: str) -> Page:
    return visitor.post_form(LOGIN, username=name, password=password)


def sign_in_with_code(stack: Stack, visitor: Visitor, name: str) -> None:
    with stack.orm():
        device = TOTPDevice.objects.create(user=User.objects.get(username=name))
    assert sign_in(visitor, name, PASSWORD).status == 302
    assert visitor.post_form("/admin/login/code/", code=code_of(device)).location == "/admin/"
    assert visitor.get("/admin/").status == 200


def test_one_ipv6_network_has_five_guesses(stack: Stack, name: str) -> None:
    statuses = [sign_in(Visitor(stack, f"2001:db8:1:2::{number:x}"), name, "wrong").status for number in range(1, 7)]
    assert statuses == [200] * 5 + [429]
    assert sign_in(Visitor(stack, "2001:db8:1:2::ff"), name, PASSWORD).status == 429


def test_guessing_a_name_from_everywhere_ends_and_keeps_its_owner_in(stack: Stack, name: str) -> None:
    owner = Visitor(stack)
    sign_in_with_code(stack, owner, name)
    owner.post_form("/admin/", "/admin/logout/")
    with stack.orm():  # hashing takes time, so most of the attempts were made before
        limit = RateLimit(f"{SCOPE}-name", name, NAME_RATE)
        assert all(consume([limit], timezone.now()) for _guess in range(NAME_RATE.short - 2))
    statuses = [sign_in(Visitor(stack), name, "wrong").status for _guess in range(4)]
    assert statuses == [200] * 2 + [429] * 2
    assert sign_in(owner, name, PASSWORD).status == 302
    assert sign_in(Visitor(stack), name, PASSWORD).status == 429


def test_an_unknown_name_is_answered_as_a_known_one(stack: Stack, name: str) -> None:
    def answers(name: str) -> list[tuple[int, str]]:
        visitor = Visitor(stack)
        pages = [sign_in(visitor, name, "wrong") for _try in range(6)]
        return [(page.status, page.text.replace(name, "").replace(page.csrf_token, "")) for page in pages]

    assert answers(name) == answers("nobody-1")


def test_only_the_admin_evaluates_scripts_also_for_staff(stack: Stack, visitor: Visitor, name: str) -> None:
    sign_in_with_code(stack, visitor, name)
    for path in ("/admin/", "/admin/orders/order/", LOGIN):
        policy = visitor.get(path).headers["Content-Security-Policy"]
        assert "script-src 'self' 'unsafe-eval';" in f"{policy};"
    for path in ("/", "/orders/find/", "/help/", "/downloads/", "/admin/no-such-page/", "/no-such-page/"):
        policy = visitor.get(path).headers["Content-Security-Policy"]
        assert "unsafe" not in policy


def test_the_cookies_of_staff_are_protected(visitor: Visitor, name: str) -> None:
    cookies = sign_in(visitor, name, PASSWORD).cookies
    assert {"__Host-session", "__Secure-known-browser"} <= set(cookies)
    for cookie in cookies.values():
        assert cookie["secure"]
        assert cookie["httponly"]
    assert cookies["__Secure-known-browser"]["path"] == "/admin/"


@pytest.mark.parametrize("path", ["/admin/", "/admin/orders/order/", "/admin/auth/user/", "/admin/axes/accessattempt/"])
def test_a_stranger_sees_nothing_of_the_admin(visitor: Visitor, path: str) -> None:
    assert visitor.get(path).location.startswith(LOGIN)


@pytest.mark.parametrize("next_path", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:x"])
def test_signing_in_leads_to_no_other_site(visitor: Visitor, name: str, next_path: str) -> None:
    answer = visitor.post_form(LOGIN, username=name, password=PASSWORD, next=next_path)
    assert "evil" not in answer.location
    assert answer.location.startswith("/admin/")


def test_a_password_opens_the_admin_only_with_a_second_factor(stack: Stack, visitor: Visitor, name: str) -> None:
    assert sign_in(visitor, name, PASSWORD).location == "/admin/login/code/"
    assert visitor.get("/admin/").location.startswith(LOGIN)
    page = visitor.get("/admin/login/set-up/")
    secret = re.search(r"secret=([A-Z2-7]+)", page.text)
    assert secret is not None
    code = f"{TOTP(b32decode(secret[1])).token():06}"
    shown = visitor.post_form("/admin/login/set-up/", code=code)
    assert shown.status == 200
    assert "data-recovery-codes" in shown.text
    assert visitor.get("/admin/").status == 200
    again = Visitor(stack)
    sign_in(again, name, PASSWORD)
    assert again.post_form("/admin/login/code/", code=code).status == 200  # it was used
    assert again.get("/admin/").location.startswith(LOGIN)
