"""Staff see where they're signed in, and end sessions; a new password ends the others."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django.fixtures import Settings

from desk.models import StaffSession
from desk.roles import AUDITOR, SUPERVISOR
from desk.staff_sessions import delete_ended_sessions, describe_browser, load_sessions
from desk.tasks import delete_old_staff_data
from tests.desk.signing_in import PASSWORD, enter_password, is_signed_in, make_authenticator, make_staff, sign_in
from tests.desk.staff import staff_with_role, verified
from tests.pages import text

pytestmark = pytest.mark.django_db

ACCOUNT = "/admin/desk/account/"
END = f"{ACCOUNT}sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile Safari/604.1"


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


def test_the_account_page_lists_ones_own_sessions(phone: TOTPDevice) -> None:
    browser = sign_in(phone, HTTP_USER_AGENT=FIREFOX)
    sign_in(phone, HTTP_USER_AGENT=IPHONE)
    sign_in(make_authenticator(make_staff("bob")), HTTP_USER_AGENT="Opera")
    page = text(browser.get(ACCOUNT))
    assert "Firefox, Linux – this session" in page
    assert "Safari, iOS Since" in page
    assert "Opera" not in page


def test_one_session_is_ended(phone: TOTPDevice) -> None:
    browser, other, third = sign_in(phone), sign_in(phone), sign_in(phone)
    row = StaffSession.objects.get(session_key=other.session.session_key)
    assert "1 session ended" in text(browser.post(END, {"session": row.pk}, follow=True))
    assert [is_signed_in(each) for each in (browser, other, third)] == [True, False, True]


def test_all_other_sessions_are_ended(phone: TOTPDevice) -> None:
    browser, other, third = sign_in(phone), sign_in(phone), sign_in(phone)
    colleague = sign_in(make_authenticator(make_staff("bob")))
    assert "2 sessions ended" in text(browser.post(END, {"session": "all"}, follow=True))
    assert [is_signed_in(each) for each in (browser, other, third, colleague)] == [True, False, False, True]


@pytest.mark.parametrize("session", ["", "x", "0", "-1", "9" * 30, "\x00", "٣"])
def test_what_is_no_session_ends_none(phone: TOTPDevice, session: str) -> None:
    browser, other = sign_in(phone), sign_in(phone)
    assert "0 sessions ended" in text(browser.post(END, {"session": session}, follow=True))
    assert is_signed_in(other)
    assert browser.get(END).status_code == 405


def test_nobody_ends_a_session_of_somebody_else_on_their_own_page(phone: TOTPDevice) -> None:
    bob = sign_in(make_authenticator(make_staff("bob")))
    row = StaffSession.objects.get(session_key=bob.session.session_key)
    sign_in(phone).post(END, {"session": row.pk})
    assert is_signed_in(bob)


def test_a_new_password_ends_the_other_sessions(ann: User, phone: TOTPDevice) -> None:
    browser, other = sign_in(phone), sign_in(phone)
    new = "another long password"
    fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert browser.post("/admin/password_change/", fields).status_code == 302
    assert is_signed_in(browser)
    assert not is_signed_in(other)
    ann.refresh_from_db()
    assert [each.is_current for each in load_sessions(ann, browser.session.session_key)] == [True]


def test_signing_out_removes_the_session_from_the_list(ann: User, phone: TOTPDevice) -> None:
    browser = sign_in(phone)
    browser.post("/admin/logout/")
    assert not StaffSession.objects.exists()
    assert load_sessions(ann) == []


def test_last_seen_is_stored_every_five_minutes_without_queries_in_between(
    ann: User, phone: TOTPDevice, django_assert_num_queries
) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        browser = sign_in(phone)
        clock.shift(timedelta(minutes=4))
        assert is_signed_in(browser)
        assert load_sessions(ann)[0].last_seen_at == load_sessions(ann)[0].started_at
        with django_assert_num_queries(3):  # the session, the user and the time zone of the stores
            browser.get("/admin/jsi18n/")
        clock.shift(timedelta(minutes=2))
        assert is_signed_in(browser)
        assert load_sessions(ann)[0].last_seen_at == start + timedelta(minutes=6)


def test_the_queries_of_the_page_do_not_grow_with_the_sessions(
    phone: TOTPDevice, django_assert_max_num_queries
) -> None:
    browser = sign_in(phone)
    for _number in range(6):
        sign_in(phone)
    with django_assert_max_num_queries(16):
        browser.get(ACCOUNT)


def test_a_supervisor_sees_and_ends_sessions_of_staff(ann: User) -> None:
    ann.is_superuser = False
    ann.save()
    phone = make_authenticator(ann)
    browser, other = sign_in(phone, HTTP_USER_AGENT=FIREFOX), sign_in(phone)
    page = f"/admin/desk/staff/{ann.pk}/login/"
    supervisor = verified(staff_with_role(SUPERVISOR))
    assert "Firefox, Linux" in text(supervisor.get(page))
    row = StaffSession.objects.get(session_key=browser.session.session_key)
    supervisor.post(page, {"action": "end", "session": row.pk})
    assert [is_signed_in(each) for each in (browser, other)] == [False, True]
    supervisor.post(page, {"action": "end_all"})
    assert not is_signed_in(other)
    assert LogEntry.objects.filter(change_message="Sessions ended: 1", object_id=str(ann.pk)).count() == 2


def test_an_auditor_sees_sessions_and_ends_none(ann: User, phone: TOTPDevice) -> None:
    sign_in(phone, HTTP_USER_AGENT=FIREFOX)
    shown = verified(staff_with_role(AUDITOR)).get(f"/admin/desk/staff/{ann.pk}/login/")
    assert "Firefox, Linux" in text(shown)
    assert "End session" not in text(shown)


def test_ended_sessions_are_forgotten(ann: User, phone: TOTPDevice) -> None:
    sign_in(phone)
    lost = sign_in(phone)
    Session.objects.filter(pk=lost.session.session_key).delete()
    assert len(load_sessions(ann)) == 1
    assert delete_ended_sessions() == 1
    assert StaffSession.objects.count() == 1
    with time_machine.travel(timezone.now() + timedelta(hours=9)):
        delete_old_staff_data()
    assert not StaffSession.objects.exists()


@pytest.mark.parametrize(
    ("agent", "described"),
    [
        (FIREFOX, "Firefox, Linux"),
        (IPHONE, "Safari, iOS"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537 Chrome/142.0 Safari/537 Edg/142.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537 Chrome/142.0 Mobile Safari/537", "Chrome, Android"),
        ("<script>4111111111111111", ""),
        ("x" * 100_000 + "Firefox/1", ""),
        ("", ""),
    ],
)
def test_a_browser_is_described_in_fixed_words(agent: str, described: str) -> None:
    assert describe_browser(RequestFactory().get("/", headers={"user-agent": agent})) == described


def test_signing_in_where_somebody_else_is_signed_in_is_a_new_session(settings: Settings) -> None:
    settings.DEMO = True
    for name in ("ann", "bob"):
        make_staff(name)
    browser = Client()
    for name in ("ann", "bob"):
        assert enter_password(browser, name).status_code == 302
        assert browser.get("/admin/").status_code == 200
    assert StaffSession.objects.get(session_key=browser.session.session_key).user.username == "bob"
