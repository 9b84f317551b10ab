"""The permissions for limits of approvals, and to approve above them."""

from typing import Any

from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

from desk.roles import create_groups


def allow(apps: Apps, schema_editor: Any) -> None:
    # Django creates permissions after all migrations. The groups need these now.
    create_permissions(installed_apps.get_app_config("refunds"), verbosity=0, apps=apps)
    create_groups(apps.get_model("auth", "Group"), apps.get_model("auth", "Permission"))


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0005_staff_sessions"),
        ("refunds", "0005_approval_limits"),
    ]

    operations = [migrations.RunPython(allow, migrations.RunPython.noop)]
