"""Erases the data of a person from devices and downloads.

Serial numbers stay with their orders: what a customer is entitled to, renewals, and later refunds or chargebacks depend
on them. Without the person, a serial number says only that it was sold.
"""

from collections.abc import Collection

from django.db.models import Exists, OuterRef, Q, QuerySet

from licenses.models import Device, Download, License, LicensedLine


def erased_licenses(license_ids: Collection[int]) -> set[int]:
    """Return those of these licenses that have orders, all of which were erased. Makes one query."""
    lines = LicensedLine.objects.filter(license=OuterRef("pk"))
    licenses = License.objects.filter(
        Exists(lines), ~Exists(lines.filter(order__erased_at__isnull=True)), pk__in=license_ids
    )
    return set(licenses.values_list("pk", flat=True))


def erase_licenses(order_ids: Collection[int]) -> dict[str, int]:
    """Erase the names of the devices of these erased orders, and the downloads. Call it after the orders are erased.

    Devices of a license that also belongs to the order of someone else are kept. The vendor's id of a device stays, so
    that it isn't counted twice. Returns how many rows of which model.
    """
    licenses = erased_licenses(list(_license_ids(order_ids)))
    # Locked in the same sequence as by the events of activation servers.
    list(License.objects.filter(pk__in=licenses).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    named = Device.objects.filter(license__in=licenses).exclude(name="", platform="")
    return {
        "licenses.Device": named.update(name="", platform="", described_at=None),
        "licenses.Download": Download.objects.filter(order__in=order_ids).delete()[0],
    }


def _license_ids(order_ids: Collection[int]) -> QuerySet[LicensedLine, int]:
    return LicensedLine.objects.filter(order__in=order_ids).values_list("license_id", flat=True)


def licenses_of(order_ids: Collection[int]) -> QuerySet[License]:
    return License.objects.filter(pk__in=_license_ids(order_ids))


def devices_of(order_ids: Collection[int]) -> QuerySet[Device]:
    """Return the devices of the licenses of these orders, except licenses that also belong to orders of others."""
    others = LicensedLine.objects.filter(~Q(order__in=order_ids), license=OuterRef("license"))
    return Device.objects.filter(~Exists(others), license__in=_license_ids(order_ids))
