"""The page for a charge without an order: other possible explanations, and the form of a charge claim."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language, gettext

from files.services import FileRejected
from files.upload_limits import receives_files
from orders import access
from orders.http import get_or_post, no_store, tell_about_card_number
from support import thread_access
from support.forms.charged import ChargeForm
from support.models import Thread
from support.services import claims
from support.services.threads import ContactMessage
from support.views.contact_messages import consume_message_rate, refuse_files, render_form, submitted_values

TEMPLATE = "support/charged.html"


@get_or_post
@no_store
@receives_files(refuse_files)
def charged(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render_form(request, TEMPLATE, ChargeForm())
    if not consume_message_rate(request):
        return render_form(request, TEMPLATE, ChargeForm(initial=submitted_values(request)), too_many=True)
    form = ChargeForm(request.POST, request.FILES)
    is_valid = form.is_valid()
    tell_about_card_number(request, form)
    if is_valid:
        try:
            thread, is_new = claims.create_claim(_contact_message(request, form), form.claim_fields)
        except FileRejected as refused:
            form.add_error("proof", str(refused))
        else:
            thread_access.grant_access_to_sender(request, thread, is_new=is_new)
            return redirect(thread.path)
    return render_form(request, TEMPLATE, form)


def _contact_message(request: HttpRequest, form: ChargeForm) -> ContactMessage:
    data = form.cleaned_data
    return ContactMessage(
        kind=Thread.Kind.CHARGE_CLAIM,
        email=data["email"],
        subject=gettext("Charged, but no order found"),
        text=data["message"],
        submission_id=form.submission,
        language=get_language() or "",
        files=data["proof"],
        client=access.client_address(request),
    )
