"""Requests can be assigned and snoozed. Those that staff worked on are assigned to who did so last."""

from typing import Any

import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.models import OuterRef, Subquery

HISTORIES = {
    "CashbackClaim": "CashbackEvent",
    "Return": "ReturnEvent",
    "Swap": "SwapEvent",
    "Withdrawal": "WithdrawalEvent",
}


def assign_to_who_worked_on_it(apps: Apps, schema_editor: Any) -> None:
    for case_type, history in HISTORIES.items():
        by_staff = apps.get_model("refunds", history).objects.filter(case=OuterRef("pk"), by__isnull=False)
        cases: Any = apps.get_model("refunds", case_type).objects
        cases.update(assigned_to=Subquery(by_staff.order_by("-pk").values("by")[:1]))


class Migration(migrations.Migration):
    dependencies = [
        ("refunds", "0003_requests_by_day"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="cashbackclaim",
            name="assigned_to",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="assigned to",
            ),
        ),
        migrations.AddField(
            model_name="cashbackclaim",
            name="snoozed_until",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="snoozed until"),
        ),
        migrations.AddField(
            model_name="return",
            name="assigned_to",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="assigned to",
            ),
        ),
        migrations.AddField(
            model_name="return",
            name="snoozed_until",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="snoozed until"),
        ),
        migrations.AddField(
            model_name="swap",
            name="assigned_to",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="assigned to",
            ),
        ),
        migrations.AddField(
            model_name="swap",
            name="snoozed_until",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="snoozed until"),
        ),
        migrations.AddField(
            model_name="withdrawal",
            name="assigned_to",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="assigned to",
            ),
        ),
        migrations.AddField(
            model_name="withdrawal",
            name="snoozed_until",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="snoozed until"),
        ),
        migrations.RunPython(assign_to_who_worked_on_it, migrations.RunPython.noop),
    ]
