import uuid

import django.core.validators
import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("orders", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="License",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "serial",
                    models.CharField(
                        help_text="Spelled as in the store.", max_length=100, verbose_name="serial number"
                    ),
                ),
                ("serial_key", models.CharField(editable=False, max_length=100, unique=True)),
                ("devices", models.PositiveIntegerField(blank=True, null=True, verbose_name="devices covered")),
                ("starts_on", models.DateField(blank=True, null=True, verbose_name="starts on")),
                ("expires_on", models.DateField(blank=True, null=True, verbose_name="valid until")),
                ("activated_at", models.DateTimeField(blank=True, null=True, verbose_name="activated at")),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="revoked at")),
                (
                    "staff_decision",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "derived from its orders"),
                            ("valid", "valid, regardless of its orders"),
                            ("revoked", "revoked"),
                        ],
                        default="",
                        max_length=8,
                        verbose_name="status set by staff",
                    ),
                ),
                (
                    "staff_expires_on",
                    models.DateField(
                        blank=True,
                        help_text="Applies if it’s later than the end date from the orders.",
                        null=True,
                        verbose_name="extended until",
                    ),
                ),
            ],
            options={
                "verbose_name": "license",
                "verbose_name_plural": "licenses",
            },
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=64, unique=True, verbose_name="short name")),
                ("name", models.CharField(max_length=200, verbose_name="name")),
                (
                    "device_releases_a_year",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="How many devices the owner of a license can release in 365 days.",
                        verbose_name="device releases per year",
                    ),
                ),
                (
                    "serial_pattern",
                    models.CharField(
                        blank=True,
                        help_text="A for a letter, 0 for a digit: AAAA-0000-0000. Used to correct typing errors.",
                        max_length=100,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A0]+(-[A0]+)*\\Z",
                                "Use A for a letter, 0 for a digit, and hyphens, for example AAAA-0000.",
                            )
                        ],
                        verbose_name="serial number format",
                    ),
                ),
            ],
            options={
                "verbose_name": "product",
                "verbose_name_plural": "products",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="LineWithoutSerial",
            fields=[],
            options={
                "verbose_name": "missing serial number",
                "verbose_name_plural": "missing serial numbers",
                "proxy": True,
                "default_permissions": ("view", "change"),
                "indexes": [],
                "constraints": [],
            },
            bases=("orders.orderline",),
            managers=[
                ("lines", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ActivationEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key_id", models.CharField(max_length=64)),
                ("event_id", models.CharField(max_length=100)),
                ("digest", models.CharField(max_length=64)),
                ("received_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "activation event",
                "verbose_name_plural": "activation events",
                "indexes": [models.Index(fields=["received_at"], name="activation_event_by_time")],
                "constraints": [
                    models.UniqueConstraint(fields=("key_id", "event_id"), name="activation_event_taken_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="DownloadWindow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("days", models.PositiveSmallIntegerField(default=30, verbose_name="days")),
                (
                    "store",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="download_window",
                        to="orders.store",
                        verbose_name="store",
                    ),
                ),
            ],
            options={
                "verbose_name": "download window",
                "verbose_name_plural": "download windows",
            },
        ),
        migrations.CreateModel(
            name="Device",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("vendor_id", models.CharField(max_length=200, verbose_name="vendor’s device ID")),
                ("name", models.CharField(blank=True, max_length=200, verbose_name="name")),
                ("platform", models.CharField(blank=True, max_length=100, verbose_name="platform")),
                ("activated_at", models.DateTimeField(verbose_name="activated at")),
                ("last_seen_at", models.DateTimeField(verbose_name="last seen at")),
                ("deactivated_at", models.DateTimeField(blank=True, null=True, verbose_name="deactivated at")),
                ("last_activated_at", models.DateTimeField(blank=True, null=True, verbose_name="last activated at")),
                ("described_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "license",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="devices_in_use",
                        to="licenses.license",
                    ),
                ),
            ],
            options={
                "verbose_name": "device",
                "verbose_name_plural": "devices",
            },
        ),
        migrations.CreateModel(
            name="LicensedLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "origin",
                    models.CharField(
                        choices=[("store", "from the store"), ("staff", "assigned by staff")],
                        default="store",
                        max_length=8,
                        verbose_name="origin",
                    ),
                ),
                ("devices", models.PositiveIntegerField(blank=True, null=True, verbose_name="devices covered")),
                ("starts_on", models.DateField(blank=True, null=True, verbose_name="starts on")),
                ("expires_on", models.DateField(blank=True, null=True, verbose_name="valid until")),
                (
                    "unit_end",
                    models.CharField(
                        blank=True,
                        choices=[("", "–"), ("returned", "returned"), ("swapped", "swapped")],
                        default="",
                        editable=False,
                        max_length=8,
                        verbose_name="ended",
                    ),
                ),
                ("ends_with_refund", models.BooleanField(default=False, editable=False)),
                (
                    "license",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="licensed_lines",
                        to="licenses.license",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="licensed_lines",
                        to="orders.orderline",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="licensed_lines", to="orders.order"
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="licenses.product",
                        verbose_name="product",
                    ),
                ),
            ],
            options={
                "verbose_name": "license on an order line",
                "verbose_name_plural": "licenses on order lines",
            },
        ),
        migrations.AddField(
            model_name="license",
            name="product",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="licenses",
                to="licenses.product",
            ),
        ),
        migrations.CreateModel(
            name="InstallGuide",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "platform",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("windows", "Windows"),
                            ("macos", "macOS"),
                            ("linux", "Linux"),
                            ("android", "Android"),
                            ("ios", "iOS"),
                            ("other", "other"),
                        ],
                        help_text="Leave empty for all platforms.",
                        max_length=16,
                        verbose_name="platform",
                    ),
                ),
                ("language", models.CharField(default="en", max_length=16, verbose_name="language")),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                ("body", models.TextField(help_text="Use Markdown.", verbose_name="text")),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="install_guides",
                        to="licenses.product",
                        verbose_name="product",
                    ),
                ),
            ],
            options={
                "verbose_name": "install guide",
                "verbose_name_plural": "install guides",
            },
        ),
        migrations.CreateModel(
            name="Release",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.CharField(max_length=64, verbose_name="version")),
                (
                    "platform",
                    models.CharField(
                        choices=[
                            ("windows", "Windows"),
                            ("macos", "macOS"),
                            ("linux", "Linux"),
                            ("android", "Android"),
                            ("ios", "iOS"),
                            ("other", "other"),
                        ],
                        max_length=16,
                        verbose_name="platform",
                    ),
                ),
                (
                    "file_name",
                    models.CharField(
                        help_text="File name in the browser’s download folder.",
                        max_length=255,
                        verbose_name="file name",
                    ),
                ),
                ("stored_name", models.CharField(editable=False, max_length=64, unique=True)),
                ("size", models.PositiveBigIntegerField(editable=False, verbose_name="size in bytes")),
                ("sha256", models.CharField(editable=False, max_length=64, verbose_name="SHA-256")),
                ("released_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="released at")),
                (
                    "replaced_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="replaced at"),
                ),
                (
                    "withdrawn_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="From then on, it can’t be downloaded. Use this for harmful releases.",
                        null=True,
                        verbose_name="withdrawn at",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="releases",
                        to="licenses.product",
                        verbose_name="product",
                    ),
                ),
            ],
            options={
                "verbose_name": "release",
                "verbose_name_plural": "releases",
                "ordering": ["product", "platform", "-released_at"],
            },
        ),
        migrations.CreateModel(
            name="Download",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("issued_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="issued at")),
                ("client", models.CharField(blank=True, max_length=64, verbose_name="client")),
                ("access_generation", models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ("started_at", models.DateTimeField(blank=True, null=True, verbose_name="started at")),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="downloads",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "release",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="downloads",
                        to="licenses.release",
                        verbose_name="release",
                    ),
                ),
            ],
            options={
                "verbose_name": "download",
                "verbose_name_plural": "downloads",
            },
        ),
        migrations.CreateModel(
            name="SerialPrefix",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("prefix", models.CharField(max_length=16, unique=True, verbose_name="prefix")),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="prefixes", to="licenses.product"
                    ),
                ),
            ],
            options={
                "verbose_name": "serial number prefix",
                "verbose_name_plural": "serial number prefixes",
            },
        ),
        migrations.CreateModel(
            name="Sku",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=100, verbose_name="SKU")),
                ("name", models.CharField(blank=True, max_length=300, verbose_name="name")),
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
                        db_default="",
                        default="",
                        help_text="Applies to items whose kind isn’t in the store’s data.",
                        max_length=24,
                        verbose_name="kind",
                    ),
                ),
                ("has_serials", models.BooleanField(default=False, editable=False)),
                ("has_untold_kinds", models.BooleanField(db_default=False, default=False, editable=False)),
                ("product_from_staff", models.BooleanField(db_default=False, default=False, editable=False)),
                ("update_requested_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("updated_to", models.BigIntegerField(db_default=0, default=0, editable=False)),
                (
                    "product",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="skus",
                        to="licenses.product",
                        verbose_name="product",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="skus", to="orders.store"
                    ),
                ),
            ],
            options={
                "verbose_name": "SKU",
                "verbose_name_plural": "SKUs",
            },
        ),
        migrations.CreateModel(
            name="DeviceRelease",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="requested at")),
                ("undone_at", models.DateTimeField(blank=True, null=True, verbose_name="undone at")),
                ("freed_at", models.DateTimeField(blank=True, null=True, verbose_name="confirmed at")),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="releases", to="licenses.device"
                    ),
                ),
            ],
            options={
                "verbose_name": "device release",
                "verbose_name_plural": "device releases",
                "indexes": [
                    models.Index(fields=["device", "requested_at"], name="device_release_by_time"),
                    models.Index(
                        condition=models.Q(("freed_at__isnull", True), ("undone_at__isnull", True)),
                        fields=["requested_at"],
                        name="device_release_to_free",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.UniqueConstraint(fields=("license", "vendor_id"), name="device_once_per_license"),
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.CheckConstraint(
                condition=models.Q(("last_seen_at__gte", models.F("activated_at"))), name="device_seen_after_activation"
            ),
        ),
        migrations.AddConstraint(
            model_name="licensedline",
            constraint=models.UniqueConstraint(fields=("line", "license"), name="license_once_per_line"),
        ),
        migrations.AddConstraint(
            model_name="licensedline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("expires_on__isnull", True),
                    ("starts_on__isnull", True),
                    ("expires_on__gte", models.F("starts_on")),
                    _connector="OR",
                ),
                name="licensed_line_ends_after_it_starts",
            ),
        ),
        migrations.AddConstraint(
            model_name="license",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("expires_on__isnull", True),
                    ("starts_on__isnull", True),
                    ("expires_on__gte", models.F("starts_on")),
                    _connector="OR",
                ),
                name="license_ends_after_it_starts",
            ),
        ),
        migrations.AddConstraint(
            model_name="installguide",
            constraint=models.UniqueConstraint(
                fields=("product", "platform", "language"), name="install_guide_once_per_platform_and_language"
            ),
        ),
        migrations.AddConstraint(
            model_name="release",
            constraint=models.UniqueConstraint(fields=("product", "platform", "version"), name="release_version_once"),
        ),
        migrations.AddConstraint(
            model_name="release",
            constraint=models.UniqueConstraint(
                condition=models.Q(("replaced_at__isnull", True), ("withdrawn_at__isnull", True)),
                fields=("product", "platform"),
                name="release_one_current_per_platform",
            ),
        ),
        migrations.AddConstraint(
            model_name="release",
            constraint=models.CheckConstraint(condition=models.Q(("size__gt", 0)), name="release_is_not_empty"),
        ),
        migrations.AddConstraint(
            model_name="release",
            constraint=models.CheckConstraint(
                condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="release_sha256_is_hex"
            ),
        ),
        migrations.AddIndex(
            model_name="download",
            index=models.Index(fields=["order", "-issued_at"], name="download_by_order"),
        ),
        migrations.AddConstraint(
            model_name="serialprefix",
            constraint=models.CheckConstraint(
                condition=models.Q(("prefix__regex", "^[A-Z0-9]+$")), name="serial_prefix_capitals_and_digits"
            ),
        ),
        migrations.AddConstraint(
            model_name="sku",
            constraint=models.UniqueConstraint(fields=("store", "code"), name="sku_code_once_per_store"),
        ),
    ]
