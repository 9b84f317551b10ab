"""`doctor` warns about logins that anyone with the password could set up a device for."""

import pytest
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django.fixtures import Settings

from portal.doctor_checks import CheckWarning, check_staff
from tests.factories import make_agent

pytestmark = pytest.mark.django_db


def test_active_staff_without_a_device_are_named(settings: Settings) -> None:
    settings.DEMO = False
    for name in ("bob", "ann"):
        make_agent(username=name)
    make_agent(username="gone", is_active=False)
    make_agent(username="buyer", is_staff=False, is_superuser=False)
    TOTPDevice.objects.create(user=make_agent(username="cleo"))
    with pytest.raises(CheckWarning) as warning:
        check_staff()
    assert warning.value.problem == "2 logins have no second factor yet: ann, bob"


def test_an_authenticator_that_was_never_confirmed_does_not_count(settings: Settings) -> None:
    settings.DEMO = False
    TOTPDevice.objects.create(user=make_agent(username="ann"), confirmed=False)
    with pytest.raises(CheckWarning, match="1 login has"):
        check_staff()


def test_a_long_list_is_cut(settings: Settings) -> None:
    settings.DEMO = False
    for number in range(7):
        make_agent(username=f"agent-{number}")
    with pytest.raises(CheckWarning, match=r"agent-4 …$"):
        check_staff()


def test_it_is_quiet_if_all_have_one_or_none_needs_it(settings: Settings) -> None:
    settings.DEMO = False
    TOTPDevice.objects.create(user=make_agent())
    assert "all have" in check_staff()
    settings.DEMO = True
    make_agent()
    assert "demo" in check_staff()
