"""Charged, and no order is found: what may solve it already, and the claim."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language, gettext

from files.services import FileRejected
from orders.http import get_or_post, no_store
from support import thread_access
from support.forms.charged import ChargeForm
from support.models import Thread
from support.services import claims
from support.services.threads import Letter
from support.views.letters import form_page, may_write, typed

TEMPLATE = "support/charged.html"


@get_or_post
@no_store
def charged(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return form_page(request, TEMPLATE, ChargeForm())
    if not may_write(request):
        return form_page(request, TEMPLATE, ChargeForm(initial=typed(request)), too_many=True)
    form = ChargeForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            thread, is_new = claims.file_claim(_letter(form), form.known)
        except FileRejected as refused:
            form.add_error("proof", str(refused))
        else:
            thread_access.grant_writer(request, thread, is_new=is_new)
            return redirect(thread.path)
    return form_page(request, TEMPLATE, form)


def _letter(form: ChargeForm) -> Letter:
    said = form.cleaned_data
    return Letter(
        kind=Thread.Kind.CHARGE_CLAIM,
        email=said["email"],
        subject=gettext("Charged, and no order found"),
        text=said["message"],
        submission_id=form.submission,
        language=get_language() or "",
        files=said["proof"],
    )
