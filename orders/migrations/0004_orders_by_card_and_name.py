"""An index for orders that may be of the same person: the same card and name."""

from django.db import migrations, models

from online_migrations.operations import BuildIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("orders", "0003_mark_imported_stores"),
    ]

    operations = [
        BuildIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("card_last4__gt", "")),
                fields=["card_last4", "billing_name"],
                name="order_by_card_and_name",
            ),
        ),
    ]
