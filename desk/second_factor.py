"""The second factor of staff: codes of an authenticator app (TOTP), and recovery codes.

django-otp keeps the devices, refuses a code that was used before, and slows down guessing. Each user may have several
authenticators, and one set of recovery codes.
"""

import math
from base64 import b32encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext, ngettext
from django_otp.models import Device
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice, default_key

from desk.account_log import record
from desk.staff_sessions import end_sessions
from notifications.codes import CODE_LENGTH, grouped, make_code, read_code

RECOVERY_CODES = 10
MAX_AUTHENTICATORS = 5
RESET_PERMISSION = "desk.reset_second_factor"
_DIGITS = 6
_RECOVERY_DEVICE = "recovery codes"
_TOKEN_BYTES = 10  # 16 characters, as many as django-otp's column has


class TooManyWrongCodes(Exception):
    """django-otp evaluates no code for a while. `wait` says for how long."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait

    def __str__(self) -> str:
        seconds = max(1, math.ceil(self.wait.total_seconds()))
        if seconds < 120:
            text = ngettext(
                "The code was wrong too often. Wait %(count)d second, then try again.",
                "The code was wrong too often. Wait %(count)d seconds, then try again.",
                seconds,
            )
            return text % {"count": seconds}
        text = gettext("The code was wrong too often. Wait %(count)d minutes, then try again.")
        return text % {"count": math.ceil(seconds / 60)}


class NotAllowed(Exception):
    """The change is refused. The message says why."""


def is_needed(user: User) -> bool:
    """Whether signing in takes a second step. In the demo, only those who have set it up need it."""
    return not settings.DEMO or has_authenticator(user)


def authenticators(user: User) -> QuerySet[TOTPDevice]:
    return TOTPDevice.objects.filter(user=user, confirmed=True).order_by("pk")


def has_authenticator(user: User) -> bool:
    return authenticators(user).exists()


def staff_without() -> QuerySet[User]:
    """Return active staff who haven't set up the second factor."""
    own = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
    return User.objects.filter(~Exists(own), is_staff=True, is_active=True).order_by("username")


# --- Codes ------------------------------------------------------------------------------------------------------------


def check_wait(user: User, typed: str) -> None:
    """Raise TooManyWrongCodes if a code like this wouldn't be evaluated now."""
    _refuse_while_locked(list(_kind_of_device(read_code(typed)).objects.filter(user=user, confirmed=True)))


def check_code(user: User, typed: str) -> Device | None:
    """Use up a code of an authenticator, or a recovery code. Return its device, or None if the code is wrong.

    Raises TooManyWrongCodes. Wrong codes of one kind don't slow down the other.
    """
    code = read_code(typed)
    with transaction.atomic():
        # The locks make simultaneous requests with the same code wait for each other.
        devices: list[Any] = [
            *authenticators(user).select_for_update(),
            *StaticDevice.objects.filter(user=user).select_for_update(),
        ]
        asked = [device for device in devices if isinstance(device, _kind_of_device(code))]
        _refuse_while_locked(asked)
        right = next((device for device in asked if device.verify_token(_token(device, code))), None)
        if right is not None:
            # A code of one device is a wrong code for the others. Without this, the unused one would be locked.
            for device in devices:
                if device is not right and device.throttling_failure_count:
                    device.throttle_reset()
    return right


def _kind_of_device(code: str) -> Any:
    is_totp = len(code) == _DIGITS and code.isascii() and code.isdecimal()
    return TOTPDevice if is_totp else StaticDevice


def _refuse_while_locked(asked: list[Any]) -> None:
    answers = [device.verify_is_allowed() for device in asked]
    if answers and not any(is_allowed for is_allowed, _details in answers):
        raise TooManyWrongCodes(min(details["locked_until"] for _is_allowed, details in answers) - timezone.now())


def _token(device: Any, code: str) -> str:
    """Return what django-otp compares: the code of an authenticator, or the digest of a recovery code."""
    if isinstance(device, TOTPDevice):
        return code
    digests = list(_digests(device.user_id, code))
    known = device.token_set.filter(token__in=digests).first()
    return known.token if known is not None else digests[0]


def _digests(user_id: int, code: str) -> Iterator[str]:
    """Yield the digests of a recovery code, with the current key first. django-otp stores codes as they are; with a
    digest instead, a copy of the database opens no account.
    """
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        digest = salted_hmac("desk.recovery_code", f"{user_id} {code}", secret=key, algorithm="sha256").digest()
        yield b32encode(digest[:_TOKEN_BYTES]).decode()


# --- Authenticators ---------------------------------------------------------------------------------------------------


def new_key() -> str:
    """Return a random key for an authenticator, in hexadecimal."""
    return default_key()


def draft_authenticator(user: User, key: str, name: str = "") -> TOTPDevice:
    """Return an authenticator that isn't stored yet. Its `config_url` is the content of the QR code."""
    return TOTPDevice(user=user, key=key, name=name)


def readable_key(device: TOTPDevice) -> str:
    """Return the key as it's typed into an authenticator app, in groups of four."""
    text = b32encode(device.bin_key).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def add_authenticator(user: User, key: str, typed: str, name: str = "", *, is_first: bool = False) -> TOTPDevice | None:
    """Store a new authenticator if the code is its current one. Returns None otherwise.

    Raises NotAllowed if it must be the first and isn't, or if there are too many.
    """
    device = draft_authenticator(user, key, name)
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    code = read_code(typed)
    if _kind_of_device(code) is not TOTPDevice or not totp.verify(int(code), device.tolerance):
        return None
    device.last_t = totp.t()  # this code can't be used again
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        count = authenticators(user).count()
        if is_first and count:
            raise NotAllowed(gettext("The second factor was set up in the meantime. Sign in again."))
        if count >= MAX_AUTHENTICATORS:
            raise NotAllowed(gettext("You can have at most %(count)d authenticators.") % {"count": MAX_AUTHENTICATORS})
        device.save()
        record(user, user, gettext("Authenticator added"))
    return device


def remove_authenticator(user: User, pk: int) -> bool:
    """Delete one authenticator. Returns whether it existed. Raises NotAllowed if it's the only one."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        own = authenticators(user)
        if not own.filter(pk=pk).exists():
            return False
        if own.count() == 1:
            raise NotAllowed(gettext("You need at least one authenticator. Add the new one first."))
        own.filter(pk=pk).delete()
        record(user, user, gettext("Authenticator removed"))
    return True


# --- Recovery codes ---------------------------------------------------------------------------------------------------


def make_recovery_codes(user: User) -> list[str]:
    """Replace the recovery codes of the user. Only their digests are stored, so the result must be shown now."""
    codes = [make_code() for _number in range(RECOVERY_CODES)]
    assert all(len(code) == CODE_LENGTH != _DIGITS for code in codes)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name=_RECOVERY_DEVICE)
        StaticToken.objects.bulk_create(
            StaticToken(device=device, token=next(_digests(user.pk, code))) for code in codes
        )
        record(user, user, gettext("Recovery codes created"))
    return [grouped(code) for code in codes]


def count_recovery_codes(user: User) -> int:
    return StaticToken.objects.filter(device__user=user).count()


# --- A lost device ----------------------------------------------------------------------------------------------------


def may_reset(by: Any, user: User) -> bool:
    """Whether staff may reset the second factor of this user: never their own, and no superuser's."""
    return bool(by.has_perm(RESET_PERMISSION)) and by.pk != user.pk and (by.is_superuser or not user.is_superuser)


def reset(user: User, by: User | None) -> int:
    """Delete all authenticators and recovery codes of the user, and end their sessions. They set it up again when they
    sign in. `by` is None for the command. Returns how many sessions ended.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        ended = end_sessions(user)
        # Django's log needs a user. Nobody is signed in while a command runs, so that is the user themselves.
        text = gettext("Second factor reset") if by else gettext("Second factor reset by manage.py")
        record(by or user, user, text)
    return ended
