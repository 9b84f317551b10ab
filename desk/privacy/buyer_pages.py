"""The pages on which people ask for a copy of their data, or for its erasure. Emailed links lead to the others."""

import tempfile
from typing import Any

from django import forms
from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from desk.models import ExportLink, PersonRequest
from desk.privacy import requests
from orders.drafts import Draft
from orders.forms.base import EmailForm
from orders.http import UNPROCESSABLE, get_or_post, no_store, too_many_requests
from orders.models import LinkState
from orders.views.links import render_link_page

MAX_IN_MEMORY = 5 * 1024 * 1024  # bytes of an export


class MyDataForm(EmailForm):
    form_name = "my_data"
    button = _("Email me a link")

    kind = forms.ChoiceField(
        label=_("What would you like?"),
        choices=[
            (PersonRequest.Kind.COPY, _("A copy of my data")),
            (PersonRequest.Kind.ERASURE, _("Erase my data")),
        ],
        initial=PersonRequest.Kind.COPY,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a copy or the erasure of your data."),
            "invalid_choice": _("Choose a copy or the erasure of your data."),
        },
    )
    field_order = ["kind", "email"]

    def action(self) -> str:
        return reverse("desk:my_data")


@get_or_post
@no_store
def my_data(request: HttpRequest) -> HttpResponse:
    draft = Draft(request, MyDataForm.form_name)
    if request.method != "POST":
        return _form_page(request, draft, draft.typed_form(MyDataForm) or MyDataForm())
    form = MyDataForm(request.POST)
    if not form.is_valid():
        return _form_page(request, draft, form)
    retry_at = requests.ask(request, form.cleaned_data["email"], PersonRequest.Kind(form.cleaned_data["kind"]))
    if retry_at is not None:
        context = {"form": form, "too_many": True, "language_forms": [draft.shown(form)]}
        return too_many_requests(request, "desk/privacy/my_data.html", context, retry_at)
    draft.drop()
    return redirect("desk:my_data_sent")


def _form_page(request: HttpRequest, draft: Draft, form: MyDataForm) -> HttpResponse:
    context = {"form": form, "language_forms": [draft.shown(form)]}
    return render(request, "desk/privacy/my_data.html", context, status=UNPROCESSABLE if form.errors else 200)


@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    """The same page for known and unknown addresses."""
    return render(request, "desk/privacy/sent.html", {"sender": settings.DEFAULT_FROM_EMAIL})


@get_or_post
@no_store
def confirm_request(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button, because email scanners follow links, too. POST uses up the link."""
    asked = PersonRequest.get_by_token(token)
    state = PersonRequest.get_state(asked, timezone.now())
    is_confirmed = False
    if request.method == "POST" and asked is not None:
        is_confirmed = requests.confirm(asked) or asked.used_at is not None  # a second click on the same button
        state = LinkState.VALID if is_confirmed else LinkState.USED_OR_EXPIRED
    context = {
        "is_erasure": asked is not None and asked.kind == PersonRequest.Kind.ERASURE,
        "is_confirmed": is_confirmed,
    }
    return render_link_page(request, "desk/privacy/confirm.html", token, state, **context)


@get_or_post
@no_store
def download(request: HttpRequest, token: str) -> HttpResponseBase:
    """GET shows a button. POST uses up the link, and makes the copy of the data, which isn't stored anywhere."""
    link = ExportLink.get_by_token(token)
    state = ExportLink.get_state(link, timezone.now())
    if request.method != "POST" or link is None or not link.mark_used(timezone.now()):
        if request.method == "POST" and link is not None:
            state = LinkState.USED_OR_EXPIRED
        return render_link_page(request, "desk/privacy/download.html", token, state)
    # Loaded only here, because other pages of a web process don't need what an export loads.
    collect = import_string("desk.privacy.export.collect")
    return send_export(collect(link.request.email_key, reveals_payout=True))


def send_export(export: Any) -> FileResponse:
    """Send the ZIP file of a `PersonExport` as a download that no cache keeps."""
    file: Any = tempfile.SpooledTemporaryFile(MAX_IN_MEMORY)  # noqa: SIM115 (the response closes it)
    import_string("desk.privacy.export.write_zip")(export, file)
    file.seek(0)
    response = FileResponse(
        file, as_attachment=True, filename=f"person-{export.made_at:%Y%m%d}.zip", content_type="application/zip"
    )
    response["Cache-Control"] = "no-store, private"
    response["X-Content-Type-Options"] = "nosniff"
    return response
