"""Requests can be assigned and snoozed."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


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
                db_index=False,  # built concurrently, in a later migration
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
                db_index=False,  # built concurrently, in a later migration
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
                db_index=False,  # built concurrently, in a later migration
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
                db_index=False,  # built concurrently, in a later migration
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
    ]
