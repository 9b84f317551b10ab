"""The home page of the admin: cases that wait for support, and problems."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from desk.work_queues import load_work_queues
from refunds.models import RefundTransaction


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the queues and problems that the staff user may see. For `UNFOLD["DASHBOARD_CALLBACK"]`."""
    return context | {"work_queues": load_work_queues(request), "troubles": _troubles(request)}


def _troubles(request: HttpRequest) -> list[tuple[Any, int, str]]:
    """Return problems: names, how many, and the URLs of the lists that show them."""
    user, troubles = request.user, []
    if user.has_perm("refunds.view_refundtransaction"):
        url = reverse("admin:refunds_refundtransaction_changelist")
        transactions = RefundTransaction.objects.all()
        troubles += [
            (_("Refunds declined by the gateway"), transactions.unresolved().count(), f"{url}?todo=refused"),
            (
                _("Refunds unconfirmed at the gateway"),
                transactions.filter(status=RefundTransaction.Status.UNCLEAR).count(),
                f"{url}?todo=unclear",
            ),
        ]
    return troubles
