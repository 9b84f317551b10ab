"""Revoke licenses and revert extensions after refunds."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from licenses.models import License, LicensedLine
from orders.models import Order

# Lines of orders in these states do not keep a license valid.
CLOSED_STATUSES = (Order.Status.CANCELLED, Order.Status.REFUNDED, Order.Status.CHARGED_BACK)


def revoke(license_ids: Iterable[int], at: datetime, *, refunded_lines: Iterable[int]) -> list[License]:
    """Revoke the licenses of refunded lines. Returns those that were newly revoked.

    A license that another line keeps valid, bought or renewed and not returned, is not revoked.
    """
    with transaction.atomic():
        licenses = list(
            License.objects.select_for_update(of=("self",))
            .filter(pk__in=license_ids, revoked_at__isnull=True)
            .order_by("pk")
        )
        still_valid = set(
            LicensedLine.objects.filter(license__in=licenses, line__quantity_returned__lt=F("line__quantity"))
            .exclude(line_id__in=refunded_lines)
            .exclude(order__status__in=CLOSED_STATUSES)
            .values_list("license_id", flat=True)
        )
        revoked = [license for license in licenses if license.pk not in still_valid]
        for license in revoked:
            license.revoked_at = at
            license.save(update_fields=["revoked_at"])
    return revoked


def revert_extensions(line_ids: Iterable[int], license_ids: Iterable[int], at: datetime) -> None:
    """Remove the time that these renewal or upgrade lines added to these licenses, and no more than that.

    Only if the previous expiry date is known. A second call changes nothing.
    """
    with transaction.atomic():
        extensions = LicensedLine.objects.filter(
            line_id__in=line_ids, license_id__in=license_ids, extended_from__isnull=False, taken_back_at__isnull=True
        ).order_by("license_id", "pk")
        for extension in extensions.select_for_update(of=("self",)):
            license = License.objects.select_for_update(of=("self",)).get(pk=extension.license_id)
            _revert_extension(license, extension)
            extension.taken_back_at = at
            extension.save(update_fields=["taken_back_at"])


def _revert_extension(license: License, extension: LicensedLine) -> None:
    if license.expires_on is None or extension.extended_from is None:
        return
    later = list(
        license.licensed_lines.filter(extended_from__gt=extension.extended_from, taken_back_at__isnull=True).order_by(
            "extended_from"
        )
    )
    # The next extension stored the expiry date that this one had set.
    ran_until = later[0].extended_from if later else license.expires_on
    assert ran_until is not None
    given = ran_until - extension.extended_from
    for each in later:
        assert each.extended_from is not None
        each.extended_from -= given
        each.save(update_fields=["extended_from"])
    license.expires_on -= given
    if license.starts_on and license.starts_on > license.expires_on:
        license.starts_on = None  # it was the start of the removed time
    license.save(update_fields=["expires_on", "starts_on"])
