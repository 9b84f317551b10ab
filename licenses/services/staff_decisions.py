"""Decisions of staff about a license, which take precedence over its orders."""

from datetime import date

from django.db import transaction

from licenses.models import License
from licenses.services.worth import recompute


@transaction.atomic
def decide_license(license: License, decision: str, expires_on: date | None) -> None:
    """Revoke a license, keep it valid or leave it to its orders, and optionally extend it until `expires_on`."""
    current = License.objects.select_for_update(of=("self",)).get(pk=license.pk)
    current.staff_decision = License.StaffDecision(decision)
    current.staff_expires_on = expires_on
    current.save(update_fields=["staff_decision", "staff_expires_on"])
    recompute([current.pk])
