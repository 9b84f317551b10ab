"""Indexes for the search by staff. Two existing indexes now also serve beginnings of addresses and numbers."""

import django.db.models.functions.comparison
from django.db import migrations, models

import orders.search_keys


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0004_orders_by_card_and_name"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="order",
            name="order_number_once_per_store",
        ),
        migrations.RemoveIndex(
            model_name="order",
            name="order_by_email",
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                fields=["email_key", "-placed_at"],
                name="order_by_email",
                opclasses=["varchar_pattern_ops", "timestamptz_ops"],
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                django.db.models.functions.comparison.Collate(orders.search_keys.NameKey("billing_name"), "C"),
                condition=models.Q(("billing_name__gt", "")),
                name="order_by_name",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                django.db.models.functions.comparison.Collate(
                    orders.search_keys.SurnameFirst(orders.search_keys.NameKey("billing_name")), "C"
                ),
                condition=models.Q(("billing_name__gt", "")),
                name="order_by_surname",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                django.db.models.functions.comparison.Collate(orders.search_keys.ReversedDigits("number_key"), "C"),
                name="order_by_number_ending",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                django.db.models.functions.comparison.Collate(orders.search_keys.Postcode("billing_postcode"), "C"),
                models.OrderBy(models.F("placed_at"), descending=True),
                condition=models.Q(("billing_postcode__gt", "")),
                name="order_by_postcode",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["total", "-placed_at"], name="order_by_total"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("device_last4__gt", "")),
                fields=["device_last4", "-placed_at"],
                name="order_by_wallet_card",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.UniqueConstraint(
                fields=("number_key", "store"),
                name="order_number_once_per_store",
                opclasses=["varchar_pattern_ops", "int8_ops"],
            ),
        ),
    ]
