import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Upload",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "name",
                    models.CharField(help_text="File name on the buyer’s device.", max_length=120, verbose_name="name"),
                ),
                (
                    "media_type",
                    models.CharField(
                        choices=[("application/pdf", "PDF"), ("image/jpeg", "JPEG"), ("image/png", "PNG")],
                        max_length=40,
                        verbose_name="file type",
                    ),
                ),
                ("size", models.PositiveIntegerField(verbose_name="size in bytes")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("stored_name", models.CharField(editable=False, max_length=64, unique=True)),
                ("uploaded_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="uploaded at")),
                ("keep_until", models.DateTimeField(verbose_name="deleted after")),
                ("client_key", models.CharField(blank=True, editable=False, max_length=32)),
            ],
            options={
                "verbose_name": "upload",
                "verbose_name_plural": "uploads",
                "indexes": [
                    models.Index(fields=["keep_until"], name="upload_by_end"),
                    models.Index(
                        condition=models.Q(("client_key", ""), _negated=True),
                        fields=["client_key", "uploaded_at"],
                        name="upload_by_client_of_the_day",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("size__gt", 0)), name="upload_is_not_empty"),
                    models.CheckConstraint(
                        condition=models.Q(("media_type__in", ["application/pdf", "image/jpeg", "image/png"])),
                        name="upload_media_type_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="upload_sha256_is_hex"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("stored_name__regex", "^[0-9a-f]{2}/[0-9a-f]{32}$")),
                        name="upload_stored_name_is_random",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("keep_until__gt", models.F("uploaded_at"))),
                        name="upload_is_kept_for_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DownloadRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("upload_id", models.UUIDField(verbose_name="upload")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="downloaded at")),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="downloaded by",
                    ),
                ),
            ],
            options={
                "verbose_name": "upload download",
                "verbose_name_plural": "upload downloads",
                "indexes": [
                    models.Index(fields=["upload_id", "at"], name="download_record_by_upload"),
                    models.Index(fields=["at"], name="download_record_by_time"),
                ],
            },
        ),
    ]
