"""Derive the validity of licenses from the order lines that contain them.

`recompute` updates a license's product, devices, dates and `revoked_at`. It is called wherever lines, returned units or
order statuses change. The result doesn't depend on the sequence of changes. The rules:

1. A line *counts* until its serial number has ended there: the order is canceled, refunded or charged back; all units
   of the line were returned; or the unit with this serial number was returned or swapped (`LicensedLine.unit_end`). If
   several units share a serial number, it ends with the last of them. If each unit has its own, the ones chosen by the
   buyer end. If the store didn't say which, those that were never activated end, newest first. One in use is never
   guessed: it ends when all units were returned.
2. Stores may keep serial numbers valid after a refund. Then only a swap ends one (`LicensedLine.ends_with_refund`, set
   by `refunds` from the policy at the purchase). A pending order counts, because the store has already issued the
   number.
3. A license is revoked if no line counts. The exception is a license of which only renewals and upgrades are known: it
   was bought elsewhere, so it stays valid, without the data of the refunded lines. A line that counts again, for
   example after a won dispute or a paid renewal, makes it valid again.
4. Product and devices are those of the latest line that counts. A refunded upgrade falls back to the line before it.
   Without a product, the longest prefix of the serial number decides.
5. A new license is valid until its line's date. A renewal or upgrade adds the time between its own date and the date of
   the line before it (or its purchase, if that is later). Together, this is the date of the latest line. If an earlier
   line doesn't count, the added times are joined end to end, each from its purchase at the earliest: a refunded renewal
   removes only its own time, and a renewal whose original was refunded keeps exactly its own.
6. If no line counts, the values are those of all lines together, for pages that show an ended license.
7. Staff take precedence: their decision (`License.staff_decision`) determines whether a license is valid, and their
   date (`License.staff_expires_on`) is used if it is later.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from licenses.models import EndReason, License, LicensedLine, SerialPrefix, end_reason
from licenses.models.missing import RENEWING_KINDS

# The latest lines of a license that are considered. Real licenses have few; a placeholder may be on every order.
MAX_LINES = 200
DERIVED_FIELDS = ("product_id", "devices", "starts_on", "expires_on", "revoked_at")


@dataclass(frozen=True)
class LineTerms:
    """One order line's data about a license."""

    is_extension: bool  # a renewal or upgrade
    placed_on: date  # in the store's time zone
    product_id: int | None = None
    devices: int | None = None
    starts_on: date | None = None
    expires_on: date | None = None
    counts: bool = True


@dataclass(frozen=True)
class Worth:
    """The validity and properties of a license, derived from its lines."""

    is_valid: bool
    product_id: int | None = None
    devices: int | None = None
    starts_on: date | None = None
    expires_on: date | None = None


def recompute(license_ids: Collection[int], at: datetime | None = None) -> None:
    """Update these licenses from their order lines. `at` is when a license is revoked, by default now.

    Licenses without order lines keep their values, except for decisions of staff. Makes three queries, and one more if
    a license changed.
    """
    if not license_ids:
        return
    with transaction.atomic():
        licenses = lock_licenses(license_ids)
        terms = _load_terms(license_ids)
        prefixes = dict(SerialPrefix.objects.values_list("prefix", "product_id"))
        changed = []
        for license in licenses:
            before = [getattr(license, name) for name in DERIVED_FIELDS]
            _apply(license, terms.get(license.pk, ()), prefixes, at or timezone.now())
            if [getattr(license, name) for name in DERIVED_FIELDS] != before:
                changed.append(license)
        if changed:
            _write(changed)


def lock_licenses(license_ids: Collection[int]) -> list[License]:
    """Lock licenses until the transaction ends. Orders are locked before licenses, everywhere."""
    locked = License.objects.select_for_update(of=("self",), no_key=True)
    return list(locked.filter(pk__in=license_ids).order_by("pk"))


def derive(lines: Sequence[LineTerms]) -> Worth:
    """Derive the validity of a license with these lines. `lines` are sorted by purchase, and not empty."""
    counting = [line for line in lines if line.counts]
    is_valid = bool(counting) or all(line.is_extension for line in lines)
    if not counting and not is_valid:  # ended: show what it was
        lines = counting = [replace(line, counts=True) for line in lines]
    starts_on, expires_on = _dates(lines)
    return Worth(
        is_valid,
        product_id=next((line.product_id for line in reversed(counting) if line.product_id is not None), None),
        devices=next((line.devices for line in reversed(counting) if line.devices is not None), None),
        starts_on=starts_on,
        expires_on=expires_on,
    )


def _dates(lines: Iterable[LineTerms]) -> tuple[date | None, date | None]:
    """The first and last day, by rule 5."""
    starts_on: date | None = None
    expires_on: date | None = None
    said_until: date | None = None  # the date of the previous line, whether it counts or not
    all_count = True
    for line in lines:
        if line.counts:
            starts_on = line.starts_on or starts_on
        if line.expires_on is None:
            continue
        if not line.counts:
            all_count = False
        elif all_count or not line.is_extension:
            expires_on, all_count = line.expires_on, True
        else:
            begins_on = _latest(expires_on, line.placed_on)
            added = line.expires_on - _latest(said_until, line.placed_on, line.starts_on)
            expires_on = begins_on + max(added, timedelta(0))
            starts_on = min(starts_on, begins_on) if starts_on else None
        said_until = line.expires_on
    if starts_on and expires_on and starts_on > expires_on:
        starts_on = None
    return starts_on, expires_on


def _latest(*days: date | None) -> date:
    return max(day for day in days if day is not None)


def product_by_prefix(serial_key: str, prefixes: Mapping[str, int]) -> int | None:
    """The id of the product with the longest prefix of this serial number."""
    matching = [prefix for prefix in prefixes if serial_key.startswith(prefix)]
    return prefixes[max(matching, key=len)] if matching else None


def _apply(license: License, lines: Sequence[LineTerms], prefixes: dict[str, int], at: datetime) -> None:
    is_valid = license.revoked_at is None
    if lines:
        worth = derive(lines)
        is_valid = worth.is_valid
        license.product_id = worth.product_id or product_by_prefix(license.serial_key, prefixes)
        license.devices, license.starts_on, license.expires_on = worth.devices, worth.starts_on, worth.expires_on
    if license.staff_expires_on and (license.expires_on is None or license.expires_on < license.staff_expires_on):
        license.expires_on = license.staff_expires_on
    if license.starts_on and license.expires_on and license.starts_on > license.expires_on:
        license.starts_on = None
    if license.staff_decision:
        is_valid = license.staff_decision == License.StaffDecision.VALID
    license.revoked_at = None if is_valid else license.revoked_at or at


# Not `bulk_update`: its CASE for each row takes longer than everything else here.
_UPDATE = """
UPDATE licenses_license AS license SET product_id = derived.product_id, devices = derived.devices,
    starts_on = derived.starts_on, expires_on = derived.expires_on, revoked_at = derived.revoked_at
FROM unnest(%s::bigint[], %s::bigint[], %s::integer[], %s::date[], %s::date[], %s::timestamptz[])
    AS derived (id, product_id, devices, starts_on, expires_on, revoked_at)
WHERE license.id = derived.id
"""


def _write(licenses: Sequence[License]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [[getattr(license, name) for license in licenses] for name in ("pk", *DERIVED_FIELDS)])


def _load_terms(license_ids: Collection[int]) -> dict[int, list[LineTerms]]:
    """The lines of each license, earliest purchase first, and new licenses before their extensions."""
    terms: dict[int, list[LineTerms]] = {}
    latest_first = Window(
        RowNumber(), partition_by="license_id", order_by=[F("order__placed_at").desc(), F("pk").desc()]
    )
    links = (
        LicensedLine.objects.filter(license_id__in=license_ids)
        .annotate(age=latest_first)
        .filter(age__lte=MAX_LINES)
        .select_related("line", "order__store")
        .only(
            "line",
            "order",
            "order__store",
            "license_id",
            "product_id",
            "devices",
            "starts_on",
            "expires_on",
            "unit_end",
            "ends_with_refund",
            "line__kind",
            "line__quantity",
            "line__quantity_returned",
            "order__status",
            "order__placed_at",
            "order__store__time_zone",
        )
    )
    for link in sorted(links, key=lambda link: (link.order.placed_at, link.line.kind in RENEWING_KINDS, link.pk)):
        terms.setdefault(link.license_id, []).append(
            LineTerms(
                is_extension=link.line.kind in RENEWING_KINDS,
                placed_on=link.order.placed_at.astimezone(link.order.store.tzinfo).date(),
                product_id=link.product_id,
                devices=link.devices,
                starts_on=link.starts_on,
                expires_on=link.expires_on,
                counts=_counts(link),
            )
        )
    return terms


def _counts(link: LicensedLine) -> bool:
    reason = end_reason(link.order, link.line, link.unit_end)
    return reason is None or (reason is not EndReason.SWAPPED and not link.ends_with_refund)
