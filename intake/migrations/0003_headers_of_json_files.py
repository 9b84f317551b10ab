"""Removes the first lines of JSON files from the import history: they are orders, and were stored as table headers."""

from typing import Any

from django.apps.registry import Apps
from django.db import migrations

BATCH_SIZE = 1000


def remove_orders(apps: Apps, schema_editor: Any) -> None:
    files = apps.get_model("intake", "ImportFile").objects
    for file in files.exclude(header=[]).only("pk", "header").iterator(BATCH_SIZE):
        cells = [cell for cell in file.header if isinstance(cell, str)]
        if any(cell.lstrip("\ufeff ").startswith(("{", "[")) or '":' in cell for cell in cells):
            files.filter(pk=file.pk).update(header=[])


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0002_labels_in_plain_english"),
    ]

    operations = [migrations.RunPython(remove_orders, migrations.RunPython.noop)]
