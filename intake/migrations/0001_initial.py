import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("orders", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="StatusMeaning",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("format", models.CharField(max_length=32, verbose_name="format")),
                ("word", models.CharField(max_length=64, verbose_name="word")),
                (
                    "meaning",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("pending", "pending"),
                            ("completed", "completed"),
                            ("cancelled", "canceled"),
                            ("partially_refunded", "partially refunded"),
                            ("refunded", "refunded"),
                            ("charged_back", "charged back"),
                            ("not_an_order", "no order: skip such rows"),
                        ],
                        max_length=20,
                        verbose_name="meaning",
                    ),
                ),
                (
                    "asked_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="asked at"),
                ),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="orders.store",
                        verbose_name="store",
                    ),
                ),
            ],
            options={
                "verbose_name": "status",
                "verbose_name_plural": "statuses",
                "constraints": [
                    models.UniqueConstraint(fields=("store", "format", "word"), name="status_meaning_once_per_word")
                ],
            },
        ),
    ]
