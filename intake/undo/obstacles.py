"""Reasons why an order can't be restored to its state before a run: later changes depend on the run.

Everything that happened since counts, except values that the portal derived. Makes a few queries for any number of
orders.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from intake.ingest.order_state import digest_query, foreign_keys_to, relations_query, verbose_name
from intake.models import Change, ImportChange, ImportedObject, ImportRun
from licenses.models import License, LicensedLine
from notifications.models import Message
from orders.models import Attempt, Order


class ObstacleCode(models.TextChoices):
    """An obstacle to undoing an order, for scripts and for the list of counts."""

    RELATED = "related", gettext_lazy("a case, message or other record refers to it")
    EMAILED = "emailed", gettext_lazy("an email about it was sent")
    OPENED = "opened", gettext_lazy("the buyer looked it up")
    LICENSE_IN_USE = "license_in_use", gettext_lazy("its serial number is in use")
    SERIAL_ASSIGNED = "serial_assigned", gettext_lazy("staff assigned a serial number")
    LATER_IMPORT = "later_import", gettext_lazy("a later import changed it")
    CHANGED = "changed", gettext_lazy("it was changed")
    REFERENCED = "referenced", gettext_lazy("the database doesn’t allow it")


@dataclass(frozen=True)
class Obstacle:
    """One obstacle. `text` is the message for staff."""

    code: ObstacleCode
    text: str


@dataclass(frozen=True)
class RecordedChange:
    """The recorded data of an order that a run created or changed."""

    order_id: int
    kind: str  # a Change
    digest: UUID | None
    relations: Mapping[str, str]  # digests of the rows of other apps before the run, by model


def find_obstacles(
    run: ImportRun, changes: Collection[RecordedChange], orders: Mapping[int, Order], *, lock: bool
) -> dict[int, list[Obstacle]]:
    """Return the obstacles of these orders. Orders without obstacles are omitted.

    `orders` are the orders by id. With `lock`, the caller has locked them, and their queued emails are locked, so that
    the result stays true until the transaction ends.
    """
    found: dict[int, list[Obstacle]] = defaultdict(list)
    for order_id, obstacle in _find(run, changes, orders, lock):
        if obstacle not in found[order_id]:
            found[order_id].append(obstacle)
    digests = _query_by_order(digest_query(), orders)
    changed = [each for each in changes if digests.get(each.order_id) != each.digest and not found.get(each.order_id)]
    later = _later_imports(run, [each.order_id for each in changed])
    for each in changed:
        if each.order_id in later:
            text = _("import %(run)d changed it") % {"run": later[each.order_id]}
            found[each.order_id] = [Obstacle(ObstacleCode.LATER_IMPORT, text)]
        else:
            found[each.order_id] = [Obstacle(ObstacleCode.CHANGED, _("it was changed since"))]
    return {order_id: obstacles for order_id, obstacles in found.items() if obstacles}


def _find(
    run: ImportRun, changes: Collection[RecordedChange], orders: Mapping[int, Order], lock: bool
) -> Iterator[tuple[int, Obstacle]]:
    yield from _related(changes, orders)
    yield from _licenses_in_use(run, orders)
    yield from _assigned_serials(run, changes)
    yield from _emails(run, orders, lock)
    yield from _lookups(run, orders)


def _related(changes: Collection[RecordedChange], orders: Mapping[int, Order]) -> Iterator[tuple[int, Obstacle]]:
    """Rows of other apps that were added, changed or deleted since the run began, and those that the run itself
    changed.
    """
    present = _query_by_order(relations_query(), orders)
    for each in changes:
        digests: dict[str, str] = json.loads(present.get(each.order_id, "{}"))  # Django leaves JSON of raw SQL as text
        for label in sorted(digests.keys() | each.relations.keys()):
            if digests.get(label) != each.relations.get(label):
                yield each.order_id, Obstacle(ObstacleCode.RELATED, verbose_name(label))


def _licenses_in_use(run: ImportRun, order_ids: Iterable[int]) -> Iterator[tuple[int, Obstacle]]:
    """Licenses that the run created, and that are used by a device or were changed by staff."""
    with connection.cursor() as cursor:
        cursor.execute(
            _licenses_in_use_query(),
            {"run": run.pk, "kind": ImportedObject.Kind.LICENSE.value, "ids": list(order_ids)},
        )
        for order_id, label in cursor.fetchall():
            yield order_id, Obstacle(ObstacleCode.LICENSE_IN_USE, verbose_name(label))


@cache
def _licenses_in_use_query() -> str:
    uses = [
        f"EXISTS (SELECT FROM {relation.related_model._meta.db_table} AS row"
        f" WHERE row.{relation.field.column} = license.id) AND '{relation.related_model._meta.label_lower}' = label"
        for relation in license_uses()
    ]
    uses.append(f"(staff_decision <> '' OR staff_expires_on IS NOT NULL) AND label = '{License._meta.label_lower}'")
    labels = sorted({relation.related_model._meta.label_lower for relation in license_uses()} | {"licenses.license"})
    values = ", ".join(f"('{label}')" for label in labels)
    return (
        "SELECT DISTINCT link.order_id, label FROM licenses_licensedline AS link"  # noqa: S608
        f" JOIN {ImportedObject._meta.db_table} AS new"
        " ON new.run_id = %(run)s AND new.kind = %(kind)s AND new.object_id = link.license_id AND new.before IS NULL"
        " JOIN licenses_license AS license ON license.id = link.license_id"
        f" CROSS JOIN (VALUES {values}) AS uses (label)"
        f" WHERE link.order_id = ANY(%(ids)s::bigint[]) AND ({' OR '.join(f'({use})' for use in uses)})"
    )


def license_uses() -> list[Any]:
    """Return the relations of models that can refer to a license, other than order lines."""
    return [relation for relation in foreign_keys_to(License) if relation.related_model is not LicensedLine]


def _assigned_serials(run: ImportRun, changes: Collection[RecordedChange]) -> Iterator[tuple[int, Obstacle]]:
    """Serial numbers that staff assigned since the run: those of a changed order that aren't among
    its previous rows.
    """
    before = (
        "SELECT FROM intake_importchange AS change, jsonb_array_elements(change.before -> 'links') AS known"
        " WHERE change.run_id = %(run)s AND change.order_id = link.order_id AND (known ->> 'id')::bigint = link.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT link.order_id FROM licenses_licensedline AS link"  # noqa: S608
            f" WHERE link.order_id = ANY(%(ids)s::bigint[]) AND link.origin = %(staff)s AND NOT EXISTS ({before})",
            {"run": run.pk, "staff": LicensedLine.Origin.STAFF.value, "ids": [each.order_id for each in changes]},
        )
        for (order_id,) in cursor.fetchall():
            yield order_id, Obstacle(ObstacleCode.SERIAL_ASSIGNED, _("staff assigned a serial number"))


def _emails(run: ImportRun, orders: Mapping[int, Order], lock: bool) -> Iterator[tuple[int, Obstacle]]:
    """Emails that were sent since the run began, or are being sent."""
    sent = Q(status__in=[Message.Status.SENT, Message.Status.BOUNCED], sent_at__gte=run.started_at)
    rows = Message.objects.filter(sent | Q(status=Message.Status.WAITING), order_id__in=list(orders)).order_by("pk")
    if lock:
        rows = rows.select_for_update()
    for order_id, status, leased_until in rows.values_list("order_id", "status", "leased_until"):
        if status != Message.Status.WAITING:
            yield order_id or 0, Obstacle(ObstacleCode.EMAILED, _("an email about it was sent"))
        elif leased_until is not None:
            yield order_id or 0, Obstacle(ObstacleCode.EMAILED, _("an email about it is being sent"))


def _lookups(run: ImportRun, orders: Mapping[int, Order]) -> Iterator[tuple[int, Obstacle]]:
    by_subject: dict[str, list[int]] = defaultdict(list)
    for order in orders.values():
        by_subject[order.number_key].append(order.pk)
        if order.email_key:
            by_subject[order.email_key].append(order.pk)
    subjects = (
        Attempt.objects.filter(subject__in=list(by_subject), outcome=Attempt.Outcome.FOUND, at__gte=run.started_at)
        .values_list("subject", flat=True)
        .distinct()
    )
    for subject in subjects:
        for order_id in by_subject[subject]:
            yield order_id, Obstacle(ObstacleCode.OPENED, _("the buyer looked it up"))


def _later_imports(run: ImportRun, order_ids: list[int]) -> dict[int, int]:
    """Return the newest other import that changed each order and was not undone, by order id."""
    rows = (
        ImportChange.objects.filter(order_id__in=order_ids, kind=Change.CHANGED, undone_at=None)
        .exclude(run_id=run.pk)
        .order_by("run_id")
    )
    return dict(rows.values_list("order_id", "run_id"))


def _query_by_order(query: str, order_ids: Iterable[int]) -> dict[int, Any]:
    """Return the results of a query from intake/ingest/order_state.py by order id."""
    with connection.cursor() as cursor:
        cursor.execute(query, {"ids": list(order_ids)})
        return dict(cursor.fetchall())
