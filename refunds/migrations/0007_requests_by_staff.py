"""Indexes of requests by the staff who work on them and who approved them first."""

from django.db import migrations

from online_migrations.operations import IndexForeignKey

REQUESTS = ("cashbackclaim", "return", "swap", "withdrawal")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("refunds", "0006_tags_of_requests"),
    ]

    operations = [
        IndexForeignKey(model_name=request, name=name)
        for request in REQUESTS
        for name in ("assigned_to", "first_approved_by")
    ]
