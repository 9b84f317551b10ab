import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import notifications.addresses
import notifications.codes


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=64, verbose_name="kind")),
                ("object_id", models.BigIntegerField()),
                ("key", models.CharField(blank=True, max_length=128)),
                ("order_id", models.BigIntegerField(blank=True, db_index=True, null=True)),
                ("recipient", models.EmailField(max_length=254, verbose_name="recipient")),
                (
                    "recipient_key",
                    notifications.addresses.EmailKeyField(
                        blank=True, default="", editable=False, max_length=254, of="recipient"
                    ),
                ),
                ("language", models.CharField(blank=True, max_length=16, verbose_name="language")),
                (
                    "priority",
                    models.PositiveSmallIntegerField(
                        default=5, help_text="Lower numbers are sent first.", verbose_name="priority"
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("sent", "sent"),
                            ("failed", "failed"),
                            ("bounced", "bounced"),
                            ("cancelled", "no longer needed"),
                        ],
                        default="waiting",
                        max_length=12,
                        verbose_name="status",
                    ),
                ),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="due at")),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("first_failed_at", models.DateTimeField(blank=True, null=True, verbose_name="failing since")),
                ("last_error", models.CharField(blank=True, max_length=500, verbose_name="last error")),
                ("message_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "code",
                    models.CharField(
                        default=notifications.codes.make_code,
                        editable=False,
                        max_length=16,
                        unique=True,
                        verbose_name="code",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent at")),
                ("bounced_at", models.DateTimeField(blank=True, null=True, verbose_name="bounced at")),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
                "indexes": [
                    models.Index(
                        models.F("priority"),
                        models.F("due_at"),
                        condition=models.Q(("status", "waiting")),
                        name="message_due",
                    ),
                    models.Index(fields=["recipient_key"], name="message_by_recipient"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "object_id", "key"), name="message_once_per_object_and_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="OptOut",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email_key", models.CharField(max_length=254, unique=True, verbose_name="email address")),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("one_click", "one-click unsubscribe in the email app"),
                            ("page", "unsubscribe page"),
                            ("staff", "support"),
                        ],
                        max_length=16,
                        verbose_name="source",
                    ),
                ),
                ("since", models.DateTimeField(default=django.utils.timezone.now, verbose_name="since")),
            ],
            options={
                "verbose_name": "unsubscribed address",
                "verbose_name_plural": "unsubscribed addresses",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("email_key", ""), _negated=True), name="opt_out_has_an_address"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="FollowUp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=64, verbose_name="kind")),
                ("object_id", models.BigIntegerField()),
                ("key", models.CharField(blank=True, max_length=128)),
                ("order_id", models.BigIntegerField(blank=True, db_index=True, null=True)),
                ("recipient", models.EmailField(max_length=254, verbose_name="recipient")),
                (
                    "recipient_key",
                    notifications.addresses.EmailKeyField(
                        blank=True, default="", editable=False, max_length=254, of="recipient"
                    ),
                ),
                ("language", models.CharField(blank=True, max_length=16, verbose_name="language")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "scheduled"),
                            ("sent", "sent"),
                            ("cancelled", "no longer needed"),
                            ("switched_off", "unsubscribed"),
                            ("too_late", "too late"),
                        ],
                        default="planned",
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                ("due_at", models.DateTimeField(verbose_name="due at")),
                ("closes_at", models.DateTimeField(verbose_name="don’t send after")),
                ("settled_at", models.DateTimeField(blank=True, null=True, verbose_name="sent or canceled at")),
                (
                    "failed_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last failed at"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "message",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="follow_up",
                        to="notifications.message",
                        verbose_name="message",
                    ),
                ),
            ],
            options={
                "verbose_name": "follow-up",
                "verbose_name_plural": "follow-ups",
                "indexes": [
                    models.Index(condition=models.Q(("status", "planned")), fields=["due_at"], name="follow_up_due"),
                    models.Index(fields=["recipient_key"], name="follow_up_by_recipient"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "object_id", "key"), name="follow_up_once_per_object_and_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("closes_at__gt", models.F("due_at"))), name="follow_up_has_a_window"
                    ),
                ],
            },
        ),
    ]
