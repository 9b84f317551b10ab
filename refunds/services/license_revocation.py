"""Update the validity of licenses when orders change.

The rules are in licenses/services/worth.py. This module decides what only `refunds` knows: whether the store's policy
ends licenses with a refund, and the serial numbers of which units were returned or swapped.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import groupby

from django.db import transaction
from django.db.models import Q

from licenses.models import LicensedLine
from licenses.models.licenses import CLOSED_STATUSES
from licenses.services.worth import lock_licenses, recompute
from orders.models import Order
from refunds.models import Return, ReturnLine, Swap
from refunds.policy import StorePolicies

UnitEnd = LicensedLine.UnitEnd


def update_licenses(order: Order, at: datetime | None = None) -> None:
    """Recalculate the licenses of an order, after its status, its refunds or its units changed."""
    update_licenses_of_orders([order.pk], at)


def update_licenses_of_orders(order_ids: Collection[int], at: datetime | None = None) -> None:
    """Recalculate the licenses of these orders. Makes a fixed number of queries for any number of orders."""
    of_orders = LicensedLine.objects.filter(order_id__in=order_ids)
    license_ids = set(of_orders.values_list("license_id", flat=True))
    if not license_ids:
        return
    with transaction.atomic():
        # Locked first, because the same license may be on another order that is being changed.
        lock_licenses(license_ids)
        _update_ends_with_refund(license_ids)
        links = of_orders.select_related("line", "order", "license").order_by("line_id", "pk")
        _update_unit_ends(links, order_ids)
        recompute(license_ids, at)


def _update_ends_with_refund(license_ids: Collection[int]) -> None:
    """Store the policies of the orders with these licenses, if units were returned or the order is closed."""
    affected = Q(line__quantity_returned__gt=0) | Q(order__status__in=CLOSED_STATUSES)
    rows = list(
        LicensedLine.objects.filter(affected, license_id__in=license_ids).values_list(
            "pk", "ends_with_refund", "order__store_id", "order__placed_at"
        )
    )
    policies = StorePolicies({store_id for _pk, _known, store_id, _placed_at in rows})
    changed: dict[bool, list[int]] = {True: [], False: []}
    for pk, known, store_id, placed_at in rows:
        revokes = policies.in_force_at(store_id, placed_at).policy.revokes_serials
        if known != revokes:
            changed[revokes].append(pk)
    for revokes, ids in changed.items():
        if ids:
            LicensedLine.objects.filter(pk__in=ids).update(ends_with_refund=revokes)


def _update_unit_ends(links: Iterable[LicensedLine], order_ids: Collection[int]) -> None:
    """Set which serial numbers have ended although units of their line remain."""
    returned = set(
        ReturnLine.objects.filter(
            return_case__order_id__in=order_ids,
            return_case__status=Return.Status.REFUNDED,
            licenses__isnull=False,
        ).values_list("line_id", "licenses")
    )
    swaps = list(
        Swap.objects.filter(order_id__in=order_ids, status=Swap.Status.SWAPPED).values_list("line_id", "new_license")
    )
    changed = []
    for line_id, of_line in groupby(links, key=lambda link: link.line_id):
        line_links = list(of_line)
        new_licenses = {license_id for swapped_line, license_id in swaps if swapped_line == line_id}
        swapped_units = sum(swapped_line == line_id for swapped_line, _license in swaps)
        swapped = _swapped_links(line_links, new_licenses, swapped_units, returned)
        remaining = [link for link in line_links if link not in swapped]
        ended = _returned_links(remaining, returned)
        for link in line_links:
            end = UnitEnd.SWAPPED if link in swapped else UnitEnd.RETURNED if link in ended else UnitEnd.NONE
            if link.unit_end != end:
                link.unit_end = end
                changed.append(link)
    LicensedLine.objects.bulk_update(changed, ["unit_end"])


def _returned_links(links: list[LicensedLine], returned: set[tuple[int, int]]) -> list[LicensedLine]:
    """Return the serial numbers of returned units, if each unit has its own. Shared ones end with the last unit.

    Those chosen by the buyer come first. If the store didn't say which, those that have already ended stay ended,
    followed by the newest of those that were never activated. Nothing else is guessed.
    """
    if not links or len(links) < links[0].line.quantity:
        return []
    chosen = {link.pk for link in links if (link.line_id, link.license_id) in returned}
    candidates = [
        link
        for link in links
        if link.pk in chosen or link.unit_end == UnitEnd.RETURNED or link.license.activated_at is None
    ]
    candidates.sort(key=lambda link: (link.pk not in chosen, link.unit_end != UnitEnd.RETURNED, -link.pk))
    return candidates[: links[0].line.quantity_returned]


def _swapped_links(
    links: list[LicensedLine], new_licenses: Collection[int], swapped_units: int, returned: set[tuple[int, int]]
) -> list[LicensedLine]:
    """Return the serial numbers that were replaced in swaps: as many as the line has in excess of its units.

    It is unknown which of several was swapped. Those that have already ended stay ended, followed by those that were
    never activated, oldest first. A number that was assigned in a swap is only replaced by a later swap.
    """
    surplus = min(len(links) - links[0].line.quantity, swapped_units)
    candidates = sorted(
        links,
        key=lambda link: (
            link.unit_end != UnitEnd.SWAPPED,
            (link.line_id, link.license_id) in returned,
            link.license_id in new_licenses,
            link.license.activated_at is not None,
            link.pk,
        ),
    )
    return candidates[: max(surplus, 0)]
