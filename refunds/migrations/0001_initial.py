import uuid
from decimal import Decimal

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import cases.models
import notifications.addresses


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("files", "0001_initial"),
        ("licenses", "0001_initial"),
        ("orders", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReturnReason",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        help_text="In English. Shown if there’s no translation.", max_length=200, verbose_name="reason"
                    ),
                ),
                (
                    "translations",
                    models.JSONField(
                        blank=True, default=dict, help_text='For example {"de": "…"}.', verbose_name="translations"
                    ),
                ),
                (
                    "offers_swap",
                    models.BooleanField(
                        default=False,
                        help_text="Buyers who choose this reason can request a product swap instead.",
                        verbose_name="suggest a product swap",
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
            ],
            options={
                "verbose_name": "return reason",
                "verbose_name_plural": "return reasons",
                "ordering": ["position", "pk"],
            },
        ),
        migrations.CreateModel(
            name="CashbackClaim",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(editable=False, max_length=16, unique=True, verbose_name="reference")),
                ("submission_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("language", models.CharField(blank=True, editable=False, max_length=16, verbose_name="language")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="received at"),
                ),
                ("due_at", models.DateTimeField(default=cases.models.default_due_at, verbose_name="reply due")),
                ("paused_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("comment", models.TextField(blank=True, verbose_name="buyer’s comment")),
                ("decided_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="decided at")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("received", "received"),
                            ("in_review", "in review"),
                            ("question_asked", "question asked"),
                            ("approved", "approved"),
                            ("paid", "paid"),
                            ("declined", "declined"),
                            ("cancelled", "canceled"),
                        ],
                        max_length=24,
                        verbose_name="status",
                    ),
                ),
                (
                    "country",
                    models.CharField(
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{2}\\Z", "Enter a two-letter country code in capitals, for example DE."
                            )
                        ],
                        verbose_name="country",
                    ),
                ),
                ("currency", models.CharField(editable=False, max_length=3, verbose_name="currency")),
                ("amount", models.DecimalField(decimal_places=3, editable=False, max_digits=16)),
                (
                    "payout_method",
                    models.CharField(
                        choices=[("original", "original payment method"), ("bank", "bank account")],
                        default="original",
                        max_length=16,
                        verbose_name="payout method",
                    ),
                ),
                ("payout_details", models.BinaryField(blank=True, default=bytes)),
                ("payout_reference", models.CharField(blank=True, max_length=100, verbose_name="payout reference")),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "license",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cashback_claims",
                        to="licenses.license",
                        verbose_name="serial number",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cashback_claims",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "proof",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="files.upload",
                        verbose_name="proof of purchase",
                    ),
                ),
            ],
            options={
                "verbose_name": "cashback claim",
                "verbose_name_plural": "cashback claims",
            },
        ),
        migrations.CreateModel(
            name="CashbackEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date")),
                (
                    "actor",
                    models.CharField(
                        choices=[
                            ("buyer", "buyer"),
                            ("staff", "support"),
                            ("portal", "the portal"),
                            ("store", "the store"),
                        ],
                        max_length=8,
                        verbose_name="changed by",
                    ),
                ),
                ("from_status", models.CharField(blank=True, max_length=24, verbose_name="old status")),
                ("to_status", models.CharField(max_length=24, verbose_name="new status")),
                ("text", models.TextField(blank=True, verbose_name="message to or from the buyer")),
                ("note", models.TextField(blank=True, verbose_name="internal note")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="staff member",
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="events", to="refunds.cashbackclaim"
                    ),
                ),
            ],
            options={
                "verbose_name": "history entry",
                "verbose_name_plural": "history",
                "ordering": ["at", "pk"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="CashbackPromotion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                (
                    "countries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=2,
                            validators=[
                                django.core.validators.RegexValidator(
                                    "^[A-Z]{2}\\Z", "Enter a two-letter country code in capitals, for example DE."
                                )
                            ],
                        ),
                        help_text="Country codes separated by commas, for example DE, AT, CH.",
                        size=None,
                        verbose_name="countries",
                    ),
                ),
                ("bought_from", models.DateField(verbose_name="purchased from")),
                ("bought_until", models.DateField(verbose_name="purchased until")),
                ("claim_until", models.DateField(verbose_name="claims accepted until")),
                (
                    "currency",
                    models.CharField(
                        max_length=3,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{3}\\Z", "Enter a three-letter currency code in capitals, for example EUR."
                            )
                        ],
                        verbose_name="currency",
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=3, max_digits=16)),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("products", models.ManyToManyField(related_name="+", to="licenses.product", verbose_name="products")),
                (
                    "stores",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Leave empty for all stores.",
                        related_name="+",
                        to="orders.store",
                        verbose_name="stores",
                    ),
                ),
            ],
            options={
                "verbose_name": "cashback promotion",
                "verbose_name_plural": "cashback promotions",
                "ordering": ["-bought_from", "name"],
            },
        ),
        migrations.AddField(
            model_name="cashbackclaim",
            name="promotion",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="claims",
                to="refunds.cashbackpromotion",
                verbose_name="promotion",
            ),
        ),
        migrations.CreateModel(
            name="Return",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(editable=False, max_length=16, unique=True, verbose_name="reference")),
                ("submission_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("language", models.CharField(blank=True, editable=False, max_length=16, verbose_name="language")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="received at"),
                ),
                ("due_at", models.DateTimeField(default=cases.models.default_due_at, verbose_name="reply due")),
                ("paused_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("comment", models.TextField(blank=True, verbose_name="buyer’s comment")),
                ("decided_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="decided at")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("received", "received"),
                            ("in_review", "in review"),
                            ("question_asked", "question asked"),
                            ("approved", "approved"),
                            ("refunded", "refunded"),
                            ("declined", "declined"),
                            ("cancelled", "canceled"),
                        ],
                        max_length=24,
                        verbose_name="status",
                    ),
                ),
                ("currency", models.CharField(editable=False, max_length=3, verbose_name="currency")),
                ("amount", models.DecimalField(decimal_places=3, editable=False, max_digits=16)),
                (
                    "amount_approved",
                    models.DecimalField(blank=True, decimal_places=3, editable=False, max_digits=16, null=True),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="returns",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "reason",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="refunds.returnreason",
                        verbose_name="reason",
                    ),
                ),
            ],
            options={
                "verbose_name": "return",
                "verbose_name_plural": "returns",
            },
        ),
        migrations.CreateModel(
            name="ReturnEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date")),
                (
                    "actor",
                    models.CharField(
                        choices=[
                            ("buyer", "buyer"),
                            ("staff", "support"),
                            ("portal", "the portal"),
                            ("store", "the store"),
                        ],
                        max_length=8,
                        verbose_name="changed by",
                    ),
                ),
                ("from_status", models.CharField(blank=True, max_length=24, verbose_name="old status")),
                ("to_status", models.CharField(max_length=24, verbose_name="new status")),
                ("text", models.TextField(blank=True, verbose_name="message to or from the buyer")),
                ("note", models.TextField(blank=True, verbose_name="internal note")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="staff member",
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="events", to="refunds.return"
                    ),
                ),
            ],
            options={
                "verbose_name": "history entry",
                "verbose_name_plural": "history",
                "ordering": ["at", "pk"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ReturnLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("quantity", models.PositiveIntegerField(verbose_name="quantity")),
                ("amount", models.DecimalField(decimal_places=3, default=Decimal("0"), max_digits=16)),
                ("tax", models.DecimalField(decimal_places=3, default=Decimal("0"), max_digits=16)),
                (
                    "licenses",
                    models.ManyToManyField(
                        blank=True, related_name="+", to="licenses.license", verbose_name="serial numbers"
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="return_lines", to="orders.orderline"
                    ),
                ),
                (
                    "return_case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="lines", to="refunds.return"
                    ),
                ),
            ],
            options={
                "verbose_name": "returned item",
                "verbose_name_plural": "returned items",
            },
        ),
        migrations.CreateModel(
            name="ReturnPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "in_force_from",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="Applies to orders placed at or after this time.",
                        verbose_name="in force from",
                    ),
                ),
                (
                    "days",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="The purchase day is day 0. The last day is included in full.",
                        verbose_name="days",
                    ),
                ),
                (
                    "activated_may_return",
                    models.BooleanField(default=True, verbose_name="activated licenses can be returned"),
                ),
                (
                    "revokes_serials",
                    models.BooleanField(
                        default=False,
                        help_text="Only the serial numbers of refunded units are revoked.",
                        verbose_name="revoke serial numbers on refund",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="return_policies",
                        to="orders.store",
                        verbose_name="store",
                    ),
                ),
            ],
            options={
                "verbose_name": "return policy",
                "verbose_name_plural": "return policies",
            },
        ),
        migrations.CreateModel(
            name="ReturnException",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("new", "new license"),
                            ("renewal", "renewal"),
                            ("upgrade", "upgrade"),
                            ("extended_download", "Extended Download Service"),
                            ("other", "other"),
                        ],
                        max_length=24,
                        verbose_name="kind",
                    ),
                ),
                (
                    "days",
                    models.PositiveSmallIntegerField(
                        blank=True, help_text="Leave empty if it can’t be returned.", null=True, verbose_name="days"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="licenses.product",
                        verbose_name="product",
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exceptions",
                        to="refunds.returnpolicy",
                    ),
                ),
            ],
            options={
                "verbose_name": "exception",
                "verbose_name_plural": "exceptions",
            },
        ),
        migrations.CreateModel(
            name="AutoApprovalLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "currency",
                    models.CharField(
                        max_length=3,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{3}\\Z", "Enter a three-letter currency code in capitals, for example EUR."
                            )
                        ],
                        verbose_name="currency",
                    ),
                ),
                ("up_to", models.DecimalField(decimal_places=3, max_digits=16)),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="auto_approval_limits",
                        to="refunds.returnpolicy",
                    ),
                ),
            ],
            options={
                "verbose_name": "automatic approval limit",
                "verbose_name_plural": "automatic approval limits",
            },
        ),
        migrations.CreateModel(
            name="StoreGateway",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "gateway",
                    models.CharField(
                        choices=[("manual", "manually, in the store’s admin"), ("stripe", "Stripe")],
                        default="manual",
                        max_length=16,
                        verbose_name="gateway",
                    ),
                ),
                (
                    "store",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="gateway",
                        to="orders.store",
                        verbose_name="store",
                    ),
                ),
            ],
            options={
                "verbose_name": "payment gateway",
                "verbose_name_plural": "payment gateways",
            },
        ),
        migrations.CreateModel(
            name="Swap",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(editable=False, max_length=16, unique=True, verbose_name="reference")),
                ("submission_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("language", models.CharField(blank=True, editable=False, max_length=16, verbose_name="language")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="received at"),
                ),
                ("due_at", models.DateTimeField(default=cases.models.default_due_at, verbose_name="reply due")),
                ("paused_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("comment", models.TextField(blank=True, verbose_name="buyer’s comment")),
                ("decided_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="decided at")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("received", "received"),
                            ("in_review", "in review"),
                            ("question_asked", "question asked"),
                            ("approved", "approved"),
                            ("swapped", "swapped"),
                            ("declined", "declined"),
                            ("cancelled", "canceled"),
                        ],
                        max_length=24,
                        verbose_name="status",
                    ),
                ),
                ("wanted", models.CharField(max_length=300, verbose_name="requested product")),
                (
                    "price_difference",
                    models.DecimalField(blank=True, decimal_places=3, editable=False, max_digits=16, null=True),
                ),
                ("currency", models.CharField(editable=False, max_length=3, verbose_name="currency")),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="swaps",
                        to="orders.orderline",
                        verbose_name="item",
                    ),
                ),
                (
                    "new_license",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="licenses.license",
                        verbose_name="new serial number",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="swaps",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
            ],
            options={
                "verbose_name": "product swap",
                "verbose_name_plural": "product swaps",
            },
        ),
        migrations.CreateModel(
            name="SwapEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date")),
                (
                    "actor",
                    models.CharField(
                        choices=[
                            ("buyer", "buyer"),
                            ("staff", "support"),
                            ("portal", "the portal"),
                            ("store", "the store"),
                        ],
                        max_length=8,
                        verbose_name="changed by",
                    ),
                ),
                ("from_status", models.CharField(blank=True, max_length=24, verbose_name="old status")),
                ("to_status", models.CharField(max_length=24, verbose_name="new status")),
                ("text", models.TextField(blank=True, verbose_name="message to or from the buyer")),
                ("note", models.TextField(blank=True, verbose_name="internal note")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="staff member",
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="events", to="refunds.swap"
                    ),
                ),
            ],
            options={
                "verbose_name": "history entry",
                "verbose_name_plural": "history",
                "ordering": ["at", "pk"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SwapOffer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        help_text="For example, Maximum Security, 3 devices, 1 year.",
                        max_length=200,
                        verbose_name="name",
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        max_length=3,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{3}\\Z", "Enter a three-letter currency code in capitals, for example EUR."
                            )
                        ],
                        verbose_name="currency",
                    ),
                ),
                ("price", models.DecimalField(decimal_places=3, max_digits=16)),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="licenses.product",
                        verbose_name="product",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="swap_offers",
                        to="orders.store",
                        verbose_name="store",
                    ),
                ),
            ],
            options={
                "verbose_name": "swap offer",
                "verbose_name_plural": "swap offers",
                "ordering": ["name", "pk"],
            },
        ),
        migrations.AddField(
            model_name="swap",
            name="offer",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="refunds.swapoffer",
                verbose_name="offer",
            ),
        ),
        migrations.CreateModel(
            name="Withdrawal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(editable=False, max_length=16, unique=True, verbose_name="reference")),
                ("submission_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("language", models.CharField(blank=True, editable=False, max_length=16, verbose_name="language")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="received at"),
                ),
                ("due_at", models.DateTimeField(default=cases.models.default_due_at, verbose_name="reply due")),
                ("paused_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("comment", models.TextField(blank=True, verbose_name="buyer’s comment")),
                ("decided_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="decided at")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("received", "received"),
                            ("in_review", "in review"),
                            ("question_asked", "question asked"),
                            ("approved", "accepted"),
                            ("refunded", "refunded"),
                            ("declined", "declined"),
                        ],
                        max_length=24,
                        verbose_name="status",
                    ),
                ),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                ("order_number", models.CharField(max_length=200, verbose_name="order number as entered")),
                ("email", models.CharField(max_length=254, verbose_name="email address")),
                (
                    "email_key",
                    notifications.addresses.EmailKeyField(
                        blank=True, default="", editable=False, max_length=254, of="email"
                    ),
                ),
                ("is_matching_due", models.BooleanField(db_default=True, default=True, editable=False)),
                (
                    "withdraw_until",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="withdrawal possible until"
                    ),
                ),
                ("is_late", models.BooleanField(default=False, editable=False, verbose_name="late")),
                (
                    "amount_approved",
                    models.DecimalField(blank=True, decimal_places=3, editable=False, max_digits=16, null=True),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="withdrawals",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
            ],
            options={
                "verbose_name": "withdrawal",
                "verbose_name_plural": "withdrawals",
            },
        ),
        migrations.CreateModel(
            name="RefundTransaction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("amount", models.DecimalField(decimal_places=3, max_digits=16)),
                (
                    "gateway",
                    models.CharField(
                        choices=[("manual", "manually, in the store’s admin"), ("stripe", "Stripe")],
                        max_length=16,
                        verbose_name="gateway",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "pending"),
                            ("unclear", "unconfirmed: checking again"),
                            ("done", "completed"),
                            ("refused", "declined by the gateway"),
                            ("cancelled", "no longer needed"),
                        ],
                        default="waiting",
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                ("idempotency_key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("store_reference", models.CharField(blank=True, max_length=100, verbose_name="reference")),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("next_try_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="next attempt")),
                ("leased_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("not_found_at_try", models.PositiveSmallIntegerField(blank=True, editable=False, null=True)),
                ("last_answer", models.TextField(blank=True, verbose_name="last response")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="created at")),
                ("done_at", models.DateTimeField(blank=True, null=True, verbose_name="completed at")),
                (
                    "done_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refund_transactions",
                        to="orders.order",
                    ),
                ),
                (
                    "refund",
                    models.OneToOneField(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="transaction",
                        to="orders.refund",
                    ),
                ),
                (
                    "return_case",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transactions",
                        to="refunds.return",
                        verbose_name="return",
                    ),
                ),
                (
                    "withdrawal",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transactions",
                        to="refunds.withdrawal",
                        verbose_name="withdrawal",
                    ),
                ),
            ],
            options={
                "verbose_name": "refund transaction",
                "verbose_name_plural": "refund transactions",
            },
        ),
        migrations.CreateModel(
            name="WithdrawalEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date")),
                (
                    "actor",
                    models.CharField(
                        choices=[
                            ("buyer", "buyer"),
                            ("staff", "support"),
                            ("portal", "the portal"),
                            ("store", "the store"),
                        ],
                        max_length=8,
                        verbose_name="changed by",
                    ),
                ),
                ("from_status", models.CharField(blank=True, max_length=24, verbose_name="old status")),
                ("to_status", models.CharField(max_length=24, verbose_name="new status")),
                ("text", models.TextField(blank=True, verbose_name="message to or from the buyer")),
                ("note", models.TextField(blank=True, verbose_name="internal note")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="staff member",
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="events", to="refunds.withdrawal"
                    ),
                ),
            ],
            options={
                "verbose_name": "history entry",
                "verbose_name_plural": "history",
                "ordering": ["at", "pk"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="WithdrawalPeriod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "country",
                    models.CharField(
                        blank=True,
                        help_text="Leave empty for all countries.",
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{2}\\Z", "Enter a two-letter country code in capitals, for example DE."
                            )
                        ],
                        verbose_name="country",
                    ),
                ),
                ("days", models.PositiveSmallIntegerField(default=14, verbose_name="days")),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="withdrawal_periods",
                        to="orders.store",
                        verbose_name="store",
                    ),
                ),
            ],
            options={
                "verbose_name": "withdrawal period",
                "verbose_name_plural": "withdrawal periods",
            },
        ),
        migrations.AddConstraint(
            model_name="cashbackpromotion",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="cashback_amount_positive"),
        ),
        migrations.AddConstraint(
            model_name="cashbackpromotion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("bought_until__gte", models.F("bought_from")), ("claim_until__gte", models.F("bought_from"))
                ),
                name="cashback_days_in_order",
            ),
        ),
        migrations.AddIndex(
            model_name="cashbackclaim",
            index=models.Index(fields=["status", "due_at"], name="cashback_queue"),
        ),
        migrations.AddConstraint(
            model_name="cashbackclaim",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["declined", "cancelled"]), _negated=True),
                fields=("license",),
                name="cashback_once_per_serial_number",
            ),
        ),
        migrations.AddConstraint(
            model_name="cashbackclaim",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="cashback_claim_amount_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="cashbackclaim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "paid"), _negated=True),
                    models.Q(("payout_reference", ""), _negated=True),
                    _connector="OR",
                ),
                name="cashback_paid_has_reference",
            ),
        ),
        migrations.AddConstraint(
            model_name="cashbackclaim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["paid", "declined", "cancelled"]), _negated=True),
                    ("payout_details", b""),
                    _connector="OR",
                ),
                name="cashback_closed_keeps_no_details",
            ),
        ),
        migrations.AddConstraint(
            model_name="returnline",
            constraint=models.UniqueConstraint(fields=("return_case", "line"), name="return_line_once_per_return"),
        ),
        migrations.AddConstraint(
            model_name="returnline",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gt", 0)), name="return_line_quantity_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="returnline",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gte", 0), ("tax__gte", 0)), name="return_line_amount_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="returnpolicy",
            constraint=models.UniqueConstraint(
                fields=("store", "in_force_from"), name="return_policy_one_per_store_and_moment"
            ),
        ),
        migrations.AddConstraint(
            model_name="returnpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("days__lte", 3650)), name="return_policy_days_within_ten_years"
            ),
        ),
        migrations.AddConstraint(
            model_name="returnexception",
            constraint=models.CheckConstraint(
                condition=models.Q(("product__isnull", False), models.Q(("kind", ""), _negated=True), _connector="OR"),
                name="return_exception_names_product_or_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="returnexception",
            constraint=models.UniqueConstraint(
                fields=("policy", "product", "kind"), name="return_exception_once_per_policy", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="autoapprovallimit",
            constraint=models.UniqueConstraint(
                fields=("policy", "currency"), name="auto_approval_limit_once_per_currency"
            ),
        ),
        migrations.AddConstraint(
            model_name="autoapprovallimit",
            constraint=models.CheckConstraint(
                condition=models.Q(("up_to__gt", Decimal("0"))), name="auto_approval_limit_positive"
            ),
        ),
        migrations.AddIndex(
            model_name="return",
            index=models.Index(fields=["status", "due_at"], name="return_queue"),
        ),
        migrations.AddConstraint(
            model_name="return",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gte", 0)), name="return_amount_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="return",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount_approved__isnull", True),
                    models.Q(("amount_approved__gt", 0), ("amount_approved__lte", models.F("amount"))),
                    _connector="OR",
                ),
                name="return_approved_within_amount",
            ),
        ),
        migrations.AddConstraint(
            model_name="swapoffer",
            constraint=models.CheckConstraint(
                condition=models.Q(("price__gte", 0)), name="swap_offer_price_not_negative"
            ),
        ),
        migrations.AddIndex(
            model_name="swap",
            index=models.Index(fields=["status", "due_at"], name="swap_queue"),
        ),
        migrations.AddIndex(
            model_name="withdrawal",
            index=models.Index(fields=["status", "due_at"], name="withdrawal_queue"),
        ),
        migrations.AddIndex(
            model_name="withdrawal",
            index=models.Index(
                condition=models.Q(("is_matching_due", True)), fields=["id"], name="withdrawal_matching_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="withdrawal",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_approved__isnull", True), ("amount_approved__gt", 0), _connector="OR"),
                name="withdrawal_approved_amount_positive",
            ),
        ),
        migrations.AddIndex(
            model_name="refundtransaction",
            index=models.Index(
                condition=models.Q(("status__in", ["waiting", "unclear"])),
                fields=["next_try_at"],
                name="refund_transaction_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="refundtransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="refund_transaction_amount_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="refundtransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("return_case__isnull", False), ("withdrawal__isnull", True)),
                    models.Q(("return_case__isnull", True), ("withdrawal__isnull", False)),
                    _connector="OR",
                ),
                name="refund_transaction_of_exactly_one_case",
            ),
        ),
        migrations.AddConstraint(
            model_name="refundtransaction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["waiting", "unclear", "done"])),
                fields=("return_case",),
                name="refund_transaction_once_per_return",
            ),
        ),
        migrations.AddConstraint(
            model_name="refundtransaction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["waiting", "unclear", "done"])),
                fields=("withdrawal",),
                name="refund_transaction_once_per_withdrawal",
            ),
        ),
        migrations.AddConstraint(
            model_name="refundtransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "done"), _negated=True),
                    models.Q(models.Q(("store_reference", ""), _negated=True), ("done_at__isnull", False)),
                    _connector="OR",
                ),
                name="refund_transaction_done_has_reference",
            ),
        ),
        migrations.AddConstraint(
            model_name="withdrawalperiod",
            constraint=models.UniqueConstraint(
                fields=("store", "country"), name="withdrawal_period_once_per_place", nulls_distinct=False
            ),
        ),
    ]
