"""Requests about personal data, receipts of erasures, and the permissions of supervisors and auditors for them."""

from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

import desk.models
from desk.roles import create_groups


def allow(apps: Apps, schema_editor: Any) -> None:
    # Django creates permissions after all migrations. The groups need these now.
    create_permissions(installed_apps.get_app_config("desk"), verbosity=0, apps=apps)
    create_groups(apps.get_model("auth", "Group"), apps.get_model("auth", "Permission"))


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0006_approval_limits"),
    ]

    operations = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "reference",
                    models.CharField(
                        default=desk.models.new_erasure_reference,
                        editable=False,
                        max_length=16,
                        unique=True,
                        verbose_name="reference",
                    ),
                ),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="erased at")),
                ("made_by_name", models.CharField(blank=True, max_length=150, verbose_name="erased by")),
                ("counts", models.JSONField(default=dict, verbose_name="rows")),
            ],
            options={
                "verbose_name": "erasure",
                "verbose_name_plural": "erasures",
                "permissions": [
                    ("export_person", "Can export all data of a person"),
                    ("erase_person", "Can erase the data of a person"),
                ],
                "default_permissions": ["view"],
                "indexes": [models.Index(fields=["-made_at"], name="erasure_by_time")],
            },
        ),
        migrations.CreateModel(
            name="PersonRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("first_sent_at", models.DateTimeField(blank=True, null=True)),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("copy", "a copy of the data"), ("erasure", "erasure of the data")],
                        max_length=8,
                        verbose_name="request",
                    ),
                ),
                ("email_key", models.CharField(blank=True, max_length=254, verbose_name="email address")),
                ("language", models.CharField(blank=True, max_length=16)),
                (
                    "outcome",
                    models.CharField(
                        choices=[("open", "open"), ("done", "carried out"), ("declined", "declined")],
                        default="open",
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                ("settled_at", models.DateTimeField(blank=True, null=True, verbose_name="settled at")),
                ("settled_by_name", models.CharField(blank=True, max_length=150, verbose_name="settled by")),
            ],
            options={
                "verbose_name": "request about personal data",
                "verbose_name_plural": "requests about personal data",
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(fields=["created_at"], name="person_request_by_age"),
                    models.Index(fields=["email_key"], name="person_request_by_address"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExportLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("first_sent_at", models.DateTimeField(blank=True, null=True)),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="export_links",
                        to="desk.personrequest",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.RunPython(allow, migrations.RunPython.noop),
    ]
