"""Which of several schedulers starts tasks."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portal", "0001_heartbeat")]

    operations = [
        migrations.CreateModel(
            name="SchedulerLease",
            fields=[
                ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("holder", models.CharField(max_length=128)),
                ("until", models.DateTimeField()),
            ],
        ),
    ]
