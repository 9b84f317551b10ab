import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("intake", "0001_initial"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="storeevent",
            options={
                "default_permissions": ("view",),
                "permissions": [
                    ("retry_storeevent", "Can retry store events"),
                    ("read_storeevent", "Can read the content of store events"),
                ],
                "verbose_name": "store event",
                "verbose_name_plural": "store events",
            },
        ),
        migrations.AlterField(
            model_name="importrun",
            name="updated_at",
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name="last saved at"),
        ),
        migrations.AlterField(
            model_name="storeevent",
            name="event_id",
            field=models.CharField(max_length=255, verbose_name="event ID"),
        ),
        migrations.AlterField(
            model_name="storeevent",
            name="kind",
            field=models.CharField(blank=True, max_length=100, verbose_name="event type"),
        ),
        migrations.AlterField(
            model_name="storeevent",
            name="next_try_at",
            field=models.DateTimeField(default=django.utils.timezone.now, null=True, verbose_name="next attempt"),
        ),
        migrations.AlterField(
            model_name="storeevent",
            name="tries",
            field=models.PositiveIntegerField(default=0, verbose_name="attempts"),
        ),
        migrations.AlterField(
            model_name="storeevent",
            name="verdict",
            field=models.CharField(
                choices=[
                    ("waiting", "waiting"),
                    ("taken", "processed"),
                    ("rejected", "rejected"),
                    ("ignored", "ignored"),
                ],
                default="waiting",
                max_length=8,
                verbose_name="result",
            ),
        ),
        migrations.AlterField(
            model_name="storeevent",
            name="word",
            field=models.CharField(blank=True, max_length=64, verbose_name="value"),
        ),
        migrations.AlterField(
            model_name="tablemapping",
            name="decimal_sign",
            field=models.CharField(
                blank=True,
                choices=[(",", "comma (1.234,50)"), (".", "point (1,234.50)")],
                max_length=1,
                verbose_name="decimal sign",
            ),
        ),
    ]
