"""Writing to a person who hasn't asked: a new thread, begun by support."""

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from cases.refusals import Refusal
from desk.look_records import record_look_at_person
from desk.person_keys import make_person_key, read_person_key
from notifications.addresses import email_key
from orders.forms import CardNumberMaskingForm, MessageField
from orders.http import get_or_post, tell_about_card_number
from orders.models import Order
from support.models import Thread
from support.services import threads

MAX_ORDERS = 50  # offered as what the message is about
MAY_WRITE = "support.change_thread"
ORDER, THREAD = "order", "thread"

# What the message is about and whose address it goes to: an order, or else the newest thread.
Recipient = Order | Thread


class WriteForm(CardNumberMaskingForm):
    about = forms.ChoiceField(label=_("About"), widget=UnfoldAdminSelectWidget())
    subject = MessageField(label=_("Subject"), max_length=200, widget=UnfoldAdminTextInputWidget())
    text = MessageField(
        label=_("Message (sent by email)"), max_length=10_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 10})
    )
    expects_answer = forms.BooleanField(
        label=_("This is a question: wait for the answer"), required=False, widget=UnfoldBooleanWidget()
    )
    submission_id = forms.UUIDField(widget=forms.HiddenInput())

    def __init__(self, recipients: dict[str, Recipient], data: Any = None) -> None:
        super().__init__(data, initial={"submission_id": uuid4()})
        choices = [(name, _label(recipient)) for name, recipient in recipients.items()]
        self.fields["about"].choices = choices  # type: ignore[attr-defined]


def _label(recipient: Recipient) -> str:
    if isinstance(recipient, Thread):
        return gettext("no order; to %(email)s") % {"email": recipient.email}
    values = {"number": recipient.number, "store": recipient.store, "email": recipient.email}
    return gettext("order %(number)s (%(store)s); to %(email)s") % values


def may_write(user: Any) -> bool:
    """Whether the user may write to persons. They see the addresses of orders or threads."""
    return bool(user.has_perm(MAY_WRITE) and user.has_perm("orders.view_order"))


def find_recipients(key: str) -> dict[str, Recipient]:
    """Return the orders and the newest thread of the address, by the names of their choices. Two queries."""
    orders = Order.objects.for_email_key(key).newest_first().select_related("store")[:MAX_ORDERS]
    recipients: dict[str, Recipient] = {
        f"{ORDER}-{order.pk}": order for order in orders if email_key(order.email) == key
    }
    thread = Thread.objects.filter(email_key=key, order=None).order_by("-created_at").first()
    if thread is not None:
        recipients[THREAD] = thread
    return recipients


@get_or_post
def write_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show the form, and send the message by POST."""
    address_key = read_person_key(key)
    if address_key is None:
        raise Http404
    if not may_write(request.user):
        raise PermissionDenied
    recipients = find_recipients(address_key)
    if not recipients:
        raise Http404
    record_look_at_person(request, address_key)
    form = WriteForm(recipients, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        is_valid = form.is_valid()
        tell_about_card_number(request, form)
        if is_valid and (thread := _send(request, form, recipients)) is not None:
            messages.success(request, gettext("%(reference)s: your message is on its way.") % {"reference": thread})
            return HttpResponseRedirect(reverse("admin:support_thread_change", args=[thread.pk]))
    context = admin.site.each_context(request) | {
        "title": gettext("Write to %(address)s") % {"address": address_key},
        "person_url": reverse("admin:desk_person", args=[make_person_key(address_key)]),
        "form": form,
    }
    return TemplateResponse(request, "desk/admin/write.html", context)


def _send(request: HttpRequest, form: WriteForm, recipients: dict[str, Recipient]) -> Thread | None:
    """Start the thread. Returns None, with the reason in the form, if the service refuses."""
    assert isinstance(request.user, User)
    data = form.cleaned_data
    try:
        return threads.start(
            request.user,
            recipients[data["about"]],
            data["subject"],
            data["text"],
            expects_answer=data["expects_answer"],
            submission_id=data["submission_id"],
        )
    except Refusal as refusal:
        form.add_error(None, str(refusal))
        return None
