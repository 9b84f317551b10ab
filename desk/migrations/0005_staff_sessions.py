"""Sessions of staff, requests to reset a password, and the permissions of supervisors and auditors for them."""

from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

from desk.roles import create_groups


def allow(apps: Apps, schema_editor: Any) -> None:
    # Django creates permissions after all migrations. The groups need these now.
    create_permissions(installed_apps.get_app_config("desk"), verbosity=0, apps=apps)
    create_groups(apps.get_model("auth", "Group"), apps.get_model("auth", "Permission"))


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0004_export_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PasswordReset",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email_key", models.CharField(max_length=254)),
                ("requested_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="StaffSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("session_key", models.CharField(max_length=40, unique=True)),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="since")),
                ("last_seen_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="last seen")),
                ("browser", models.CharField(blank=True, max_length=64, verbose_name="browser")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "permissions": [
                    ("end_staffsession", "Can end sessions of other staff"),
                    ("reset_second_factor", "Can reset the second factor of other staff"),
                ],
                "default_permissions": ["view"],
                "indexes": [models.Index(fields=["user", "-last_seen_at"], name="staff_session_by_user")],
            },
        ),
        migrations.RunPython(allow, migrations.RunPython.noop),
    ]
