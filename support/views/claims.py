"""The page for a charge without an order: other possible explanations, and the form of a charge claim."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language, gettext

from files.services import FileRejected
from files.upload_limits import receives_files
from orders import access
from orders.drafts import Draft, SeeOther, tell_what_is_withheld
from orders.http import get_or_post, no_store, tell_about_card_number
from support import thread_access
from support.forms.charged import ChargeForm
from support.models import Thread
from support.services import claims
from support.services.threads import ContactMessage
from support.views.contact_messages import (
    consume_message_rate,
    refuse_files,
    render_form,
    submitted_values,
    was_refused,
)

TEMPLATE = "support/charged.html"


@get_or_post
@no_store
@receives_files(refuse_files)
def charged(request: HttpRequest) -> HttpResponse:
    draft = Draft(request, ChargeForm.form_name)
    if request.method != "POST":
        form = draft.typed_form(ChargeForm) or ChargeForm()
        return render_form(request, TEMPLATE, draft, form, too_many=was_refused(request, draft))
    if request.POST.get("from_correction") == "1":
        return _prefilled(request, draft)
    if not consume_message_rate(request):
        form = ChargeForm(initial=submitted_values(request, ChargeForm))
        return render_form(request, TEMPLATE, draft, form, too_many=True)
    form = ChargeForm(request.POST, request.FILES)
    is_valid = form.is_valid()
    tell_about_card_number(request, form)
    if is_valid:
        try:
            thread, is_new = claims.create_claim(_contact_message(request, form), form.claim_fields)
        except FileRejected as refused:
            form.add_error("proof", ValidationError(str(refused), code=refused.reason))
        else:
            draft.drop()
            thread_access.grant_access_to_sender(request, thread, is_new=is_new)
            return redirect(thread.path)
    return render_form(request, TEMPLATE, draft, form)


def _prefilled(request: HttpRequest, draft: Draft) -> HttpResponse:
    """Show the form with what was typed on the page that corrects an email address."""
    typed = {"order_number": request.POST.get("order_number", ""), "email": request.POST.get("new_email", "")}
    draft.id = ""  # the one of that page
    if not draft.prefill(ChargeForm, typed):
        return render_form(request, TEMPLATE, draft, ChargeForm())
    tell_what_is_withheld(request, ChargeForm)
    return SeeOther(draft.url())


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
