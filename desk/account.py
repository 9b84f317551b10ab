"""Pages about the login of staff: one's own, and that of others for those who may help with a lost device."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import UnfoldAdminTextInputWidget

from desk import second_factor, sign_in, staff_sessions
from desk.access import may_view
from desk.account_log import record
from desk.models import StaffSession
from orders.http import get_or_post
from orders.models.fields import refuse_card_number
from orders.rate_limits import Rate, RateLimit, consume, restore

CODE_RATE = Rate(short=10, long=50)  # wrong codes of one user who is signed in
NAME_LENGTH = 40
MAX_PK = 2**31 - 1


class AddAuthenticatorForm(sign_in.NewAuthenticatorForm):
    """A second authenticator. Adding one takes a code of the first, so that an open session isn't enough."""

    name = forms.CharField(
        label=_("Name (optional)"),
        required=False,
        max_length=NAME_LENGTH,
        validators=[refuse_card_number],
        help_text=_("For example: phone, tablet."),
        widget=UnfoldAdminTextInputWidget(),
    )
    current = forms.CharField(
        label=_("Code of your present authenticator, or a recovery code"),
        max_length=32,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    field_order = ["name", "code", "current"]

    def __init__(self, *args: Any, needs_current: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = gettext("Code of the new authenticator")
        if not needs_current:
            del self.fields["current"]


# --- One's own login --------------------------------------------------------------------------------------------------


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    user = _signed_in(request)
    context = {
        "title": gettext("Login and sessions"),
        "authenticators": list(second_factor.authenticators(user)),
        "recovery_codes_left": second_factor.count_recovery_codes(user),
        "sessions": staff_sessions.load_sessions(user, request.session.session_key),
    }
    return _render(request, "desk/admin/account.html", context)


@require_POST
def end_own_sessions(request: HttpRequest) -> HttpResponse:
    """End one other session, or all others."""
    user, key = _signed_in(request), request.session.session_key
    if request.POST.get("session") == "all":
        ended = staff_sessions.end_sessions(user, except_key=key)
    else:
        ended = int(staff_sessions.end_session(user, _number(request.POST.get("session", ""))))
    _tell_ended(request, ended)
    return HttpResponseRedirect(reverse("admin:desk_account"))


@get_or_post
def add_authenticator(request: HttpRequest) -> HttpResponse:
    user = _signed_in(request)
    is_first = not second_factor.has_authenticator(user)  # only in the demo
    key = sign_in.pending_key(request)
    form = AddAuthenticatorForm(request.POST if request.method == "POST" else None, needs_current=not is_first)
    if form.is_bound and form.is_valid() and (is_first or _is_confirmed(user, form, "current")):
        try:
            device = second_factor.add_authenticator(
                user, key, form.cleaned_data["code"], form.cleaned_data["name"], is_first=is_first
            )
        except second_factor.NotAllowed as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(reverse("admin:desk_account"))
        if device is not None:
            sign_in.forget_key(request)
            if is_first:
                return sign_in.show_recovery_codes(request, user, reverse("admin:desk_account"))
            messages.success(request, gettext("The authenticator was added."))
            return HttpResponseRedirect(reverse("admin:desk_account"))
        form.add_error("code", sign_in.WRONG_CODE)
    context = {"title": gettext("Add an authenticator"), "form": form} | sign_in.describe_key(user, key)
    return _render(request, "desk/admin/add_authenticator.html", context)


@get_or_post
def remove_authenticator(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove one of several authenticators, and end all other sessions."""
    user = _signed_in(request)
    device = second_factor.authenticators(user).filter(pk=min(pk, MAX_PK)).first()
    if device is None:
        raise Http404
    form = sign_in.CodeForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid() and _is_confirmed(user, form):
        try:
            second_factor.remove_authenticator(user, device.pk)
        except second_factor.NotAllowed as refusal:
            messages.error(request, str(refusal))
        else:
            staff_sessions.end_sessions(user, except_key=request.session.session_key)
            messages.success(request, gettext("The authenticator was removed."))
        return HttpResponseRedirect(reverse("admin:desk_account"))
    context = {
        "title": gettext("Remove an authenticator"),
        "lead": gettext("After this, its codes are refused, and your other sessions end."),
        "about": device.name,
        "button": gettext("Remove"),
        "form": form,
    }
    return _render(request, "desk/admin/confirm_with_code.html", context)


@get_or_post
def new_recovery_codes(request: HttpRequest) -> HttpResponse:
    user = _signed_in(request)
    if not second_factor.has_authenticator(user):
        return HttpResponseRedirect(reverse("admin:desk_account"))
    form = sign_in.CodeForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid() and _is_confirmed(user, form):
        return sign_in.show_recovery_codes(request, user, reverse("admin:desk_account"))
    context = {
        "title": gettext("Create new recovery codes"),
        "lead": gettext("The codes that you have now stop working."),
        "button": gettext("Create new codes"),
        "form": form,
    }
    return _render(request, "desk/admin/confirm_with_code.html", context)


def _is_confirmed(user: User, form: Any, field: str = "code") -> bool:
    """Whether the form has a valid code of the user. Adds an error to the field if not."""
    now, limit = timezone.now(), RateLimit("staff-code", str(user.pk), CODE_RATE)
    try:
        second_factor.check_wait(user, form.cleaned_data[field])
        if not consume([limit], now):
            form.add_error(field, gettext("The code was wrong too often. Wait 15 minutes, then try again."))
            return False
        if second_factor.check_code(user, form.cleaned_data[field]) is None:
            form.add_error(field, sign_in.WRONG_CODE)
            return False
    except second_factor.TooManyWrongCodes as refusal:
        form.add_error(field, str(refusal))
        return False
    restore([limit], now)
    return True


# --- The login of others ----------------------------------------------------------------------------------------------


@get_or_post
def staff_login(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the second factor and the sessions of another user, to those who may view users and one of these.

    A POST with `action` resets the second factor, or ends one session or all.
    """
    by = _signed_in(request)
    if not may_view_login(by):
        raise PermissionDenied
    user = get_object_or_404(User, pk=min(pk, MAX_PK))
    if user.pk == by.pk:
        return HttpResponseRedirect(reverse("admin:desk_account"))
    if request.method == "POST":
        _change_login(request, by, user)
        return HttpResponseRedirect(request.path)
    context = {
        "title": gettext("Login and sessions"),
        "shown_user": user,
        "has_second_factor": second_factor.has_authenticator(user),
        "recovery_codes_left": second_factor.count_recovery_codes(user),
        "sessions": staff_sessions.load_sessions(user) if may_view(by, StaffSession) else None,
        "may_reset": second_factor.may_reset(by, user),
        "may_end": staff_sessions.may_end(by, user),
        "may_open_user": may_view(by, User),
    }
    return _render(request, "desk/admin/staff_login.html", context)


def may_view_login(by: Any) -> bool:
    return may_view(by, User) and (may_view(by, StaffSession) or by.has_perm(second_factor.RESET_PERMISSION))


def _change_login(request: HttpRequest, by: User, user: User) -> None:
    action = request.POST.get("action", "")
    if action == "reset":
        if not second_factor.may_reset(by, user):
            raise PermissionDenied
        second_factor.reset(user, by)
        messages.success(request, gettext("The second factor was reset. All sessions of this user ended."))
    elif action in ("end", "end_all"):
        if not staff_sessions.may_end(by, user):
            raise PermissionDenied
        if action == "end_all":
            ended = staff_sessions.end_sessions(user)
        else:
            ended = int(staff_sessions.end_session(user, _number(request.POST.get("session", ""))))
        if ended:
            record(by, user, gettext("Sessions ended: %(count)d") % {"count": ended})
        _tell_ended(request, ended)
    else:
        messages.error(request, gettext("Choose an action."))


def _tell_ended(request: HttpRequest, ended: int) -> None:
    text = ngettext("%(count)d session ended.", "%(count)d sessions ended.", ended) % {"count": ended}
    messages.success(request, text)


def _number(typed: str) -> int:
    """Return a primary key, or 0, which no row has."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 19 else 0


def _signed_in(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _render(request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
    return TemplateResponse(request, template, admin.site.each_context(request) | context)
