"""Which prefixes stored licenses already follow. Empty at first, so that a worker applies all of them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licenses", "0004_release_drafts"),
    ]

    operations = [
        migrations.CreateModel(
            name="AppliedPrefix",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("prefix", models.CharField(max_length=16, unique=True)),
                ("updated_to", models.BigIntegerField(db_default=0, default=0)),
                (
                    "next_product",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="licenses.product"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="licenses.product"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
    ]
