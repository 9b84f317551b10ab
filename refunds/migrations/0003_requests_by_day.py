"""Indexes for reports about requests: received and decided by day."""

from django.conf import settings
from django.db import migrations, models

from online_migrations.operations import BuildIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("files", "0001_initial"),
        ("licenses", "0002_public_downloads_and_guide_versions"),
        ("orders", "0004_orders_by_card_and_name"),
        ("refunds", "0002_permissions_of_payouts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        BuildIndex(
            model_name="cashbackclaim",
            index=models.Index(fields=["created_at"], name="cashback_by_receipt"),
        ),
        BuildIndex(
            model_name="cashbackclaim",
            index=models.Index(fields=["decided_at"], name="cashback_by_decision"),
        ),
        BuildIndex(
            model_name="return",
            index=models.Index(fields=["created_at"], name="return_by_receipt"),
        ),
        BuildIndex(
            model_name="return",
            index=models.Index(fields=["decided_at"], name="return_by_decision"),
        ),
        BuildIndex(
            model_name="swap",
            index=models.Index(fields=["created_at"], name="swap_by_receipt"),
        ),
        BuildIndex(
            model_name="swap",
            index=models.Index(fields=["decided_at"], name="swap_by_decision"),
        ),
        BuildIndex(
            model_name="withdrawal",
            index=models.Index(fields=["created_at"], name="withdrawal_by_receipt"),
        ),
        BuildIndex(
            model_name="withdrawal",
            index=models.Index(fields=["decided_at"], name="withdrawal_by_decision"),
        ),
    ]
