import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("licenses", "0001_initial"),
        ("orders", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ImportFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=255, verbose_name="file name")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("size", models.PositiveBigIntegerField(verbose_name="size in bytes")),
                ("format", models.CharField(max_length=32, verbose_name="format")),
                ("store", models.CharField(blank=True, max_length=64, verbose_name="store")),
                ("header", models.JSONField(blank=True, default=list, editable=False)),
                ("delimiter", models.CharField(default=",", editable=False, max_length=1)),
            ],
            options={
                "verbose_name": "imported file",
                "verbose_name_plural": "imported files",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="SkuMapping",
            fields=[],
            options={
                "verbose_name": "SKU of imported orders",
                "verbose_name_plural": "SKUs of imported orders",
                "proxy": True,
                "default_permissions": ("view", "change"),
                "indexes": [],
                "constraints": [],
            },
            bases=("licenses.sku",),
            managers=[
                ("mappings", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ImportRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "source",
                    models.CharField(
                        choices=[("command", "command"), ("upload", "upload in the admin"), ("webhook", "webhook")],
                        max_length=8,
                        verbose_name="source",
                    ),
                ),
                ("started_by_name", models.CharField(blank=True, max_length=150, verbose_name="started by")),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="started at")),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="last batch at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "running"),
                            ("finished", "finished"),
                            ("interrupted", "interrupted"),
                            ("partly_undone", "partly undone"),
                            ("undone", "undone"),
                        ],
                        default="running",
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                ("read", models.PositiveIntegerField(default=0, verbose_name="read")),
                ("created", models.PositiveIntegerField(default=0, verbose_name="created")),
                ("updated", models.PositiveIntegerField(default=0, verbose_name="updated")),
                ("unchanged", models.PositiveIntegerField(default=0, verbose_name="unchanged")),
                ("rejected", models.PositiveIntegerField(default=0, verbose_name="rejected")),
                ("skipped", models.PositiveIntegerField(default=0, verbose_name="skipped")),
                ("reject_counts", models.JSONField(blank=True, default=list, editable=False)),
                ("warnings", models.JSONField(blank=True, default=list, verbose_name="warnings")),
                ("options", models.JSONField(blank=True, default=dict, verbose_name="options")),
                ("undo_requested_at", models.DateTimeField(blank=True, null=True, verbose_name="undo requested at")),
                ("undone_at", models.DateTimeField(blank=True, null=True, verbose_name="undone at")),
                ("undone_by_name", models.CharField(blank=True, max_length=150, verbose_name="undone by")),
                ("orders_deleted", models.PositiveIntegerField(default=0, verbose_name="orders deleted")),
                ("orders_restored", models.PositiveIntegerField(default=0, verbose_name="orders restored")),
                ("details_deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "started_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="started by",
                    ),
                ),
            ],
            options={
                "verbose_name": "import",
                "verbose_name_plural": "imports",
                "permissions": [
                    ("undo_importrun", "Can undo import"),
                    ("download_importreject", "Can download the rejected rows of imports"),
                ],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="ImportReject",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("line", models.PositiveIntegerField(verbose_name="line")),
                ("code", models.CharField(max_length=32, verbose_name="code")),
                ("text", models.TextField(verbose_name="reason")),
                ("word", models.CharField(blank=True, max_length=200, verbose_name="value")),
                ("content", models.BinaryField()),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="intake.importfile",
                        verbose_name="file",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rejects",
                        to="intake.importrun",
                        verbose_name="import",
                    ),
                ),
            ],
            options={
                "verbose_name": "rejected row",
                "verbose_name_plural": "rejected rows",
                "default_permissions": ("view",),
            },
        ),
        migrations.AddField(
            model_name="importfile",
            name="run",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="files",
                to="intake.importrun",
                verbose_name="import",
            ),
        ),
        migrations.CreateModel(
            name="ImportedObject",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "run_id", "kind", "object_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("license", "license"), ("sku", "SKU"), ("store", "store")], max_length=8
                    ),
                ),
                ("object_id", models.BigIntegerField()),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="intake.importrun",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ImportChange",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "run_id", "order_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("order_id", models.BigIntegerField()),
                ("kind", models.CharField(choices=[("created", "created"), ("changed", "changed")], max_length=8)),
                ("digest", models.UUIDField(null=True)),
                ("before", models.JSONField(null=True)),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="intake.importrun",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="StatusMeaning",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("format", models.CharField(max_length=32, verbose_name="format")),
                ("word", models.CharField(max_length=64, verbose_name="status in the store")),
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
                            ("not_an_order", "not an order: skip these rows"),
                        ],
                        max_length=20,
                        verbose_name="meaning",
                    ),
                ),
                (
                    "asked_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="first seen at"
                    ),
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
            },
        ),
        migrations.CreateModel(
            name="StoreEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("format", models.CharField(max_length=32, verbose_name="format")),
                ("event_id", models.CharField(max_length=255, verbose_name="event id")),
                ("kind", models.CharField(blank=True, max_length=100, verbose_name="kind of event")),
                ("received_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="received at")),
                ("body", models.BinaryField(null=True)),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("taken", "taken"),
                            ("rejected", "rejected"),
                            ("ignored", "ignored"),
                        ],
                        default="waiting",
                        max_length=8,
                        verbose_name="verdict",
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=32, verbose_name="code")),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                ("word", models.CharField(blank=True, max_length=64, verbose_name="word")),
                ("tries", models.PositiveIntegerField(default=0, verbose_name="tries")),
                (
                    "next_try_at",
                    models.DateTimeField(default=django.utils.timezone.now, null=True, verbose_name="next try at"),
                ),
                ("retried_since", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished at")),
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
                "verbose_name": "store event",
                "verbose_name_plural": "store events",
                "permissions": [
                    ("retry_storeevent", "Can try store events again"),
                    ("read_storeevent", "Can read the content of store events"),
                ],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="TableMapping",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.SlugField(max_length=64, verbose_name="name")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                ("fingerprint", models.CharField(editable=False, max_length=64)),
                ("columns", models.JSONField(default=dict, verbose_name="columns")),
                ("constants", models.JSONField(blank=True, default=dict, verbose_name="for all orders")),
                (
                    "date_order",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("dmy", "day, month, year (31.12.2026)"),
                            ("mdy", "month, day, year (12/31/2026)"),
                            ("ymd", "year, month, day (26-12-31)"),
                        ],
                        max_length=3,
                        verbose_name="date order",
                    ),
                ),
                (
                    "decimal_sign",
                    models.CharField(
                        blank=True,
                        choices=[(",", "comma, as in 1.234,50"), (".", "point, as in 1,234.50")],
                        max_length=1,
                        verbose_name="decimal sign",
                    ),
                ),
                ("encoding", models.CharField(blank=True, max_length=32, verbose_name="encoding")),
                ("time_zone", models.CharField(blank=True, max_length=64, verbose_name="time zone")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="saved at")),
                ("created_by_name", models.CharField(blank=True, max_length=150, verbose_name="saved by")),
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
                "verbose_name": "mapping",
                "verbose_name_plural": "mappings",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="ImportUpload",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=255, verbose_name="file name")),
                ("stored_name", models.CharField(editable=False, max_length=64, unique=True)),
                ("size", models.PositiveBigIntegerField(verbose_name="size in bytes")),
                ("uploaded_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="uploaded at")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("uploaded", "uploaded"),
                            ("checking", "being checked"),
                            ("checked", "checked"),
                            ("importing", "being imported"),
                            ("imported", "imported"),
                            ("failed", "failed"),
                        ],
                        default="uploaded",
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                ("encoding", models.CharField(blank=True, max_length=32, verbose_name="encoding")),
                (
                    "date_order",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("dmy", "day, month, year (31.12.2026)"),
                            ("mdy", "month, day, year (12/31/2026)"),
                            ("ymd", "year, month, day (26-12-31)"),
                        ],
                        max_length=3,
                        verbose_name="date order",
                    ),
                ),
                ("preview", models.JSONField(blank=True, default=dict, editable=False)),
                ("problem", models.CharField(blank=True, max_length=500, verbose_name="problem")),
                (
                    "import_requested_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="imported by",
                    ),
                ),
                (
                    "run",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="upload",
                        to="intake.importrun",
                        verbose_name="import",
                    ),
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
                (
                    "uploaded_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="uploaded by",
                    ),
                ),
                (
                    "mapping",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="intake.tablemapping",
                        verbose_name="mapping",
                    ),
                ),
            ],
            options={
                "verbose_name": "file to import",
                "verbose_name_plural": "files to import",
                "default_permissions": ("add",),
            },
        ),
        migrations.AddField(
            model_name="importfile",
            name="mapping",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="intake.tablemapping",
                verbose_name="mapping",
            ),
        ),
        migrations.CreateModel(
            name="WebhookSecret",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("format", models.CharField(max_length=32, verbose_name="format")),
                ("position", models.PositiveSmallIntegerField(editable=False)),
                ("content", models.BinaryField()),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
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
                "verbose_name": "webhook secret",
                "verbose_name_plural": "webhook secrets",
                "default_permissions": ("add", "delete", "view"),
            },
        ),
        migrations.AddIndex(
            model_name="importrun",
            index=models.Index(
                condition=models.Q(("details_deleted_at__isnull", True)),
                fields=["started_at"],
                name="import_run_with_details",
            ),
        ),
        migrations.AddIndex(
            model_name="importrun",
            index=models.Index(
                condition=models.Q(("undo_requested_at__isnull", False)),
                fields=["undo_requested_at"],
                name="import_run_to_undo",
            ),
        ),
        migrations.AddIndex(
            model_name="importchange",
            index=models.Index(
                condition=models.Q(("kind", "changed")), fields=["order_id"], name="import_change_by_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="statusmeaning",
            constraint=models.UniqueConstraint(fields=("store", "format", "word"), name="status_meaning_once_per_word"),
        ),
        migrations.AddIndex(
            model_name="storeevent",
            index=models.Index(
                condition=models.Q(("verdict", "waiting")), fields=["next_try_at", "id"], name="store_event_due"
            ),
        ),
        migrations.AddIndex(
            model_name="storeevent",
            index=models.Index(
                condition=models.Q(("body__isnull", False)), fields=["received_at"], name="store_event_with_body"
            ),
        ),
        migrations.AddIndex(
            model_name="storeevent",
            index=models.Index(fields=["received_at"], name="store_event_by_time"),
        ),
        migrations.AddConstraint(
            model_name="storeevent",
            constraint=models.UniqueConstraint(fields=("store", "format", "event_id"), name="store_event_once"),
        ),
        migrations.AddConstraint(
            model_name="storeevent",
            constraint=models.CheckConstraint(
                condition=models.Q(("verdict", "waiting"), ("finished_at__isnull", False), _connector="OR"),
                name="store_event_finished",
            ),
        ),
        migrations.AddIndex(
            model_name="tablemapping",
            index=models.Index(fields=["store", "fingerprint"], name="table_mapping_by_header"),
        ),
        migrations.AddConstraint(
            model_name="tablemapping",
            constraint=models.UniqueConstraint(
                fields=("store", "name", "version"), name="table_mapping_once_per_version"
            ),
        ),
        migrations.AddIndex(
            model_name="importupload",
            index=models.Index(
                condition=models.Q(("state__in", ["checking", "importing"])),
                fields=["uploaded_at"],
                name="import_upload_to_work_on",
            ),
        ),
        migrations.AddIndex(
            model_name="importfile",
            index=models.Index(fields=["sha256"], name="import_file_by_digest"),
        ),
        migrations.AddConstraint(
            model_name="webhooksecret",
            constraint=models.UniqueConstraint(
                fields=("store", "format", "position"), name="webhook_secret_once_per_position"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhooksecret",
            constraint=models.CheckConstraint(
                condition=models.Q(("position__range", (1, 2))), name="webhook_secret_position"
            ),
        ),
    ]
