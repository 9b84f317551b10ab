"""Merged threads, tags of threads, and threads that support began."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0005_article_drafts_and_template_topics"),
    ]

    operations = [
        migrations.AddField(
            model_name="thread",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="merged",
                to="support.thread",
            ),
        ),
        migrations.AddField(
            model_name="thread",
            name="tags",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40),
                blank=True,
                db_default=[],
                default=list,
                size=None,
                verbose_name="tags",
            ),
        ),
        migrations.AlterField(
            model_name="thread",
            name="kind",
            field=models.CharField(
                choices=[
                    ("contact", "message to support"),
                    ("charge_claim", "charge claim"),
                    ("from_support", "message from support"),
                ],
                editable=False,
                max_length=16,
                verbose_name="kind",
            ),
        ),
    ]
