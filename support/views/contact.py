"""The contact page."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import get_language

from files.services import FileRejected
from files.upload_limits import receives_files
from orders import access
from orders.drafts import Draft
from orders.formats import active_language
from orders.http import get_or_post, no_store, tell_about_card_number
from orders.models import Order
from support import thread_access
from support.forms.contact import ContactForm
from support.models import Thread
from support.search import search_articles
from support.services.threads import ContactMessage, open_thread
from support.views.contact_messages import (
    consume_message_rate,
    refuse_files,
    render_form,
    submitted_values,
    was_refused,
)

TEMPLATE = "support/contact.html"
MAX_SUGGESTED_ARTICLES = 3


@get_or_post
@no_store
@receives_files(refuse_files)
def contact(request: HttpRequest) -> HttpResponse:
    """The contact form. If orders are open in this session, the buyer can choose one of them.

    Its button for suggestions sends `look=1`: the page then shows matching help articles instead of sending.
    """
    orders, draft = access.fully_open_orders(request), Draft(request, ContactForm.form_name)
    if request.method != "POST":
        return _form_page(request, draft, orders)
    if request.POST.get("look") == "1":
        form = ContactForm(orders, initial=submitted_values(request, ContactForm))
        suggestions = _suggestions(request.POST.get("subject", ""))
        return render_form(request, TEMPLATE, draft, form, orders=orders, **suggestions)
    if not consume_message_rate(request):
        form = ContactForm(orders, initial=submitted_values(request, ContactForm))
        return render_form(request, TEMPLATE, draft, form, too_many=True, orders=orders)
    form = ContactForm(orders, request.POST, request.FILES)
    is_valid = form.is_valid()
    tell_about_card_number(request, form)
    if is_valid:
        try:
            thread, is_new = open_thread(_contact_message(request, form))
        except FileRejected as refused:
            form.add_error("files", ValidationError(str(refused), code=refused.reason))
        else:
            draft.drop()
            thread_access.grant_access_to_sender(request, thread, is_new=is_new)
            return redirect(thread.path)
    return render_form(request, TEMPLATE, draft, form, orders=orders)


def _form_page(request: HttpRequest, draft: Draft, orders: list[Order]) -> HttpResponse:
    """The form, empty or with what was typed before its language was changed."""
    typed = draft.load()
    if typed is None:
        form = ContactForm(orders, initial=_initial_from_query(request))
        return render_form(request, TEMPLATE, draft, form, orders=orders)
    form = typed.show(ContactForm(orders, typed.data))
    suggestions = _suggestions(typed.data.get("subject", "")) if typed.outcome.get("look") else {}
    too_many = was_refused(request, draft)
    return render_form(request, TEMPLATE, draft, form, too_many=too_many, orders=orders, **suggestions)


def _suggestions(subject: str) -> dict[str, Any]:
    results = search_articles(subject, active_language(), timezone.now())
    return {"are_articles_searched": True, "suggested_articles": results[:MAX_SUGGESTED_ARTICLES]}


def _initial_from_query(request: HttpRequest) -> dict[str, str]:
    """Initial order and subject from the query string, as set by pages that link here."""
    return {name: request.GET[name][:200] for name in ("order", "subject") if name in request.GET}


def _contact_message(request: HttpRequest, form: ContactForm) -> ContactMessage:
    data = form.cleaned_data
    return ContactMessage(
        kind=Thread.Kind.CONTACT,
        email=data["email"],
        subject=data["subject"],
        text=data["message"],
        submission_id=form.submission,
        language=get_language() or "",
        files=data["files"],
        order=form.chosen_order,
        client=access.client_address(request),
    )
