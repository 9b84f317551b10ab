"""The home page of the admin: cases that wait for support, the user's own, and problems."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from desk.access import may_view
from desk.days import midnight
from desk.models import PersonRequest
from desk.reports import may_see_reports
from desk.work_queues import load_my_queues, load_second_approvals, load_work_queues
from notifications.models import Message
from refunds.models import RefundTransaction


@dataclass(frozen=True)
class Trouble:
    """A kind of problem, how many there are, and the list that shows them."""

    name: str | Promise
    count: int
    url: str


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the queues and problems that the staff user may see."""
    return context | {
        "work_queues": load_work_queues(request),
        "my_queues": load_my_queues(request),
        "troubles": [*_second_approvals(request), *_troubles(request.user)],
        "reports_url": reverse("admin:desk_reports") if may_see_reports(request.user) else "",
        "zone": timezone.get_current_timezone_name(),
    }


def _second_approvals(request: HttpRequest) -> Iterator[Trouble]:
    for waiting in load_second_approvals(request):
        name = gettext("Second approval: %(queue)s") % {"queue": waiting.name}
        yield Trouble(name, waiting.count, waiting.url)


def _troubles(user: Any) -> Iterator[Trouble]:
    if may_view(user, PersonRequest):
        yield Trouble(
            _("Requests about personal data, to be answered within a month"),
            PersonRequest.objects.waiting().count(),
            reverse("admin:desk_personrequest_changelist", query={"outcome__exact": PersonRequest.Outcome.OPEN.value}),
        )
    if may_view(user, RefundTransaction):
        url = reverse("admin:refunds_refundtransaction_changelist")
        transactions = RefundTransaction.objects.all()
        unconfirmed = transactions.filter(status=RefundTransaction.Status.UNCLEAR)
        yield Trouble(_("Refunds declined by the gateway"), transactions.unresolved().count(), f"{url}?todo=refused")
        yield Trouble(_("Refunds unconfirmed at the gateway"), unconfirmed.count(), f"{url}?todo=unclear")
        yield Trouble(_("Refunds to make manually"), transactions.waiting_for_staff().count(), f"{url}?todo=hand")
    if may_view(user, Message):
        today = midnight(timezone.localdate())
        bounced = Message.objects.filter(status=Message.Status.BOUNCED, bounced_at__gte=today)
        query = {"status__exact": Message.Status.BOUNCED.value, "bounced_at__gte": today.isoformat()}
        yield Trouble(
            _("Emails that bounced today"),
            bounced.count(),
            reverse("admin:notifications_message_changelist", query=query),
        )
