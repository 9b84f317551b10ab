"""Staff release devices and extend downloads on the page of an order, and see it as its buyer does."""

from typing import Any

from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

from desk.roles import create_groups


def allow_actions(apps: Apps, schema_editor: Any) -> None:
    # Django creates permissions after all migrations. The groups need these now.
    create_permissions(installed_apps.get_app_config("licenses"), verbosity=0, apps=apps)
    create_groups(apps.get_model("auth", "Group"), apps.get_model("auth", "Permission"))


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0002_look_record"),
        ("licenses", "0003_download_extensions"),
    ]

    operations = [
        migrations.AlterField(
            model_name="lookrecord",
            name="kind",
            field=models.CharField(
                choices=[
                    ("order", "order"),
                    ("as_buyer", "order, as the buyer sees it"),
                    ("person", "person"),
                    ("case", "case"),
                    ("license", "license"),
                ],
                max_length=8,
                verbose_name="kind",
            ),
        ),
        migrations.RunPython(allow_actions, migrations.RunPython.noop),
    ]
