"""The permission to export lists, for supervisors, finance and auditors."""

from typing import Any

from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

from desk.roles import create_groups


def allow_to_export(apps: Apps, schema_editor: Any) -> None:
    # Django creates permissions after all migrations. The groups need this one now.
    create_permissions(installed_apps.get_app_config("desk"), verbosity=0, apps=apps)
    create_groups(apps.get_model("auth", "Group"), apps.get_model("auth", "Permission"))


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0003_order_page"),
    ]

    operations = [
        migrations.CreateModel(
            name="ListExport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "verbose_name": "export of lists",
                "verbose_name_plural": "exports of lists",
                "permissions": [("export_lists", "Can export lists as CSV")],
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.RunPython(allow_to_export, migrations.RunPython.noop),
    ]
