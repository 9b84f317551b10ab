"""Guessing a staff password is hopeless, and locks out no one who signs in from a known browser."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth import authenticate
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal import login_limits
from tests.pages import text

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"
PASSWORD = "a long password"
_clients = itertools.count(1)


@pytest.fixture(autouse=True)
def _fast_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def agent() -> User:
    return User.objects.create_superuser("agent", password=PASSWORD)


def sign_in(name: str, password: str, address: str = "", browser: Client | None = None) -> HttpResponse:
    """Make one attempt, by default from a new network and browser."""
    address = address or f"198.51.{next(_clients)}.1"
    return (browser or Client()).post(LOGIN, {"username": name, "password": password}, REMOTE_ADDR=address)


def guess(name: str, count: int, address: str = "") -> list[int]:
    return [sign_in(name, f"guess {number}", address).status_code for number in range(count)]


def test_the_sixth_guess_of_a_client_is_refused_unread(agent: User) -> None:
    assert guess("agent", 5, "192.0.2.1") == [200] * 5
    refused = sign_in("agent", PASSWORD, "192.0.2.1")
    assert refused.status_code == 429
    assert refused["Retry-After"] == "900"
    assert "didn’t check your password" in text(refused)


def test_all_addresses_of_one_ipv6_network_are_one_client(agent: User) -> None:
    statuses = [sign_in("agent", "wrong", f"2001:db8:1:2::{number:x}").status_code for number in range(30)]
    assert statuses == [200] * 5 + [429] * 25
    assert set(AccessAttempt.objects.values_list("ip_address", flat=True)) == {"2001:db8:1:2::"}
    assert sign_in("agent", PASSWORD, "2001:db8:1:3::1").status_code == 302


def test_one_client_cannot_try_many_names() -> None:
    statuses = [sign_in(f"name-{number}", "wrong", "192.0.2.1").status_code for number in range(40)]
    assert statuses == [200] * 30 + [429] * 10


def test_a_name_is_guessed_at_20_times_from_all_addresses_together(agent: User) -> None:
    assert guess("agent", 25) == [200] * 20 + [429] * 5
    assert sign_in("agent", PASSWORD).status_code == 429


def test_who_has_signed_in_before_signs_in_while_the_name_is_guessed(agent: User) -> None:
    browser = Client()
    assert sign_in("agent", PASSWORD, browser=browser).status_code == 302
    browser.post("/admin/logout/")
    guess("agent", 25)
    assert sign_in("agent", PASSWORD, browser=browser).status_code == 302


def test_who_has_signed_in_before_signs_in_while_a_neighbor_guesses(agent: User) -> None:
    browser = Client()
    sign_in("agent", PASSWORD, "192.0.2.1", browser)
    browser.post("/admin/logout/")
    guess("agent", 40, "192.0.2.1")
    assert sign_in("agent", PASSWORD, "192.0.2.1", browser).status_code == 302


def test_a_known_browser_guesses_no_more_than_others(agent: User) -> None:
    browser = Client()
    sign_in("agent", PASSWORD, browser=browser)
    browser.post("/admin/logout/")
    assert [sign_in("agent", "wrong", browser=browser).status_code for _try in range(7)] == [200] * 5 + [429] * 2


def test_a_browser_is_known_only_for_the_names_that_signed_in_with_it(agent: User) -> None:
    User.objects.create_superuser("other", password=PASSWORD)
    browser = Client()
    sign_in("other", PASSWORD, browser=browser)
    browser.post("/admin/logout/")
    guess("agent", 20)
    assert sign_in("agent", PASSWORD, browser=browser).status_code == 429


@pytest.mark.parametrize("cookie", ["", "made up", "WyJhIixbImIiXV0:1tabcd:x", "\x00"])
def test_a_made_up_cookie_makes_no_browser_known(agent: User, cookie: str) -> None:
    guess("agent", 20)
    browser = Client()
    browser.cookies["known-browser"] = cookie
    assert sign_in("agent", PASSWORD, browser=browser).status_code == 429


def test_the_cookie_names_nobody_and_goes_to_the_admin_only(agent: User) -> None:
    cookie = sign_in("agent", PASSWORD).cookies["known-browser"]
    assert "agent" not in cookie.value
    assert cookie["path"] == "/admin/"
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert "known-browser" not in sign_in("agent", "wrong").cookies


def test_names_that_exist_and_names_that_do_not_are_answered_alike(agent: User) -> None:
    def answers(name: str) -> list[tuple[int, str]]:
        browser = Client(REMOTE_ADDR="192.0.2.9")
        tries = [sign_in(name, "wrong", f"192.0.2.{number // 4}", browser) for number in range(30)]
        return [(each.status_code, text(each).replace(name, "NAME")) for each in tries]

    assert answers("agent") == answers("nobody")


def test_successes_use_up_nothing(agent: User) -> None:
    for _time in range(8):
        assert sign_in("agent", PASSWORD, "192.0.2.1").status_code == 302
    assert guess("agent", 5, "192.0.2.1") == [200] * 5


def test_a_refusal_ends_after_15_minutes(agent: User) -> None:
    guess("agent", 6, "192.0.2.1")
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert sign_in("agent", PASSWORD, "192.0.2.1").status_code == 302


def test_an_operator_can_end_a_refusal_immediately(agent: User) -> None:
    guess("agent", 25)
    call_command("axes_reset_username", "agent")
    assert sign_in("agent", PASSWORD).status_code == 302
    guess("agent", 25)
    call_command("axes_reset")
    assert sign_in("agent", PASSWORD).status_code == 302


def test_what_is_refused_adds_no_row(agent: User) -> None:
    guess("agent", 5, "192.0.2.1")
    rows = list(AccessAttempt.objects.values())
    guess("agent", 20, "192.0.2.1")
    assert list(AccessAttempt.objects.values()) == rows


@pytest.mark.django_db(transaction=True)
def test_simultaneous_guesses_are_no_more_than_those_one_after_the_other(
    agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated = []

    def record(*args: object, **kwargs: object) -> None:
        evaluated.append(args)

    monkeypatch.setattr("django.contrib.auth.backends.ModelBackend.authenticate", record)

    def one(_number: int) -> None:
        sign_in("agent", "wrong", "192.0.2.1")
        connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(24)))
    assert len(evaluated) == 5


def test_the_record_is_shown_to_staff_who_may_only_view(client: Client, agent: User) -> None:
    sign_in("agent", "wrong", "192.0.2.1")
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(content_type__app_label="axes", codename__startswith="view"))
    client.force_login(viewer)
    page = client.get("/admin/axes/accessattempt/")
    assert "192.0.2.1" in text(page)
    attempt = AccessAttempt.objects.get()
    assert client.get(f"/admin/axes/accessattempt/{attempt.pk}/change/").status_code == 200
    assert client.get("/admin/axes/accesslog/").status_code == 200
    done = client.post(
        "/admin/axes/accessattempt/", {"action": "cleanup_expired_attempts", "_selected_action": [attempt.pk]}
    )
    assert done.status_code in (200, 302, 403)
    assert AccessAttempt.objects.exists()


def test_a_password_is_never_evaluated_without_a_request(agent: User) -> None:
    with pytest.raises(Exception, match="requires a request"):
        authenticate(username="agent", password=PASSWORD)


def test_the_limits_are_those_of_the_documentation() -> None:
    rates = (login_limits.CLIENT_RATE, login_limits.CLIENT_AND_NAME_RATE, login_limits.NAME_RATE)
    assert [(rate.short, rate.long) for rate in rates] == [(30, 200), (5, 20), (20, 100)]
