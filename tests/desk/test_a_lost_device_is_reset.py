"""A lost device is reset by a supervisor or a command, on record, and the sessions of its user end."""

from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django.fixtures import Settings

from desk.roles import ROLES, SUPERVISOR
from desk.second_factor import make_recovery_codes
from tests.desk.signing_in import CODE, SET_UP, enter_password, is_signed_in, make_authenticator, make_staff, sign_in
from tests.desk.staff import staff_with, staff_with_role, verified
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _as_in_production(settings: Settings) -> None:
    settings.DEMO = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ann() -> User:
    return make_staff(is_superuser=False)


@pytest.fixture
def phone(ann: User) -> TOTPDevice:
    make_recovery_codes(ann)
    return make_authenticator(ann)


def page_of(user: User) -> str:
    return f"/admin/desk/staff/{user.pk}/login/"


def reset(browser: Client, user: User) -> int:
    return browser.post(page_of(user), {"action": "reset"}).status_code


def test_a_supervisor_resets_it_from_the_page_of_the_user(ann: User, phone: TOTPDevice) -> None:
    lost = sign_in(phone)
    browser = verified(staff_with_role(SUPERVISOR))
    user_page = browser.get(f"/admin/auth/user/{ann.pk}/change/")
    assert page_of(ann) in user_page.content.decode()
    assert "Reset the second factor" in text(browser.get(page_of(ann)))
    assert reset(browser, ann) == 302
    assert not TOTPDevice.objects.exists()
    assert not StaticToken.objects.exists()
    assert not is_signed_in(lost)
    entry = LogEntry.objects.get(change_message="Second factor reset")
    assert (entry.user.groups.get().name, entry.object_id, entry.object_repr) == (SUPERVISOR, str(ann.pk), "ann")
    again = Client()
    enter_password(again)
    assert again.get(CODE)["Location"] == SET_UP


@pytest.mark.parametrize("role", [role for role in ROLES if role != SUPERVISOR])
def test_no_other_role_resets_it(role: str, ann: User, phone: TOTPDevice) -> None:
    browser = verified(staff_with_role(role))
    assert reset(browser, ann) == 403
    assert "Reset the second factor" not in text(browser.get(page_of(ann)))
    assert browser.post(page_of(ann), {"action": "end_all"}).status_code == 403
    assert TOTPDevice.objects.exists()


def test_a_stranger_resets_nothing(ann: User, phone: TOTPDevice) -> None:
    assert reset(Client(), ann) == 302
    assert Client().get(page_of(ann))["Location"].startswith("/admin/login/")
    assert TOTPDevice.objects.exists()


def test_the_permission_alone_shows_no_user(ann: User, phone: TOTPDevice) -> None:
    assert reset(verified(staff_with("desk.reset_second_factor")), ann) == 403
    assert TOTPDevice.objects.exists()


def test_nobody_resets_their_own(ann: User, phone: TOTPDevice) -> None:
    ann.groups.add(Group.objects.get(name=SUPERVISOR))
    answer = sign_in(phone).post(page_of(ann), {"action": "reset"})
    assert answer["Location"] == "/admin/desk/account/"
    assert TOTPDevice.objects.exists()


def test_a_supervisor_does_not_reset_a_superuser(phone: TOTPDevice) -> None:
    root = make_staff("root")
    make_authenticator(root)
    browser = verified(staff_with_role(SUPERVISOR))
    assert "Reset the second factor" not in text(browser.get(page_of(root)))
    assert reset(browser, root) == 403
    assert browser.post(page_of(root), {"action": "end_all"}).status_code == 403
    assert TOTPDevice.objects.filter(user=root).exists()


def test_a_superuser_resets_another_superuser() -> None:
    root, other = make_staff("root"), make_staff("other")
    make_authenticator(other)
    assert reset(sign_in(make_authenticator(root)), other) == 302
    assert not TOTPDevice.objects.filter(user=other).exists()


@pytest.mark.parametrize("data", [{}, {"action": "x"}, {"action": "end"}, {"action": "end", "session": "\x00"}])
def test_an_unknown_action_changes_nothing(ann: User, phone: TOTPDevice, data: dict[str, str]) -> None:
    owner, browser = sign_in(phone), verified(staff_with_role(SUPERVISOR))
    assert browser.post(page_of(ann), data).status_code == 302
    assert TOTPDevice.objects.exists()
    assert is_signed_in(owner)


@pytest.mark.parametrize("pk", [0, 2**31, 10**30])
def test_a_user_that_does_not_exist_is_not_found(pk: int) -> None:
    assert verified(staff_with_role(SUPERVISOR)).get(f"/admin/desk/staff/{pk}/login/").status_code == 404


# --- The command ------------------------------------------------------------------------------------------------------


def run(*args: str) -> str:
    output = StringIO()
    call_command("reset_second_factor", *args, stdout=output)
    return output.getvalue()


def test_the_command_resets_it(ann: User, phone: TOTPDevice) -> None:
    lost = sign_in(phone)
    assert "1 session ended" in run("ann")
    assert not TOTPDevice.objects.exists()
    assert not is_signed_in(lost)
    assert LogEntry.objects.filter(change_message="Second factor reset by manage.py", object_id=str(ann.pk)).exists()


def test_a_dry_run_of_the_command_changes_nothing(ann: User, phone: TOTPDevice) -> None:
    owner = sign_in(phone)
    assert "authenticators: 1, recovery codes: 10, sessions: 1" in run("ann", "--dry-run")
    assert TOTPDevice.objects.exists()
    assert is_signed_in(owner)
    assert not LogEntry.objects.filter(change_message__contains="reset").exists()


def test_the_command_says_that_there_is_none(ann: User) -> None:
    assert "has no second factor" in run("ann")


@pytest.mark.parametrize("name", ["nobody", "", "\x00", "x" * 5000])
def test_the_command_refuses_an_unknown_name(name: str) -> None:
    with pytest.raises(CommandError) as refusal:
        run(name)
    assert refusal.value.returncode == 1
