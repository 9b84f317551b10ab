"""Signing in through the login page, as production asks for it."""

import re
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from desk.second_factor import draft_authenticator
from tests.desk.staff import code_of, new_code
from tests.factories import make_agent

LOGIN, CODE, SET_UP = "/admin/login/", "/admin/login/code/", "/admin/login/set-up/"
PASSWORD = "a long password"


def make_staff(username: str = "ann", **fields: Any) -> User:
    """A staff user with a password."""
    user = make_agent(username=username, **fields)
    user.set_password(PASSWORD)
    user.save()
    return user


def make_authenticator(user: User, name: str = "") -> TOTPDevice:
    device = draft_authenticator(user, random_hex(20), name)
    device.save()
    return device


def enter_password(browser: Client, username: str = "ann", password: str = PASSWORD, **fields: str) -> HttpResponse:
    return browser.post(LOGIN, {"username": username, "password": password} | fields)


def enter_code(browser: Client, code: str) -> HttpResponse:
    return browser.post(CODE, {"code": code})


def sign_in(device: TOTPDevice, **headers: str) -> Client:
    """A new browser of the device's user, signed in with both steps."""
    browser = Client(**headers)
    assert enter_password(browser, device.user.username)["Location"] == CODE
    assert enter_code(browser, new_code(device)).status_code == 302
    assert is_signed_in(browser)
    return browser


def set_up(browser: Client) -> HttpResponse:
    """Scan the QR code, and enter the first code."""
    return browser.post(SET_UP, {"code": code_of(draft_authenticator(User(), key_on(browser)))})


def key_on(browser: Client) -> str:
    """The key on the page, in hexadecimal."""
    return str(browser.session["desk_new_authenticator"])


def recovery_codes_on(page: HttpResponse) -> list[str]:
    return re.findall(r"<li>([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})</li>", page.content.decode())


def is_signed_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200
