"""The page of a thread, on which buyers read, reply and close it, and the emailed links that open it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from cases.refusals import Refusal
from cases.transitions import Actor
from files.services import FileRejected
from files.upload_limits import receives_files
from notifications.addresses import mask_address
from orders import access
from orders.access import LinkResult
from orders.drafts import Draft
from orders.http import (
    TOO_MANY_REQUESTS,
    UNPROCESSABLE,
    get_or_post,
    no_store,
    tell_about_card_number,
    too_many_requests,
)
from orders.models import LinkState
from orders.views.links import render_link_page
from support import thread_access
from support.forms.contact import ContactForm, ReplyForm
from support.models import ChargeClaim, Thread, ThreadLink
from support.services import threads
from support.thread_access import with_thread
from support.views.contact_messages import (
    consume_message_rate,
    refuse_files,
    render_form,
    submitted_values,
    was_refused,
)

TEMPLATE = "support/thread.html"
LINK_TEMPLATE = "support/thread_link.html"
BADGE_TONES = {
    Thread.Status.WAITING: "",
    Thread.Status.ANSWERED: "good",
    Thread.Status.QUESTION_ASKED: "warn",
    Thread.Status.CLOSED: "",
}


@get_or_post
@no_store
@with_thread
@receives_files(refuse_files)
def thread(request: HttpRequest, thread: Thread) -> HttpResponse:
    """Show the messages of a thread. POST adds a message of the buyer."""
    draft = Draft(request, ReplyForm.form_name, thread.reference, page=thread.path)
    if request.method != "POST":
        form = draft.typed_form(ReplyForm) or ReplyForm()
        return _page(request, thread, draft, form, too_many=was_refused(request, draft))
    if not consume_message_rate(request):
        return _page(request, thread, draft, ReplyForm(initial=submitted_values(request, ReplyForm)), too_many=True)
    form = ReplyForm(request.POST, files=request.FILES)
    is_valid = form.is_valid()
    tell_about_card_number(request, form)
    if not is_valid:
        return _page(request, thread, draft, form)
    try:
        threads.reply(
            thread, form.cleaned_data["message"], form.cleaned_data["files"], client=access.client_address(request)
        )
    except FileRejected as refused:
        form.add_error("files", ValidationError(str(refused), code=refused.reason))
        return _page(request, thread, draft, form)
    except threads.TooManyReplies as refused:
        form.add_error("message", str(refused))
        return _page(request, thread, draft, form, status=TOO_MANY_REQUESTS)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return _as_new_message(request, thread, form)
    draft.drop()
    messages.success(request, gettext("We’ve received your message."))
    return redirect(thread.path)


def _as_new_message(request: HttpRequest, thread: Thread, form: ReplyForm) -> HttpResponse:
    """Show the contact form with the reply to a thread that has been closed in the meantime."""
    orders = access.fully_open_orders(request)
    initial = {"subject": thread.reference, "message": form.cleaned_data["message"]}
    if thread.order is not None:
        initial["order"] = str(thread.order.public_id)
    draft = Draft(request, ContactForm.form_name, page=reverse("support:contact"))
    return render_form(request, "support/contact.html", draft, ContactForm(orders, initial=initial), orders=orders)


def _page(
    request: HttpRequest, thread: Thread, draft: Draft, form: ReplyForm, *, too_many: bool = False, status: int = 0
) -> HttpResponse:
    context = _context(thread, form) | {"too_many": too_many}
    if not context["is_closed"]:
        context["language_forms"] = [draft.shown(form, {"too_many": too_many})]
    if too_many:
        return too_many_requests(request, TEMPLATE, context)
    return render(request, TEMPLATE, context, status=status or (UNPROCESSABLE if form.errors else 200))


def _context(thread: Thread, form: ReplyForm) -> dict[str, Any]:
    order = thread.order
    is_order_address = order is not None and threads.is_order_address(order, thread.email)
    is_matched = _outcome(thread) == ChargeClaim.Outcome.MATCHED
    # The portal's only note says that no receipt was emailed.
    events = list(thread.events.filter(Q(note="") | Q(actor=Actor.PORTAL)).prefetch_related("files__upload"))
    return {
        "thread": thread,
        "claim": getattr(thread, "charge_claim", None),
        "open_order": order if is_order_address else None,
        "thread_messages": [event for event in events if not event.note],
        "was_receipt_emailed": not any(event.note for event in events),
        "zone": thread.store.locality if thread.store else timezone.get_default_timezone(),
        "tone": BADGE_TONES[Thread.Status(thread.status)],
        "address": mask_address(thread.email),
        "form": form,
        "is_late": thread.is_overdue(timezone.now()),
        "is_closed": thread.status == Thread.Status.CLOSED,
        "is_matched": is_matched,
        "is_order_address": is_matched and is_order_address,
        "order_address": mask_address(order.email) if order and order.email else "",
    }


def _outcome(thread: Thread) -> str:
    return thread.charge_claim.outcome if thread.kind == Thread.Kind.CHARGE_CLAIM else ""


@get_or_post
@no_store
@with_thread
def mark_solved(request: HttpRequest, thread: Thread) -> HttpResponse:
    if request.method == "POST":
        threads.mark_solved(thread)
        messages.success(request, gettext("We’ve closed this conversation. We’re glad it’s solved."))
    return redirect(thread.path)


# --- Links ---------------------------------------------------------------------------------------------------


@get_or_post
@no_store
def request_link(request: HttpRequest, reference: str) -> HttpResponse:
    """Email a link to the thread's address. The response is the same for unknown references."""
    if request.method != "POST":
        return redirect("support:thread", reference)
    if not thread_access.request_link(request, reference):
        return _too_many(request)
    return redirect("support:thread_link_sent")


@get_or_post
@no_store
def link_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "support/thread_link_sent.html")


@get_or_post
@no_store
def open_thread(request: HttpRequest, token: str) -> HttpResponse:
    """GET only shows a button, because email scanners follow links too; POST uses the link."""
    if request.method == "POST":
        result, thread = thread_access.open_link(request, token)
        if result == LinkResult.OPENED and thread is not None:
            return redirect(thread.path)
        return _link_page(request, token, LinkState(result.value))
    return _link_page(request, token, ThreadLink.get_state(ThreadLink.get_by_token(token), timezone.now()))


@get_or_post
@no_store
def renew_link(request: HttpRequest, token: str) -> HttpResponse:
    if request.method != "POST":
        return redirect("support:open_thread", token)
    link = ThreadLink.get_by_token(token)
    if link is None:
        return _link_page(request, token, LinkState.INVALID)
    if not thread_access.renew_link(request, link):
        return _too_many(request)
    return redirect("support:thread_link_sent")


def _link_page(request: HttpRequest, token: str, state: LinkState) -> HttpResponse:
    return render_link_page(request, LINK_TEMPLATE, token, state)


def _too_many(request: HttpRequest) -> HttpResponse:
    return too_many_requests(request, LINK_TEMPLATE, {"state": "too_many"})
