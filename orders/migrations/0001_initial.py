import uuid
from decimal import Decimal

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import notifications.addresses
import orders.models.stores


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("number", models.CharField(max_length=64, verbose_name="order number")),
                ("number_key", models.CharField(editable=False, max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("completed", "completed"),
                            ("cancelled", "canceled"),
                            ("partially_refunded", "partially refunded"),
                            ("refunded", "refunded"),
                            ("charged_back", "charged back"),
                        ],
                        max_length=24,
                        verbose_name="status",
                    ),
                ),
                ("is_test", models.BooleanField(default=False, verbose_name="test order")),
                ("placed_at", models.DateTimeField(verbose_name="placed at")),
                ("language", models.CharField(blank=True, max_length=16, verbose_name="language")),
                (
                    "store_email",
                    models.CharField(blank=True, max_length=254, verbose_name="email address from the store"),
                ),
                (
                    "contact_email",
                    models.CharField(
                        blank=True,
                        help_text="Used instead of the address from the store.",
                        max_length=254,
                        verbose_name="corrected email address",
                    ),
                ),
                (
                    "email_key",
                    notifications.addresses.EmailKeyField(
                        blank=True, default="", editable=False, max_length=254, of="email"
                    ),
                ),
                ("password_hash", models.CharField(blank=True, editable=False, max_length=255)),
                ("password_generation", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("access_generation", models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                (
                    "access_ended_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="all access ended at"),
                ),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("subtotal", models.DecimalField(decimal_places=3, default=Decimal("0"), max_digits=16)),
                ("discount", models.DecimalField(decimal_places=3, default=Decimal("0"), max_digits=16)),
                ("tax", models.DecimalField(decimal_places=3, default=Decimal("0"), max_digits=16)),
                ("total", models.DecimalField(decimal_places=3, default=Decimal("0"), max_digits=16)),
                ("payment_method", models.CharField(blank=True, max_length=32, verbose_name="payment method")),
                ("card_brand", models.CharField(blank=True, max_length=32, verbose_name="card brand")),
                ("card_last4", models.CharField(blank=True, max_length=4, verbose_name="last 4 digits of the card")),
                ("wallet", models.CharField(blank=True, max_length=32, verbose_name="wallet")),
                (
                    "device_last4",
                    models.CharField(blank=True, max_length=4, verbose_name="last 4 digits in the wallet"),
                ),
                ("billing_name", models.CharField(blank=True, max_length=200, verbose_name="billing name")),
                ("billing_company", models.CharField(blank=True, max_length=200, verbose_name="company")),
                (
                    "billing_address",
                    models.TextField(
                        blank=True, help_text="Enter each line of the address on its own line.", verbose_name="address"
                    ),
                ),
                ("billing_city", models.CharField(blank=True, max_length=120, verbose_name="city")),
                ("billing_postcode", models.CharField(blank=True, max_length=32, verbose_name="postcode")),
                ("billing_country", models.CharField(blank=True, max_length=2, verbose_name="country")),
                ("billing_vat_id", models.CharField(blank=True, max_length=32, verbose_name="VAT ID")),
                ("invoice_number", models.CharField(blank=True, max_length=64, verbose_name="invoice number")),
                ("invoice_issued_on", models.DateField(blank=True, null=True, verbose_name="invoice date")),
                ("invoice_seller", models.TextField(blank=True, verbose_name="seller on the invoice")),
                ("returns_frozen_since", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "returns_frozen_until",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="returns frozen until"),
                ),
                ("sources", models.JSONField(default=dict, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="imported at")),
            ],
            options={
                "verbose_name": "order",
                "verbose_name_plural": "orders",
            },
        ),
        migrations.CreateModel(
            name="OrderPasswordKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprint", models.CharField(max_length=16, unique=True, verbose_name="fingerprint")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("first", "first key"),
                            ("planned", "planned change"),
                            ("compromised", "the previous key leaked"),
                        ],
                        default="first",
                        max_length=16,
                        verbose_name="reason",
                    ),
                ),
                ("recorded_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="recorded at")),
                ("replaced_through", models.BigIntegerField(default=0)),
                ("replaced_up_to", models.BigIntegerField(default=0)),
                ("replaced_at", models.DateTimeField(blank=True, null=True, verbose_name="completed at")),
            ],
            options={
                "verbose_name": "order password key",
                "verbose_name_plural": "order password keys",
            },
        ),
        migrations.CreateModel(
            name="RateLimitCounter",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                (
                    "tries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(), default=list, size=None
                    ),
                ),
                ("allowed", models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name="Store",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=64, unique=True, verbose_name="short name")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                (
                    "time_zone",
                    models.CharField(
                        default="UTC",
                        max_length=64,
                        validators=[orders.models.stores.validate_time_zone],
                        verbose_name="time zone",
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        default="en",
                        help_text="Used for orders without a language.",
                        max_length=16,
                        verbose_name="language",
                    ),
                ),
                (
                    "seller",
                    models.TextField(
                        blank=True,
                        help_text="Seller’s name and address, as printed on invoices.",
                        verbose_name="merchant of record",
                    ),
                ),
                (
                    "support_email",
                    models.EmailField(
                        blank=True,
                        help_text="Replies to this store’s emails go to this address.",
                        max_length=254,
                        verbose_name="support address",
                    ),
                ),
                (
                    "confirm_card_lookup",
                    models.CharField(
                        choices=[("never", "never"), ("when_suspicious", "when suspicious"), ("always", "always")],
                        default="when_suspicious",
                        help_text="Ask for an emailed code before showing serial numbers and invoices.",
                        max_length=16,
                        verbose_name="confirm lookups by card",
                    ),
                ),
            ],
            options={
                "verbose_name": "store",
                "verbose_name_plural": "stores",
            },
        ),
        migrations.CreateModel(
            name="AccessLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("first_sent_at", models.DateTimeField(blank=True, null=True)),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                ("email_key", models.CharField(max_length=254)),
                ("next_path", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "verbose_name": "access link",
                "verbose_name_plural": "access links",
                "indexes": [models.Index(fields=["created_at"], name="access_link_by_age")],
            },
        ),
        migrations.CreateModel(
            name="AddressCorrection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("old_email", models.CharField(blank=True, max_length=254, verbose_name="old address")),
                ("old_contact_email", models.CharField(blank=True, editable=False, max_length=254)),
                ("new_email", models.CharField(max_length=254, verbose_name="new address")),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="corrected at")),
                ("client", models.CharField(blank=True, max_length=64, verbose_name="client")),
                ("undo_until", models.DateTimeField(blank=True, null=True, verbose_name="can be undone until")),
                ("released_at", models.DateTimeField(blank=True, null=True, verbose_name="freeze ended at")),
                ("undone_at", models.DateTimeField(blank=True, null=True, verbose_name="undone at")),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="corrected by",
                    ),
                ),
                (
                    "root",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="later",
                        to="orders.addresscorrection",
                    ),
                ),
                (
                    "undone_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="undone by",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="address_corrections",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
            ],
            options={
                "verbose_name": "address correction",
                "verbose_name_plural": "address corrections",
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="date")),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("number", "order number and password"),
                            ("card", "email and card"),
                            ("link_request", "link requested"),
                            ("link", "emailed link"),
                            ("code", "emailed code"),
                            ("correction", "address correction"),
                        ],
                        max_length=16,
                        verbose_name="method",
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("found", "opened"),
                            ("refused", "refused"),
                            ("rate_limited", "refused without a check: too many attempts"),
                            ("client_blocked", "client blocked: too many attempts"),
                        ],
                        max_length=16,
                        verbose_name="outcome",
                    ),
                ),
                ("subject", models.CharField(blank=True, max_length=254, verbose_name="address or order number")),
                ("client", models.CharField(blank=True, max_length=64, verbose_name="client")),
                ("orders_opened", models.PositiveIntegerField(default=0, verbose_name="orders opened")),
                ("tries", models.PositiveIntegerField(db_default=1, default=1, verbose_name="attempts")),
                ("shared_key", models.CharField(blank=True, db_default="", default="", editable=False, max_length=32)),
            ],
            options={
                "verbose_name": "attempt",
                "verbose_name_plural": "attempts",
                "indexes": [
                    models.Index(fields=["-at"], name="attempt_by_time"),
                    models.Index(fields=["subject", "-at"], name="attempt_by_subject"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("shared_key__gt", "")),
                        fields=("shared_key",),
                        name="attempt_shared_key_unique",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CorrectionLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("first_sent_at", models.DateTimeField(blank=True, null=True)),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "correction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="links", to="orders.addresscorrection"
                    ),
                ),
            ],
            options={
                "verbose_name": "link to undo a correction",
                "verbose_name_plural": "links to undo corrections",
            },
        ),
        migrations.CreateModel(
            name="OrderLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("store_line_id", models.CharField(max_length=64, verbose_name="line ID in the store")),
                ("position", models.PositiveSmallIntegerField()),
                ("sku", models.CharField(blank=True, max_length=100, verbose_name="SKU")),
                ("name", models.CharField(max_length=300, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("new", "new license"),
                            ("renewal", "renewal"),
                            ("upgrade", "upgrade"),
                            ("extended_download", "Extended Download Service"),
                            ("other", "other"),
                        ],
                        default="new",
                        max_length=24,
                        verbose_name="kind",
                    ),
                ),
                (
                    "store_kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("new", "new license"),
                            ("renewal", "renewal"),
                            ("upgrade", "upgrade"),
                            ("extended_download", "Extended Download Service"),
                            ("other", "other"),
                        ],
                        db_default="",
                        default="",
                        editable=False,
                        max_length=24,
                    ),
                ),
                ("extends_serial", models.CharField(blank=True, max_length=100, verbose_name="extends")),
                ("quantity", models.PositiveIntegerField(default=1, verbose_name="quantity")),
                ("quantity_returned", models.PositiveIntegerField(default=0, verbose_name="returned")),
                (
                    "return_until",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="can be returned until"),
                ),
                ("unit_price", models.DecimalField(decimal_places=3, default=Decimal("0"), max_digits=16)),
                ("discount", models.DecimalField(decimal_places=3, default=Decimal("0"), max_digits=16)),
                (
                    "tax_rate",
                    models.DecimalField(
                        blank=True, decimal_places=3, max_digits=6, null=True, verbose_name="tax rate (%)"
                    ),
                ),
                ("tax", models.DecimalField(decimal_places=3, default=Decimal("0"), max_digits=16)),
                ("total", models.DecimalField(decimal_places=3, default=Decimal("0"), max_digits=16)),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="orders.order"
                    ),
                ),
            ],
            options={
                "verbose_name": "order line",
                "verbose_name_plural": "order lines",
            },
        ),
        migrations.CreateModel(
            name="PaymentReference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(max_length=255)),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="payment_references",
                        to="orders.order",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("store_refund_id", models.CharField(max_length=100, verbose_name="refund ID in the store")),
                ("amount", models.DecimalField(decimal_places=3, max_digits=16)),
                ("refunded_at", models.DateTimeField(blank=True, null=True, verbose_name="refunded at")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="recorded at",
                    ),
                ),
                (
                    "missing_since",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="missing from the store since"
                    ),
                ),
                ("lines", models.JSONField(blank=True, default=list)),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="refunds", to="orders.order"
                    ),
                ),
            ],
            options={
                "verbose_name": "refund",
                "verbose_name_plural": "refunds",
            },
        ),
        migrations.AddField(
            model_name="order",
            name="store",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="orders",
                to="orders.store",
                verbose_name="store",
            ),
        ),
        migrations.CreateModel(
            name="FollowUpSchedule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=64, verbose_name="kind")),
                ("is_on", models.BooleanField(default=True, verbose_name="enabled")),
                (
                    "days",
                    models.PositiveSmallIntegerField(
                        help_text="Days after the event, or days before the date of a reminder.", verbose_name="days"
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="follow_up_schedules",
                        to="orders.store",
                        verbose_name="store",
                    ),
                ),
            ],
            options={
                "verbose_name": "follow-up schedule",
                "verbose_name_plural": "follow-up schedules",
            },
        ),
        migrations.CreateModel(
            name="LookupCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email_key", models.CharField(max_length=254)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "order",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="orders.order"),
                ),
            ],
            options={
                "verbose_name": "lookup code",
                "verbose_name_plural": "lookup codes",
                "indexes": [models.Index(fields=["created_at"], name="lookup_code_by_age")],
            },
        ),
        migrations.AddIndex(
            model_name="addresscorrection",
            index=models.Index(fields=["order", "-made_at"], name="address_correction_by_order"),
        ),
        migrations.AddIndex(
            model_name="orderline",
            index=models.Index(
                condition=models.Q(("sku", ""), _negated=True), fields=["sku", "order"], name="order_line_by_sku"
            ),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.UniqueConstraint(fields=("order", "store_line_id"), name="order_line_id_once_per_order"),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity_returned__lte", models.F("quantity"))),
                name="order_line_returned_within_quantity",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentreference",
            constraint=models.UniqueConstraint(fields=("reference", "order"), name="payment_reference_once_per_order"),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.UniqueConstraint(fields=("order", "store_refund_id"), name="refund_id_once_per_order"),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gte", 0)), name="refund_amount_not_negative"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["email_key", "-placed_at"], name="order_by_email"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["-placed_at"], name="order_by_date"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(
                    models.Q(("password_hash", ""), _negated=True),
                    models.Q(("password_hash__startswith", "keyed$"), _negated=True),
                    models.Q(("password_hash__startswith", "argon2$argon2id$v=19$m=19456,t=2,p=1$"), _negated=True),
                ),
                fields=["id"],
                name="order_foreign_password",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.UniqueConstraint(fields=("number_key", "store"), name="order_number_once_per_store"),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("card_last4__regex", "^([0-9]{4})?$")), name="order_card_last4_is_four_digits"
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("device_last4__regex", "^([0-9]{4})?$")), name="order_device_last4_is_four_digits"
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__regex", "^[A-Z]{3}$")), name="order_currency_is_iso_4217"
            ),
        ),
        migrations.AddConstraint(
            model_name="followupschedule",
            constraint=models.UniqueConstraint(
                fields=("store", "kind"), name="follow_up_schedule_once_per_store_and_kind"
            ),
        ),
    ]
