"""Signing in to the admin: the password, then a code. At the first login, the second factor is set up.

Between the two steps, nobody is signed in: the session only says whose password was right.
"""

from datetime import timedelta
from typing import Any

import segno
from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import SESSION_KEY, load_backend, logout, user_login_failed
from django.contrib.auth import login as auth_login
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_otp import login as otp_login
from django_otp.models import Device
from unfold.widgets import UnfoldAdminTextInputWidget

from desk import second_factor

STEP_SECONDS = 600  # between the password and the code
SESSION_SECONDS = settings.SESSION_COOKIE_AGE  # after that, staff sign in again, however busy they are
_PENDING = "desk_sign_in"  # in the session


class CodeForm(forms.Form):
    """A code of an authenticator, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=32,
        help_text=_("The 6 digits that your authenticator app shows, or one of your recovery codes."),
        widget=UnfoldAdminTextInputWidget(
            attrs={
                "autocomplete": "one-time-code",
                "spellcheck": "false",
                "autocapitalize": "off",
                # `autofocus` comes too early: django-unfold's pages are hidden until its scripts run.
                "x-init": "$nextTick(() => $el.focus())",
            }
        ),
    )


class NewAuthenticatorForm(CodeForm):
    """The first code of a new authenticator."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = gettext("The 6 digits that your authenticator app shows now.")
        self.fields["code"].widget.attrs["inputmode"] = "numeric"
        del self.fields["code"].widget.attrs["x-init"]  # the QR code comes first


class PasswordStep(LoginView):
    """The first step. `password_accepted` is called if a second one follows."""

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if not second_factor.is_needed(user):
            return super().form_valid(form)
        self.password_accepted(user)
        _start(self.request, user, self.get_success_url())
        return HttpResponseRedirect(reverse("admin:desk_sign_in_code"))

    def password_accepted(self, user: User) -> None:
        pass


# --- Between the steps ------------------------------------------------------------------------------------------------


def _start(request: HttpRequest, user: Any, next_url: str) -> None:
    if SESSION_KEY in request.session:  # somebody else's, or without a second factor
        logout(request)
    request.session.cycle_key()
    request.session[_PENDING] = {
        "user": user.pk,
        "backend": user.backend,
        "hash": user.get_session_auth_hash(),
        "at": timezone.now().timestamp(),
        "next": next_url,
    }


def pending_user(request: HttpRequest) -> User | None:
    """Return whose password was right a short time ago, if it still is."""
    pending = request.session.get(_PENDING)
    if pending is None or timezone.now().timestamp() - pending["at"] > STEP_SECONDS:
        return None
    user: Any = load_backend(pending["backend"]).get_user(pending["user"])
    if user is None or not user.is_staff or not constant_time_compare(pending["hash"], user.get_session_auth_hash()):
        return None
    return user


def _complete(request: HttpRequest, user: User, device: Device) -> str:
    """Sign in with a new session key. Return the URL of the page that was asked for."""
    pending = request.session.pop(_PENDING)
    auth_login(request, user, pending["backend"])
    otp_login(request, device)
    request.session.set_expiry(timezone.now() + timedelta(seconds=SESSION_SECONDS))
    return str(pending["next"])


def _start_again(request: HttpRequest) -> HttpResponse:
    if request.session.pop(_PENDING, None) is not None:
        messages.warning(request, gettext("Sign in again. You have 10 minutes for the second step."))
    return HttpResponseRedirect(reverse("admin:login"))


# --- The second step --------------------------------------------------------------------------------------------------


def enter_code(request: HttpRequest) -> HttpResponse:
    """Ask for a code."""
    user = pending_user(request)
    if user is None:
        return _start_again(request)
    if not second_factor.has_authenticator(user):
        return HttpResponseRedirect(reverse("admin:desk_sign_in_set_up"))
    form = CodeForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        device = _check_sign_in_code(request, user, form)
        if device is not None:
            return HttpResponseRedirect(_complete(request, user, device))
    return _render(request, "desk/admin/sign_in_code.html", {"title": gettext("Enter your code"), "form": form})


def set_up(request: HttpRequest) -> HttpResponse:
    """Set up the second factor, and show the recovery codes, once."""
    user = pending_user(request)
    if user is None:
        return _start_again(request)
    if second_factor.has_authenticator(user):
        return HttpResponseRedirect(reverse("admin:desk_sign_in_code"))
    key = pending_key(request)
    form = NewAuthenticatorForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid() and AxesProxyHandler.is_allowed(request, _credentials(user)):
        try:
            device = second_factor.add_authenticator(user, key, form.cleaned_data["code"], is_first=True)
        except second_factor.NotAllowed as refusal:
            messages.error(request, str(refusal))
            return _start_again(request)
        if device is not None:
            next_url = _complete(request, user, device)
            forget_key(request)
            return show_recovery_codes(request, user, next_url)
        _refuse_code(request, user, form)
    context = {"title": gettext("Set up the second factor"), "form": form} | describe_key(user, key)
    return _render(request, "desk/admin/sign_in_set_up.html", context)


def _check_sign_in_code(request: HttpRequest, user: User, form: CodeForm) -> Device | None:
    """Check the code within the limits of the login. If they're used up, axes' middleware answers instead."""
    code = form.cleaned_data["code"]
    try:
        second_factor.check_wait(user, code)
        if not AxesProxyHandler.is_allowed(request, _credentials(user)):
            return None
        device = second_factor.check_code(user, code)
    except second_factor.TooManyWrongCodes as refusal:
        form.add_error("code", str(refusal))
        return None
    if device is None:
        _refuse_code(request, user, form)
    return device


def _refuse_code(request: HttpRequest, user: User, form: CodeForm) -> None:
    user_login_failed.send(sender=__name__, credentials=_credentials(user), request=request)
    form.add_error("code", WRONG_CODE)


def _credentials(user: User) -> dict[str, str]:
    return {"username": user.get_username()}


WRONG_CODE = _("That code isn’t right, or it was used before. Wait for the next one and try again.")


# --- Shared with the account page -------------------------------------------------------------------------------------

_KEY = "desk_new_authenticator"  # in the session, until it is confirmed


def pending_key(request: HttpRequest) -> str:
    """Return the key of the authenticator that is being set up. It stays the same if the page is loaded again."""
    if _KEY not in request.session:
        request.session[_KEY] = second_factor.new_key()
    return str(request.session[_KEY])


def forget_key(request: HttpRequest) -> None:
    request.session.pop(_KEY, None)


def describe_key(user: User, key: str) -> dict[str, Any]:
    """Return what a page shows about a new authenticator: QR code, link and key as text."""
    device = second_factor.draft_authenticator(user, key)
    return {
        "qr_code": _qr_code(device.config_url),
        "app_url": mark_safe(device.config_url.replace("&", "&amp;")),  # noqa: S308 (percent-encoded by django-otp)
        "key": second_factor.readable_key(device),
    }


def _qr_code(url: str) -> SafeString:
    # White also in dark mode: many apps can't read a light code on a dark background.
    svg = segno.make(url, error="m", micro=False).svg_inline(
        scale=4, dark="#000", light="#fff", svgclass="rounded-default", title=gettext("QR code for your app")
    )
    return mark_safe(svg)  # noqa: S308 (segno escapes the title)


def show_recovery_codes(request: HttpRequest, user: User, next_url: str) -> HttpResponse:
    """Replace the recovery codes, and show them in response to a POST, so that no reload repeats them."""
    context = {
        "title": gettext("Your recovery codes"),
        "codes": second_factor.make_recovery_codes(user),
        "next_url": next_url,
    }
    return _render(request, "desk/admin/recovery_codes.html", context)


def _render(request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
    return TemplateResponse(request, template, admin.site.each_context(request) | context)
