"""Stores that an import made, and that staff have not named since, have an assumed time zone."""

from typing import Any

from django.db import migrations
from django.db.models import F


def mark_imported_stores(apps: Any, schema_editor: Any) -> None:
    stores = apps.get_model("orders", "Store").objects.filter(name=F("slug"), time_zone="UTC")
    stores.update(is_time_zone_assumed=True)


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_store_time_zone_assumed")]

    operations = [migrations.RunPython(mark_imported_stores, migrations.RunPython.noop)]
