"""Resetting the password of a staff user by email. It doesn't replace the second factor."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.contrib.auth.views import PasswordResetConfirmView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget

from desk.account_log import record
from desk.models import PasswordReset
from desk.staff_sessions import end_sessions
from notifications.addresses import address_subject, email_key
from notifications.hidden_secrets import unless_hidden
from notifications.services import send
from orders.access import client_address
from orders.http import TOO_MANY_REQUESTS, get_or_post
from orders.rate_limits import Rate, RateLimit, consume

KIND = "staff_password_reset"
CLIENT_RATE = Rate(short=10, long=40)
ADDRESS_RATE = Rate(short=3, long=10)


class AddressForm(forms.Form):
    email = forms.EmailField(
        label=_("Email address"),
        max_length=254,
        widget=UnfoldAdminEmailInputWidget(attrs={"autocomplete": "email"}),
    )


class NewPasswordForm(SetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("new_password1", "new_password2"):
            self.fields[name].widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})


def request_reset(request: HttpRequest, address: str) -> bool:
    """Queue an email for the staff users with this address, if there are any. Returns False if asked too often.

    Known and unknown addresses are treated alike: who has the address is found when the email is sent.
    """
    limits = [
        RateLimit("staff-reset-client", client_address(request), CLIENT_RATE),
        RateLimit("staff-reset", address_subject(address), ADDRESS_RATE),
    ]
    if not consume(limits, timezone.now()):
        return False
    if key := email_key(address):
        with transaction.atomic():
            reset = PasswordReset.objects.create(email_key=key)
            send(KIND, reset, key, language=get_language() or "")
    return True


def staff_with_address(key: str) -> list[User]:
    """Return the staff users who may reset their password with this address."""
    staff = User.objects.filter(is_staff=True, is_active=True).exclude(email="").order_by("pk")
    return [user for user in staff if email_key(user.email) == key and user.has_usable_password()]


def reset_path(user: User) -> str:
    """Return the path of a link that works once, and expires."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = unless_hidden(default_token_generator.make_token(user))
    return reverse("admin:desk_password_reset", args=[uid, token])


def delete_old_requests() -> None:
    PasswordReset.objects.filter(requested_at__lt=timezone.now() - settings.KEPT_FOR["password_resets"]).delete()


# --- Pages ------------------------------------------------------------------------------------------------------------


@get_or_post
def ask_for_reset(request: HttpRequest) -> HttpResponse:
    form, status = AddressForm(request.POST if request.method == "POST" else None), 200
    if form.is_bound and form.is_valid():
        if request_reset(request, form.cleaned_data["email"]):
            messages.success(
                request,
                gettext(
                    "If a login has this address, an email with a link is on its way. Check your spam folder, too."
                ),
            )
            return HttpResponseRedirect(reverse("admin:login"))
        form.add_error(None, gettext("Too many requests. Wait 15 minutes, then try again."))
        status = TOO_MANY_REQUESTS
    context = {"title": gettext("Reset your password"), "form": form}
    return TemplateResponse(
        request, "desk/admin/ask_for_reset.html", admin.site.each_context(request) | context, status=status
    )


class ResetPassword(PasswordResetConfirmView):
    """The page behind the link. Django checks the link and keeps its token out of the URL of the form."""

    form_class = NewPasswordForm
    template_name = "desk/admin/reset_password.html"
    success_url = reverse_lazy("admin:login")
    title = _("Choose a new password")

    def get_user(self, uidb64: str) -> Any:
        user = super().get_user(uidb64)
        return user if user is not None and user.is_active and user.is_staff else None

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            response = super().form_valid(form)
            end_sessions(form.user, except_key=self.request.session.session_key)
            record(form.user, form.user, gettext("Password reset by email"))
        messages.success(self.request, gettext("Your password was changed. Sign in with the new one."))
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = admin.site.each_context(self.request) | super().get_context_data(**kwargs)
        return context | {"title": self.title, "minutes": settings.PASSWORD_RESET_TIMEOUT // 60}
