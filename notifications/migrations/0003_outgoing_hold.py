"""The hold of everything outgoing after a restore."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0002_delivery_by_day"),
    ]

    operations = [
        migrations.CreateModel(
            name="OutgoingHold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("since", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "hold of everything outgoing",
                "verbose_name_plural": "holds of everything outgoing",
                "default_permissions": (),
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="only_one_outgoing_hold")],
            },
        ),
    ]
