"""Indexes for reports about emails: sent and bounced by day."""

from django.db import migrations, models

from online_migrations.operations import BuildIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("notifications", "0001_initial"),
    ]

    operations = [
        BuildIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("sent_at__isnull", False)), fields=["sent_at"], name="message_by_sending"
            ),
        ),
        BuildIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("bounced_at__isnull", False)), fields=["bounced_at"], name="message_by_bounce"
            ),
        ),
    ]
