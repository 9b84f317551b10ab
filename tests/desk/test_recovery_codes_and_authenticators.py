"""Recovery codes open a login once each; authenticators are added and removed with a code."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django.fixtures import Settings

from desk.second_factor import MAX_AUTHENTICATORS, check_code, count_recovery_codes, make_recovery_codes
from tests.desk.signing_in import (
    enter_code,
    enter_password,
    is_signed_in,
    key_on,
    make_authenticator,
    make_staff,
    recovery_codes_on,
    sign_in,
)
from tests.desk.staff import code_of, new_code
from tests.pages import text

pytestmark = pytest.mark.django_db

ACCOUNT = "/admin/desk/account/"
ADD = f"{ACCOUNT}authenticators/"
CODES = f"{ACCOUNT}recovery-codes/"


@pytest.fixture(autouse=True)
def _as_in_production(settings: Settings) -> None:
    settings.DEMO = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ann() -> User:
    return make_staff()


@pytest.fixture
def phone(ann: User) -> TOTPDevice:
    return make_authenticator(ann, "phone")


def test_a_recovery_code_opens_the_login_once(ann: User, phone: TOTPDevice) -> None:
    code = make_recovery_codes(ann)[3]
    first, second = Client(), Client()
    for browser in (first, second):
        enter_password(browser)
    assert enter_code(first, code.lower().replace("-", " ")).status_code == 302
    assert is_signed_in(first)
    assert enter_code(second, code).status_code == 200
    assert not is_signed_in(second)
    assert count_recovery_codes(ann) == 9


def test_only_digests_are_stored_and_they_open_nothing(ann: User, phone: TOTPDevice) -> None:
    codes = make_recovery_codes(ann)
    stored = list(StaticToken.objects.values_list("token", flat=True))
    assert len(set(stored)) == 10
    assert not {code.replace("-", "") for code in codes} & set(stored)
    browser = Client()
    enter_password(browser)
    assert enter_code(browser, stored[0]).status_code == 200
    assert not is_signed_in(browser)


def test_codes_survive_a_planned_change_of_the_key(ann: User, phone: TOTPDevice, settings: Settings) -> None:
    codes = make_recovery_codes(ann)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "z" * 60
    assert check_code(ann, codes[0])
    settings.SECRET_KEY_FALLBACKS = []
    assert check_code(ann, codes[1]) is None


def test_a_code_of_somebody_else_opens_nothing(ann: User, phone: TOTPDevice) -> None:
    bob = make_staff("bob")
    make_authenticator(bob)
    make_recovery_codes(ann)
    assert check_code(ann, make_recovery_codes(bob)[0]) is None


def test_a_locked_authenticator_does_not_lock_the_recovery_codes(ann: User, phone: TOTPDevice) -> None:
    code = make_recovery_codes(ann)[0]
    browser = Client()
    enter_password(browser)
    for _try in range(3):
        enter_code(browser, "000000")
    assert enter_code(browser, code).status_code == 302
    assert enter_code_again(phone).status_code == 302  # and that also unlocked the authenticator


def enter_code_again(device: TOTPDevice) -> object:
    browser = Client()
    enter_password(browser)
    return enter_code(browser, code_of(device))


def test_new_codes_replace_the_old_ones_and_take_a_code(ann: User, phone: TOTPDevice) -> None:
    old = make_recovery_codes(ann)
    browser = sign_in(phone)
    assert recovery_codes_on(browser.get(CODES)) == []
    assert recovery_codes_on(browser.post(CODES, {"code": "000000"})) == []
    assert recovery_codes_on(browser.post(CODES, {})) == []
    shown = recovery_codes_on(browser.post(CODES, {"code": new_code(phone)}))
    assert len(shown) == 10
    assert check_code(ann, old[0]) is None
    assert all(code not in browser.get(ACCOUNT).content.decode() for code in shown)
    assert "10 unused recovery codes" in text(browser.get(ACCOUNT))


def test_a_second_authenticator_is_added_with_a_code_of_the_first(ann: User, phone: TOTPDevice) -> None:
    browser = sign_in(phone)
    browser.get(ADD)
    code = code_of(TOTPDevice(user=ann, key=key_on(browser)))
    for wrong in ({"code": code}, {"code": code, "current": "000000"}, {"code": "000000", "current": new_code(phone)}):
        assert browser.post(ADD, wrong).status_code == 200
    assert TOTPDevice.objects.count() == 1
    card = {"code": code, "current": new_code(phone), "name": "4111 1111 1111 1111"}
    assert browser.post(ADD, card).status_code == 200
    assert TOTPDevice.objects.count() == 1
    added = browser.post(ADD, {"code": code, "current": new_code(phone), "name": "tablet"}, follow=True)
    assert "tablet" in text(added)
    sign_in(TOTPDevice.objects.get(name="tablet"))
    sign_in(phone)


def test_there_is_a_limit_of_authenticators(ann: User, phone: TOTPDevice) -> None:
    for _number in range(MAX_AUTHENTICATORS - 1):
        make_authenticator(ann)
    browser = sign_in(phone)
    browser.get(ADD)
    code = code_of(TOTPDevice(user=ann, key=key_on(browser)))
    answer = browser.post(ADD, {"code": code, "current": new_code(phone)}, follow=True)
    assert "at most 5" in text(answer)
    assert TOTPDevice.objects.count() == MAX_AUTHENTICATORS


def test_removing_an_authenticator_takes_a_code_and_ends_other_sessions(ann: User, phone: TOTPDevice) -> None:
    tablet = make_authenticator(ann, "tablet")
    browser, lost = sign_in(phone), sign_in(tablet)
    remove = f"{ADD}{tablet.pk}/remove/"
    assert "tablet" in text(browser.get(remove))
    browser.post(remove, {"code": "000000"})
    assert TOTPDevice.objects.filter(pk=tablet.pk).exists()
    browser.post(remove, {"code": new_code(phone)})
    assert list(TOTPDevice.objects.all()) == [phone]
    assert not is_signed_in(lost)
    assert is_signed_in(browser)


def test_the_only_authenticator_cannot_be_removed(phone: TOTPDevice) -> None:
    browser = sign_in(phone)
    answer = browser.post(f"{ADD}{phone.pk}/remove/", {"code": new_code(phone)}, follow=True)
    assert "at least one authenticator" in text(answer)
    assert TOTPDevice.objects.exists()


def test_an_authenticator_of_somebody_else_is_not_found(phone: TOTPDevice) -> None:
    other = make_authenticator(make_staff("bob"))
    browser = sign_in(phone)
    for pk in (other.pk, 0, 2**31, 10**30):
        assert browser.post(f"{ADD}{pk}/remove/", {"code": new_code(phone)}).status_code == 404
    assert TOTPDevice.objects.count() == 2


def test_codes_of_an_open_session_are_limited_too(phone: TOTPDevice) -> None:
    browser = sign_in(phone)
    for _try in range(10):
        TOTPDevice.objects.update(throttling_failure_count=0)
        browser.post(CODES, {"code": "000000"})
    assert "Wait 15 minutes" in text(browser.post(CODES, {"code": new_code(phone)}))
