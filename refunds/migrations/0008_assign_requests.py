"""Requests that staff worked on are assigned to who did so last."""

from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.models import OuterRef, Subquery

HISTORIES = {
    "CashbackClaim": "CashbackEvent",
    "Return": "ReturnEvent",
    "Swap": "SwapEvent",
    "Withdrawal": "WithdrawalEvent",
}
BATCH = 1000  # rows that are locked at a time


def assign_to_who_worked_on_it(apps: Apps, schema_editor: Any) -> None:
    """Changes only requests that nobody has, so it can run again after an interruption."""
    for case_type, history in HISTORIES.items():
        by_staff = apps.get_model("refunds", history).objects.filter(case=OuterRef("pk"), by__isnull=False)
        cases: Any = apps.get_model("refunds", case_type).objects
        worked_on = cases.filter(assigned_to=None, events__by__isnull=False)
        pks = list(worked_on.order_by("pk").values_list("pk", flat=True).distinct())
        for first in range(0, len(pks), BATCH):
            batch = cases.filter(pk__in=pks[first : first + BATCH], assigned_to=None)
            batch.update(assigned_to=Subquery(by_staff.order_by("-pk").values("by")[:1]))


class Migration(migrations.Migration):
    atomic = False  # each batch is a transaction

    dependencies = [
        ("refunds", "0007_requests_by_staff"),
    ]

    operations = [migrations.RunPython(assign_to_who_worked_on_it, migrations.RunPython.noop)]
