"""The index of threads by the thread that they were merged into."""

from django.db import migrations

from online_migrations.operations import IndexForeignKey


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("support", "0007_search_without_accents"),
    ]

    operations = [IndexForeignKey(model_name="thread", name="merged_into")]
