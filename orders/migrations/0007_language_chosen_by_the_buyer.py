"""The language that the buyer chose last for emails about an order."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0006_erased_orders"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="chosen_language",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=16,
                verbose_name="language chosen by the buyer",
            ),
        ),
    ]
