"""Saved views of lists: filters that staff need every day, as tabs above the list.

Queues of cases have their own, with counts (cases/admin/queues.py).
"""

from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from orders.admin_tabs import LinkTab

ALL: dict[str, str] = {}

# For each list, the labels of its views and their filters. A list opens with its first view.
SAVED_VIEWS: dict[str, tuple[tuple[Any, dict[str, str]], ...]] = {
    "refunds.RefundTransaction": (
        (_("All"), ALL),
        (_("To refund manually"), {"todo": "hand"}),
        (_("Declined by the gateway"), {"todo": "refused"}),
        (_("Unconfirmed at the gateway"), {"todo": "unclear"}),
    ),
    "licenses.LineWithoutSerial": (
        (_("Longer than 3 hours"), ALL),
        (_("Longer than 24 hours"), {"waits": "24"}),
        (_("All"), {"waits": "0", "within": "0"}),
    ),
    "support.ChargeClaim": (
        (_("All"), ALL),
        (_("Open"), {"outcome__exact": "open"}),
        (_("No order found"), {"outcome__exact": "no_match"}),
    ),
    "notifications.Message": (
        (_("All"), ALL),
        (_("Waiting"), {"status__exact": "waiting"}),
        (_("Failed, will be retried"), {"trouble": "delayed"}),
        (_("Failed or bounced"), {"trouble": "failed"}),
    ),
    "intake.StoreEvent": (
        (_("All"), ALL),
        (_("Waiting"), {"verdict__exact": "waiting"}),
        (_("Rejected"), {"verdict__exact": "rejected"}),
    ),
    "intake.ImportRun": (
        (_("All"), ALL),
        (_("With rejected rows"), {"rejected__gt": "0"}),
        (_("Interrupted"), {"state__exact": "interrupted"}),
    ),
}


def saved_views(request: HttpRequest, changelist: Any) -> list[LinkTab]:
    """Return the tabs of a list; none for most lists. With other filters, no tab is marked as the current one."""
    views = SAVED_VIEWS.get(changelist.opts.label, ())
    ignored = (PAGE_VAR, SEARCH_VAR, "o", "all")
    filters = {name: value for name, value in request.GET.items() if name not in ignored}
    return [LinkTab(label, f"?{urlencode(query)}", filters == query) for label, query in views]
