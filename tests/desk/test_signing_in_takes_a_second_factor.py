"""Staff sign in with a password and a code. Whoever has only the password gets nowhere."""

from base64 import b32encode
from datetime import timedelta

import pytest
import time_machine
from axes.models import AccessAttempt, AccessLog
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django.fixtures import Settings

from files.services import store_file
from portal.login_limits import KNOWN_BROWSER_RATE
from tests.desk.signing_in import (
    CODE,
    LOGIN,
    SET_UP,
    enter_code,
    enter_password,
    is_signed_in,
    key_on,
    make_authenticator,
    make_staff,
    recovery_codes_on,
    set_up,
    sign_in,
)
from tests.desk.staff import code_of, new_code, signed_in
from tests.files import factories
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _as_in_production(settings: Settings) -> None:
    settings.DEMO = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ann() -> User:
    return make_staff()


@pytest.fixture
def phone(ann: User) -> TOTPDevice:
    return make_authenticator(ann)


def test_the_first_login_sets_up_the_second_factor_and_shows_recovery_codes(ann: User) -> None:
    browser = Client()
    assert enter_password(browser)["Location"] == CODE
    assert browser.get(CODE)["Location"] == SET_UP
    assert not is_signed_in(browser)
    page = browser.get(SET_UP)
    key = b32encode(bytes.fromhex(key_on(browser))).decode()
    assert "<svg" in page.content.decode()
    assert readable(key) in text(page)
    assert f"secret={key}" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert readable(key) in text(browser.get(SET_UP))  # a reload keeps it
    shown = set_up(browser)
    assert len(recovery_codes_on(shown)) == 10
    assert "no-store" in shown["Cache-Control"]
    assert is_signed_in(browser)
    assert "Authenticator added" in LogEntry.objects.values_list("change_message", flat=True)
    assert browser.get(SET_UP)["Location"] == LOGIN  # nothing is pending any more
    assert browser.get(LOGIN)["Location"] == "/admin/"


def readable(key: str) -> str:
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def test_the_code_of_the_set_up_cannot_be_used_again(ann: User) -> None:
    browser = Client()
    enter_password(browser)
    browser.get(SET_UP)
    set_up(browser)
    device, other = TOTPDevice.objects.get(), Client()
    enter_password(other)
    assert "used before" in text(enter_code(other, code_of(device)))
    assert not is_signed_in(other)


def test_a_wrong_code_sets_up_nothing(ann: User) -> None:
    browser = Client()
    enter_password(browser)
    browser.get(SET_UP)
    for code in ("000000", "", "x", "1" * 32, "١٢٣٤٥٦", "12345\x00", "-1", "+12345"):
        assert browser.post(SET_UP, {"code": code}).status_code in (200, 429)
    assert not TOTPDevice.objects.exists()
    assert not is_signed_in(browser)


def test_the_set_up_is_refused_if_it_was_done_in_another_browser_meanwhile(ann: User) -> None:
    thief, owner = Client(), Client()
    for browser in (thief, owner):
        enter_password(browser)
        browser.get(SET_UP)
    set_up(owner)
    assert set_up(thief)["Location"] == CODE
    assert TOTPDevice.objects.count() == 1
    assert not is_signed_in(thief)


def test_password_and_code_open_the_page_that_was_asked_for(phone: TOTPDevice) -> None:
    browser = Client()
    assert browser.get("/admin/auth/user/")["Location"] == "/admin/login/?next=/admin/auth/user/"
    enter_password(browser, next="/admin/auth/user/")
    assert enter_code(browser, code_of(phone))["Location"] == "/admin/auth/user/"
    assert is_signed_in(browser)
    assert AccessLog.objects.filter(username="ann").count() == 1


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:x"])
def test_no_login_leads_to_another_site(phone: TOTPDevice, target: str) -> None:
    browser = Client()
    enter_password(browser, next=target)
    assert enter_code(browser, code_of(phone))["Location"] == "/admin/"


def test_spaces_in_a_code_do_not_matter(phone: TOTPDevice) -> None:
    browser, code = Client(), code_of(phone)
    enter_password(browser)
    assert enter_code(browser, f" {code[:3]} {code[3:]} ").status_code == 302


def test_a_password_alone_opens_no_page_of_the_admin(phone: TOTPDevice) -> None:
    browser = Client()
    enter_password(browser)
    upload = store_file(factories.upload(factories.pdf_bytes(), "statement.pdf"), client=None)
    lists = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") for model in admin.site._registry
    ]
    own = ["/admin/", "/admin/password_change/", "/admin/desk/account/", "/admin/search/?s=order", "/admin/jsi18n/"]
    own += ["/admin/desk/account/recovery-codes/", f"/admin/desk/staff/{phone.user_id}/login/", "/admin/autocomplete/"]
    answers = {path: browser.get(path) for path in [*lists, *own]}
    assert {path for path, answer in answers.items() if not answer.get("Location", "").startswith(LOGIN)} == set()
    assert browser.get(reverse("files:download", args=[upload.pk])).status_code != 200
    assert browser.post("/admin/desk/account/sessions/", {"session": "all"})["Location"].startswith(LOGIN)


def test_a_session_from_before_the_second_factor_is_signed_out(phone: TOTPDevice) -> None:
    """A session that Django's own login made."""
    browser = signed_in(phone.user)
    assert not is_signed_in(browser)
    assert browser.get("/admin/password_change/").status_code == 302
    enter_password(browser)
    old_key = browser.session.session_key
    enter_code(browser, code_of(phone))
    assert is_signed_in(browser)
    assert browser.session.session_key != old_key


def test_the_session_key_changes_with_each_step(phone: TOTPDevice) -> None:
    browser = Client()
    keys = []
    session = browser.session
    session["cart"] = 1
    session.save()
    keys.append(session.session_key)
    for step in (lambda: enter_password(browser), lambda: enter_code(browser, code_of(phone))):
        step()
        keys.append(browser.session.session_key)
    assert len(set(keys)) == 3
    assert list(Session.objects.values_list("pk", flat=True)) == keys[-1:]


def test_a_session_ends_after_eight_hours_however_busy(phone: TOTPDevice) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = sign_in(phone)
        for _half_hour in range(15):
            clock.shift(timedelta(minutes=30))
            assert is_signed_in(browser)
        clock.shift(timedelta(minutes=31))
        assert not is_signed_in(browser)


def test_a_code_works_once(phone: TOTPDevice) -> None:
    code, first, second = code_of(phone), Client(), Client()
    for browser in (first, second):
        enter_password(browser)
    assert enter_code(first, code).status_code == 302
    assert enter_code(second, code).status_code == 200
    assert not is_signed_in(second)


def test_either_of_two_devices_signs_in_and_neither_gets_locked(ann: User, phone: TOTPDevice) -> None:
    tablet = make_authenticator(ann, "tablet")
    for _time in range(5):
        sign_in(tablet)
    browser = Client()
    enter_password(browser)
    assert enter_code(browser, code_of(phone)).status_code == 302


def test_a_device_of_somebody_else_does_not_help(phone: TOTPDevice) -> None:
    other = make_authenticator(make_staff("bob"))
    browser = Client()
    enter_password(browser)
    assert enter_code(browser, code_of(other)).status_code == 200
    assert not is_signed_in(browser)


def test_wrong_codes_are_slowed_down_and_recorded(phone: TOTPDevice) -> None:
    browser = Client()
    enter_password(browser)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        assert "isn’t right" in text(enter_code(browser, "000000"))
        assert "Wait 1 second," in text(enter_code(browser, code_of(phone)))  # not even a right one
        clock.shift(2)
        assert "isn’t right" in text(enter_code(browser, "000000"))
        assert "Wait 2 seconds," in text(enter_code(browser, "000000"))
        clock.shift(3)
        assert enter_code(browser, code_of(phone)).status_code == 302
    attempt = AccessAttempt.objects.get(username="ann")
    assert attempt.failures_since_start == 2
    assert "000000" not in attempt.post_data


def test_wrong_codes_count_against_the_limit_of_the_login(phone: TOTPDevice) -> None:
    browser = Client()
    enter_password(browser)
    statuses = []
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _try in range(KNOWN_BROWSER_RATE.short + 1):
            statuses.append(enter_code(browser, "000000").status_code)
            clock.shift(60)
        assert statuses == [200] * KNOWN_BROWSER_RATE.short + [429]
        assert enter_password(browser).status_code == 429  # a password is no way around it
    assert not is_signed_in(browser)


def test_the_second_step_takes_ten_minutes_at_most(phone: TOTPDevice) -> None:
    browser, start = Client(), timezone.now()
    enter_password(browser)
    with time_machine.travel(start + timedelta(minutes=11)):
        answer = browser.post(CODE, {"code": code_of(phone)}, follow=True)
    assert answer.redirect_chain == [(LOGIN, 302)]
    assert "Sign in again" in text(answer)


@pytest.mark.parametrize(
    "change",
    [{"is_active": False}, {"is_staff": False}, {"password": "changed"}],
    ids=["inactive", "no staff", "password"],
)
def test_a_login_that_changed_since_the_password_is_refused(phone: TOTPDevice, change: dict[str, object]) -> None:
    browser = Client()
    enter_password(browser)
    User.objects.filter(username="ann").update(**change)
    assert enter_code(browser, code_of(phone))["Location"] == LOGIN


@pytest.mark.parametrize("path", [CODE, SET_UP])
def test_a_stranger_is_sent_to_the_first_step(path: str) -> None:
    assert Client().get(path)["Location"] == LOGIN
    assert Client().post(path, {"code": "123456"})["Location"] == LOGIN
    assert not is_signed_in(Client())


def test_somebody_without_staff_status_gets_no_second_step() -> None:
    make_staff("eve", is_staff=False, is_superuser=False)
    browser = Client()
    assert enter_password(browser, "eve").status_code == 200
    assert browser.get(SET_UP)["Location"] == LOGIN


def test_the_pages_have_the_policy_of_the_admin_and_a_token(ann: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert browser.post(CODE, {"code": "123456"}).status_code == 403
    browser = Client()
    enter_password(browser)
    assert "'unsafe-eval'" in browser.get(SET_UP)["Content-Security-Policy"]
    assert "'unsafe-inline'" not in browser.get(SET_UP)["Content-Security-Policy"].partition("style-src")[0]


def test_the_pages_speak_german(phone: TOTPDevice) -> None:
    browser = Client(headers={"accept-language": "de"})
    enter_password(browser)
    assert '<html lang="de"' in browser.get(CODE).content.decode()


def test_nobody_sees_the_keys_in_the_admin(phone: TOTPDevice) -> None:
    assert TOTPDevice not in admin.site._registry
    page = sign_in(phone).get(f"/admin/auth/user/{phone.user_id}/change/").content.decode()
    assert phone.key not in page


def test_the_demo_needs_no_second_factor_but_lets_one_try_it(settings: Settings, ann: User) -> None:
    settings.DEMO = True
    browser = Client()
    assert enter_password(browser)["Location"] == "/admin/"
    assert is_signed_in(browser)
    browser.get("/admin/desk/account/authenticators/")
    assert len(recovery_codes_on(_add_first(browser))) == 10
    other = Client()
    assert enter_password(other)["Location"] == CODE
    assert not is_signed_in(other)
    assert enter_code(other, new_code(TOTPDevice.objects.get())).status_code == 302
    assert is_signed_in(other)


def _add_first(browser: Client) -> object:
    key = TOTPDevice(user=User(), key=key_on(browser))
    return browser.post("/admin/desk/account/authenticators/", {"code": code_of(key)})
