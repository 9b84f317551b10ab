"""Who looked at what, which supervisors and auditors may see."""

from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

from desk.roles import create_groups


def allow_to_view(apps: Apps, schema_editor: Any) -> None:
    # Django creates permissions after all migrations. The groups need this one now.
    create_permissions(installed_apps.get_app_config("desk"), verbosity=0, apps=apps)
    create_groups(apps.get_model("auth", "Group"), apps.get_model("auth", "Permission"))


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0001_roles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LookRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date")),
                ("username", models.CharField(max_length=150, verbose_name="username")),
                (
                    "kind",
                    models.CharField(
                        choices=[("order", "order"), ("person", "person"), ("case", "case"), ("license", "license")],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                ("object_key", models.CharField(max_length=254, verbose_name="object")),
                ("object_model", models.CharField(blank=True, default="", max_length=64)),
                ("object_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="staff member",
                    ),
                ),
            ],
            options={
                "verbose_name": "look record",
                "verbose_name_plural": "look records",
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(fields=["-at"], name="look_record_by_time"),
                    models.Index(fields=["username", "-at"], name="look_record_by_staff"),
                    models.Index(fields=["object_key", "-at"], name="look_record_by_object"),
                ],
            },
        ),
        migrations.RunPython(allow_to_view, migrations.RunPython.noop),
    ]
