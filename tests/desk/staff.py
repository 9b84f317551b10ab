"""Members of staff who may see some of it, signed in to the admin."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.factories import make_agent


def staff_with_role(role: str) -> Client:
    """The browser of a member of staff with this role."""
    user = make_agent(is_superuser=False)
    user.groups.add(Group.objects.get(name=role))
    return signed_in(user)


def staff_with(*permissions: str) -> Client:
    """The browser of a member of staff who has only these permissions, such as "orders.view_order"."""
    user = make_agent(is_superuser=False)
    for each in permissions:
        app, codename = each.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return signed_in(user)


def signed_in(user: Any) -> Client:
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def verified(browser: Client) -> Client:
    """Mark the session as signed in with the second factor, as in production; the demo and the tests don't need it."""
    session = browser.session
    session[DEVICE_ID_SESSION_KEY] = "tests"
    session.save()
    return browser


def new_code(device: TOTPDevice) -> str:
    """The code that an authenticator app shows, as if none had been used before."""
    TOTPDevice.objects.filter(pk=device.pk).update(last_t=-1, throttling_failure_count=0)
    return code_of(device)


def code_of(device: TOTPDevice) -> str:
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    return f"{totp.token():06}"
