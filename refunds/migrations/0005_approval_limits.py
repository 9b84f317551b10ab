"""Limits of approvals, and the first of two approvals of a request."""

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("refunds", "0004_assigned_and_snoozed_cases"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="cashbackclaim",
            name="first_approved_amount",
            field=models.DecimalField(blank=True, decimal_places=3, editable=False, max_digits=16, null=True),
        ),
        migrations.AddField(
            model_name="cashbackclaim",
            name="first_approved_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="cashbackclaim",
            name="first_approved_text",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        ),
        migrations.AddField(
            model_name="return",
            name="first_approved_amount",
            field=models.DecimalField(blank=True, decimal_places=3, editable=False, max_digits=16, null=True),
        ),
        migrations.AddField(
            model_name="return",
            name="first_approved_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="return",
            name="first_approved_text",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        ),
        migrations.AddField(
            model_name="swap",
            name="first_approved_amount",
            field=models.DecimalField(blank=True, decimal_places=3, editable=False, max_digits=16, null=True),
        ),
        migrations.AddField(
            model_name="swap",
            name="first_approved_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="swap",
            name="first_approved_text",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        ),
        migrations.AddField(
            model_name="withdrawal",
            name="first_approved_amount",
            field=models.DecimalField(blank=True, decimal_places=3, editable=False, max_digits=16, null=True),
        ),
        migrations.AddField(
            model_name="withdrawal",
            name="first_approved_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="withdrawal",
            name="first_approved_text",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        ),
        migrations.CreateModel(
            name="ApprovalLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "currency",
                    models.CharField(
                        max_length=3,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{3}\\Z", "Enter a three-letter currency code in capitals, for example EUR."
                            )
                        ],
                        verbose_name="currency",
                    ),
                ),
                (
                    "up_to",
                    models.DecimalField(
                        decimal_places=3,
                        help_text="Above this amount, the approval of an agent needs a second one, by a supervisor.",
                        max_digits=16,
                        verbose_name="one person up to",
                    ),
                ),
                (
                    "two_people_above",
                    models.DecimalField(
                        blank=True,
                        decimal_places=3,
                        help_text="Above this amount, a supervisor needs a second person, too. Leave empty for never.",
                        max_digits=16,
                        null=True,
                        verbose_name="two people above",
                    ),
                ),
            ],
            options={
                "verbose_name": "approval limit",
                "verbose_name_plural": "approval limits",
                "ordering": ["currency"],
                "permissions": [("approve_above_limit", "Can approve amounts above the limit")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("up_to__gte", Decimal("0"))),
                        name="approval_limit_not_negative",
                        violation_error_message="Enter an amount of 0 or more.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("two_people_above__isnull", True),
                            ("two_people_above__gte", models.F("up_to")),
                            _connector="OR",
                        ),
                        name="approval_limit_of_two_people_is_higher",
                        violation_error_message="The amount for two people can’t be lower than that for one person.",
                    ),
                ],
            },
        ),
    ]
