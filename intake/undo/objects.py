"""Undo a run's changes to licenses, SKUs and stores, after its orders were undone.

Objects that the run created are deleted if nothing uses them. Objects that it changed are restored if they weren't
changed since. Anything that can't be undone yet stays recorded, and is tried again by the next undo of the run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from django.db import connection, models, transaction
from django.db.models.functions import Now

from intake.ingest.locks import lock_imports
from intake.ingest.order_state import foreign_keys_to
from intake.models import ImportChange, ImportedObject, ImportRun, StatusMeaning
from intake.undo.obstacles import license_uses
from intake.undo.restoring import same_columns
from licenses.models import LicensedLine, Sku
from licenses.services.activations import keep_earliest_use
from licenses.services.worth import lock_licenses, recompute
from orders.models import Order, Store
from refunds.services.license_revocation import update_licenses_of_orders

CHUNK_SIZE = 1000

Kind = ImportedObject.Kind
_OBJECTS = ImportedObject._meta.db_table
_CHANGES = ImportChange._meta.db_table


@dataclass
class DeletedObjects:
    """How many licenses, SKUs and stores were deleted."""

    licenses: int = 0
    skus: int = 0
    stores: int = 0


def undo_objects(run: ImportRun, deleted: DeletedObjects) -> Iterator[None]:
    """Undo what is possible, in transactions of CHUNK_SIZE objects, and count it in `deleted`. Yields after each."""
    for ids in _chunks(run, Kind.LICENSE):
        with transaction.atomic():
            lock_imports()
            deleted.licenses += _undo_licenses(run, ids)
        yield
    for ids in _chunks(run, Kind.SKU):
        with transaction.atomic():
            lock_imports()
            deleted.skus += _undo_skus(run, ids)
        yield
    for ids in _chunks(run, Kind.STORE):
        with transaction.atomic():
            lock_imports()
            deleted.stores += _undo_stores(run, ids)
        yield


def _chunks(run: ImportRun, kind: ImportedObject.Kind) -> Iterator[list[int]]:
    rows = ImportedObject.objects.filter(run=run, kind=kind, undone_at=None).order_by("object_id")
    last_id = 0
    while ids := list(rows.filter(object_id__gt=last_id).values_list("object_id", flat=True)[:CHUNK_SIZE]):
        last_id = ids[-1]
        yield ids


def _execute(sql: str, run: ImportRun, kind: ImportedObject.Kind, ids: Sequence[int]) -> list[int]:
    """Run a statement that returns ids."""
    with connection.cursor() as cursor:
        cursor.execute(sql, {"run": run.pk, "kind": kind.value, "ids": list(ids)})
        return [object_id for (object_id,) in cursor.fetchall()]


def _mark(run: ImportRun, kind: ImportedObject.Kind, ids: Sequence[int]) -> None:
    ImportedObject.objects.filter(run=run, kind=kind, object_id__in=ids).update(undone_at=Now())


def _unused(table: str, relations: Sequence[models.ForeignObjectRel]) -> str:
    """Return the condition that no row refers to a row of this table."""
    uses = [
        f"NOT EXISTS (SELECT FROM {relation.related_model._meta.db_table} AS row"
        f" WHERE row.{relation.field.column} = {table}.id)"
        for relation in relations
    ]
    return " AND ".join(uses) or "true"


# --- Licenses -----------------------------------------------------------------------------------------------


# Licenses on a changed order that could not be undone keep the run's values.
_NOT_ON_KEPT_ORDERS = f"""
SELECT object_id FROM {_OBJECTS} AS object
WHERE run_id = %(run)s AND kind = %(kind)s AND object_id = ANY(%(ids)s::bigint[]) AND before IS NOT NULL
AND NOT EXISTS (
    SELECT FROM licenses_licensedline AS link
    JOIN {_CHANGES} AS change ON change.run_id = %(run)s AND change.order_id = link.order_id
    WHERE link.license_id = object.object_id AND change.undone_at IS NULL
)
"""  # noqa: S608

_OF_OBJECT = f"""
FROM {_OBJECTS} AS object WHERE run_id = %(run)s AND kind = %(kind)s AND object_id = ANY(%(ids)s::bigint[])
"""

_RESTORE_ACTIVATION = f"""
UPDATE licenses_license SET activated_at = (before ->> 'activated_at')::timestamptz {_OF_OBJECT}
AND licenses_license.id = object_id
AND activated_at IS NOT DISTINCT FROM (after ->> 'activated_at')::timestamptz
AND activated_at IS DISTINCT FROM (before ->> 'activated_at')::timestamptz
RETURNING licenses_license.id
"""  # noqa: S608

# The revocation date of a license that is revoked again is kept.
_RESTORE_REVOCATION = f"""
UPDATE licenses_license SET revoked_at = (before ->> 'revoked_at')::timestamptz {_OF_OBJECT}
AND licenses_license.id = object_id AND staff_decision = '' AND revoked_at IS NOT NULL
AND before ->> 'revoked_at' IS NOT NULL
RETURNING licenses_license.id
"""  # noqa: S608

# Without lines, these columns are not derived.
_RESTORE_WITHOUT_LINES = f"""
UPDATE licenses_license SET
    product_id = (SELECT id FROM licenses_product WHERE id = (before ->> 'product_id')::bigint),
    devices = (before ->> 'devices')::integer,
    starts_on = (before ->> 'starts_on')::date,
    expires_on = (before ->> 'expires_on')::date,
    revoked_at = CASE WHEN staff_decision = '' THEN (before ->> 'revoked_at')::timestamptz ELSE revoked_at END
{_OF_OBJECT} AND licenses_license.id = object_id
AND NOT EXISTS (SELECT FROM licenses_licensedline AS link WHERE link.license_id = licenses_license.id)
RETURNING licenses_license.id
"""  # noqa: S608


@cache
def _delete_licenses() -> str:
    return (
        f"DELETE FROM licenses_license USING {_OBJECTS} AS object"  # noqa: S608
        " WHERE run_id = %(run)s AND kind = %(kind)s AND object_id = ANY(%(ids)s::bigint[]) AND before IS NULL"
        " AND licenses_license.id = object_id AND staff_decision = '' AND staff_expires_on IS NULL"
        " AND NOT EXISTS (SELECT FROM licenses_licensedline AS link WHERE link.license_id = licenses_license.id)"
        f" AND {_unused('licenses_license', license_uses())} RETURNING licenses_license.id"
    )


def _undo_licenses(run: ImportRun, ids: list[int]) -> int:
    known = _execute(_NOT_ON_KEPT_ORDERS, run, Kind.LICENSE, ids)
    orders = Order.objects.filter(pk__in=LicensedLine.objects.filter(license_id__in=known).values("order_id"))
    # Orders are always locked before licenses.
    list(orders.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
    lock_licenses(ids)
    deleted = _execute(_delete_licenses(), run, Kind.LICENSE, ids)
    if known:
        activated = _execute(_RESTORE_ACTIVATION, run, Kind.LICENSE, known)
        keep_earliest_use(activated)
        _execute(_RESTORE_REVOCATION, run, Kind.LICENSE, known)
        recompute(_execute(_RESTORE_WITHOUT_LINES, run, Kind.LICENSE, known))
        carriers = LicensedLine.objects.filter(license_id__in=activated).values_list("order_id", flat=True)
        update_licenses_of_orders(set(carriers))
    _mark(run, Kind.LICENSE, [*deleted, *known])
    return len(deleted)


# --- SKUs and stores ----------------------------------------------------------------------------------------

_LATER_RUN = f"""
EXISTS (
    SELECT FROM {_OBJECTS} AS later WHERE later.run_id > object.run_id AND later.kind = object.kind
    AND later.object_id = object.object_id AND later.undone_at IS NULL
)
"""

_LOCK_SKUS = f"""
SELECT licenses_sku.id FROM licenses_sku JOIN {_OBJECTS} AS object ON object_id = licenses_sku.id
WHERE run_id = %(run)s AND object.kind = %(kind)s AND object_id = ANY(%(ids)s::bigint[])
ORDER BY licenses_sku.id FOR UPDATE OF licenses_sku
"""  # noqa: S608

# A product chosen or removed by staff is kept, and so is one that was found after the run. A SKU had a serial number if
# a later import or staff added one.
_RESTORE_SKUS = f"""
UPDATE licenses_sku SET
    product_id = CASE
        WHEN product_from_staff OR product_id IS DISTINCT FROM (after ->> 'product_id')::bigint THEN product_id
        ELSE (SELECT id FROM licenses_product WHERE id = (before ->> 'product_id')::bigint) END,
    has_untold_kinds = has_untold_kinds AND ((before ->> 'has_untold_kinds')::boolean IS NOT FALSE OR {_LATER_RUN}),
    has_serials = has_serials AND ((before ->> 'has_serials')::boolean OR {_LATER_RUN} OR EXISTS (
        SELECT FROM licenses_licensedline AS link
        JOIN orders_orderline AS line ON line.id = link.line_id
        JOIN orders_order ON orders_order.id = link.order_id
        WHERE link.origin = 'staff' AND line.sku = licenses_sku.code AND orders_order.store_id = licenses_sku.store_id
    ))
FROM {_OBJECTS} AS object
WHERE run_id = %(run)s AND object.kind = %(kind)s AND object_id = ANY(%(ids)s::bigint[])
AND licenses_sku.id = object_id AND before IS NOT NULL
RETURNING licenses_sku.id
"""  # noqa: S608


@cache
def _delete_skus() -> str:
    """Delete unused SKUs that staff haven't assigned to another product or kind."""
    return (
        f"DELETE FROM licenses_sku USING {_OBJECTS} AS object"  # noqa: S608
        " WHERE run_id = %(run)s AND object.kind = %(kind)s AND object_id = ANY(%(ids)s::bigint[]) AND before IS NULL"
        " AND licenses_sku.id = object_id AND licenses_sku.kind = '' AND NOT product_from_staff"
        " AND NOT EXISTS (SELECT FROM orders_orderline AS line JOIN orders_order ON orders_order.id = line.order_id"
        " WHERE line.sku = licenses_sku.code AND orders_order.store_id = licenses_sku.store_id)"
        f" AND {_unused('licenses_sku', list(foreign_keys_to(Sku)))} RETURNING licenses_sku.id"
    )


def _undo_skus(run: ImportRun, ids: list[int]) -> int:
    _execute(_LOCK_SKUS, run, Kind.SKU, ids)
    deleted = _execute(_delete_skus(), run, Kind.SKU, ids)
    restored = _execute(_RESTORE_SKUS, run, Kind.SKU, ids)
    _mark(run, Kind.SKU, [*deleted, *restored])
    return len(deleted)


@cache
def _unused_stores() -> str:
    """Return stores without references whose settings are still the defaults. Unanswered questions don't count."""
    relations = [each for each in foreign_keys_to(Store) if each.related_model is not StatusMeaning]
    return (
        f"SELECT orders_store.id FROM orders_store JOIN {_OBJECTS} AS object ON object_id = orders_store.id"  # noqa: S608
        " WHERE run_id = %(run)s AND kind = %(kind)s AND object_id = ANY(%(ids)s::bigint[]) AND before IS NULL"
        f" AND {same_columns('orders_store', 'after')} AND {_unused('orders_store', relations)} AND NOT EXISTS"
        " (SELECT FROM intake_statusmeaning AS word WHERE word.store_id = orders_store.id AND word.meaning <> '')"
        " FOR UPDATE OF orders_store"
    )


def _undo_stores(run: ImportRun, ids: list[int]) -> int:
    unused = _execute(_unused_stores(), run, Kind.STORE, ids)
    StatusMeaning.objects.filter(store_id__in=unused).delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM orders_store WHERE id = ANY(%s)", [unused])
    _mark(run, Kind.STORE, unused)
    return len(unused)
