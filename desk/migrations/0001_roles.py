"""The groups agent, supervisor, finance, editor and auditor, with the permissions of `desk/roles.py`."""

from typing import Any

from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

from desk.roles import create_groups


def create_roles(apps: Apps, schema_editor: Any) -> None:
    # Django creates permissions after all migrations. A group needs them now.
    for app_config in installed_apps.get_app_configs():
        create_permissions(app_config, verbosity=0, apps=apps)
    create_groups(apps.get_model("auth", "Group"), apps.get_model("auth", "Permission"))


class Migration(migrations.Migration):
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("axes", "0010_accessattemptexpiration"),
        ("files", "0001_initial"),
        ("intake", "0002_labels_in_plain_english"),
        ("licenses", "0002_public_downloads_and_guide_versions"),
        ("notifications", "0001_initial"),
        ("orders", "0003_mark_imported_stores"),
        ("refunds", "0002_permissions_of_payouts"),
        ("support", "0002_search_synonyms_and_failed_searches"),
    ]

    # Groups may have members, so they are kept when the migration is reversed.
    operations = [migrations.RunPython(create_roles, migrations.RunPython.noop)]
