"""Indexes for reports about messages and votes: by day."""

from django.conf import settings
from django.db import migrations, models

from online_migrations.operations import BuildIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("orders", "0004_orders_by_card_and_name"),
        ("support", "0002_search_synonyms_and_failed_searches"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        BuildIndex(
            model_name="articlevote",
            index=models.Index(fields=["at"], name="article_vote_by_time"),
        ),
        BuildIndex(
            model_name="thread",
            index=models.Index(fields=["created_at"], name="thread_by_receipt"),
        ),
        BuildIndex(
            model_name="threadmessage",
            index=models.Index(fields=["at"], name="thread_message_by_time"),
        ),
    ]
