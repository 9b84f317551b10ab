"""Writing to support."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import get_language

from files.services import FileRejected
from orders import access
from orders.formats import active_language
from orders.http import get_or_post, no_store
from support import search, thread_access
from support.forms.contact import ContactForm
from support.models import Thread
from support.services.threads import Letter, open_thread
from support.views.letters import form_page, may_write, typed

TEMPLATE = "support/contact.html"
ANSWERS_SHOWN = 3


@get_or_post
@no_store
def contact(request: HttpRequest) -> HttpResponse:
    """One form; with an order open, about that order. Answers that stand in the help are shown before it is sent."""
    orders = access.fully_open_orders(request)
    if request.method != "POST":
        return form_page(request, TEMPLATE, ContactForm(orders, initial=_wanted(request)), orders=orders)
    if request.POST.get("look") == "1":
        form = ContactForm(orders, initial=typed(request))
        return form_page(request, TEMPLATE, form, orders=orders, **_answers(request.POST.get("subject", "")))
    if not may_write(request):
        form = ContactForm(orders, initial=typed(request))
        return form_page(request, TEMPLATE, form, too_many=True, orders=orders)
    form = ContactForm(orders, request.POST, request.FILES)
    if form.is_valid():
        try:
            thread, is_new = open_thread(_letter(form))
        except FileRejected as refused:
            form.add_error("files", str(refused))
        else:
            thread_access.grant_writer(request, thread, is_new=is_new)
            return redirect(thread.path)
    return form_page(request, TEMPLATE, form, orders=orders)


def _answers(subject: str) -> dict[str, Any]:
    return {"looked": True, "answers": search.search(subject, active_language(), timezone.now())[:ANSWERS_SHOWN]}


def _wanted(request: HttpRequest) -> dict[str, str]:
    """What a page that leads here says of itself: which order, and what about."""
    return {name: request.GET[name][:200] for name in ("order", "subject") if name in request.GET}


def _letter(form: ContactForm) -> Letter:
    said = form.cleaned_data
    return Letter(
        kind=Thread.Kind.CONTACT,
        email=said["email"],
        subject=said["subject"],
        text=said["message"],
        submission_id=form.submission,
        language=get_language() or "",
        files=said["files"],
        order=form.chosen_order,
    )
