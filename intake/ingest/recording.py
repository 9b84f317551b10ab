"""Record a run in the transaction of each batch: its counts and rejects, and the data needed to undo it.

For a new order this is its id, and for a changed one its previous rows. Both have a digest of the order after the run.
All of this is done in SQL, without loading the rows.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import F
from django.utils import timezone

from intake.feed import RawItem
from intake.ingest.order_state import digest_query, rows_query
from intake.ingest.state import Batch, LicenseState, SkuState
from intake.models import Change, ImportChange, ImportedObject, ImportFile, ImportReject, ImportRun
from intake.problems import Problem, ProblemCounts, storable
from intake.rejects_file import FileLayout, mask_item
from orders import encryption

REJECT_PURPOSE = "intake.rejects"
COUNTS = ("read", "created", "updated", "unchanged", "rejected", "skipped")
_CHANGES = ImportChange._meta.db_table
_OBJECTS = ImportedObject._meta.db_table
# License columns that are not derived from lines, or keep their value without any.
_LICENSE = "jsonb_build_object({})".format(
    ", ".join(
        f"'{name}', {name}"
        for name in ("product_id", "devices", "starts_on", "expires_on", "activated_at", "revoked_at")
    )
)
_SKU = "jsonb_build_object({})".format(
    ", ".join(f"'{name}', {name}" for name in ("product_id", "has_serials", "has_untold_kinds"))
)
_TABLES = {
    ImportedObject.Kind.LICENSE: ("licenses_license", _LICENSE),
    ImportedObject.Kind.SKU: ("licenses_sku", _SKU),
    ImportedObject.Kind.STORE: ("orders_store", "to_jsonb(orders_store)"),
}


@dataclass
class Recorder:
    """Records one file of a run."""

    run_id: int
    file: ImportFile
    layout: FileLayout

    def before_write(self, batch: Batch, also: Iterable[int]) -> "_Changes":
        """Save the rows of the orders that the batch changes. `also` are other orders that it may change."""
        changes = _Changes(self.run_id, batch, also)
        with connection.cursor() as cursor:
            changes.save_before(cursor)
        return changes

    def after_write(self, changes: "_Changes") -> None:
        """Save what the batch created, and the digests of its orders."""
        with connection.cursor() as cursor:
            changes.save_after(cursor)

    def save_new_stores(self, store_ids: Iterable[int]) -> None:
        with connection.cursor() as cursor:
            _save_left(cursor, self.run_id, ImportedObject.Kind.STORE, list(store_ids))

    def save_results(
        self,
        counts: dict[str, int],
        all_rejects: ProblemCounts,
        all_warnings: ProblemCounts,
        rejects: Sequence[tuple[RawItem, Problem]],
    ) -> None:
        """Add the results of a batch to the run. `all_rejects` and `all_warnings` are those of the run so far."""
        ImportReject.objects.bulk_create(
            [
                ImportReject(
                    run_id=self.run_id,
                    file=self.file,
                    line=item.line,
                    code=problem.code.value,
                    text=storable(problem.text),
                    word=storable(problem.word)[:200],
                    content=encryption.encrypt(
                        REJECT_PURPOSE, json.dumps(mask_item(item.raw, self.layout, problem)).encode()
                    ),
                )
                for item, problem in rejects
            ],
            batch_size=1000,
        )
        ImportRun.objects.filter(pk=self.run_id).update(
            updated_at=timezone.now(),
            reject_counts=all_rejects.as_list(),
            warnings=all_warnings.as_list(),
            **{name: F(name) + counts[name] for name in COUNTS},
        )


@dataclass
class _Changes:
    """What a batch creates and changes. Collected before the batch is written, when new rows have no id yet."""

    run_id: int
    batch: Batch
    also: Iterable[int]
    changed_orders: list[int] = field(init=False)
    new_orders: list[int] = field(init=False)
    known_licenses: list[int] = field(init=False)
    new_licenses: list[LicenseState] = field(init=False)
    changed_skus: list[int] = field(init=False)
    new_skus: list[SkuState] = field(init=False)

    def __post_init__(self) -> None:
        batch = self.batch
        orders = batch.orders.values()
        also = set(self.also)
        self.new_orders = [order.id for order in orders if order.is_new]
        recorded = [
            order for order in orders if order.is_new or order.changed or order.sources_changed or order.id in also
        ]
        self.changed_orders = [order.id for order in recorded if not order.is_new]
        linked = {
            link.license.id or 0 for order in recorded for line in order.lines.values() for link in line.links.values()
        }
        self.known_licenses = sorted((linked | batch.unlinked_licenses) - {0})
        self.new_licenses = [license for license in batch.licenses.values() if license.id is None]
        changed_skus = [*(sku for sku in batch.skus.values() if sku.changed), *batch.licensed_skus]
        self.changed_skus = list({sku.id for sku in changed_skus if sku.id is not None})
        self.new_skus = [sku for sku in batch.skus.values() if sku.id is None]

    def save_before(self, cursor: CursorWrapper) -> None:
        """Save the previous rows, unless an earlier batch of the run has created or saved them."""
        if self.changed_orders:
            cursor.execute(
                f"INSERT INTO {_CHANGES} (run_id, order_id, kind, before)"  # noqa: S608
                f" SELECT %(run)s, id, %(kind)s, rows FROM ({rows_query()}) AS known ON CONFLICT DO NOTHING",
                {"run": self.run_id, "kind": Change.CHANGED.value, "ids": self.changed_orders},
            )
        self._save_known(cursor, ImportedObject.Kind.LICENSE, self.known_licenses)
        self._save_known(cursor, ImportedObject.Kind.SKU, self.changed_skus)

    def _save_known(self, cursor: CursorWrapper, kind: ImportedObject.Kind, ids: list[int]) -> None:
        if ids:
            table, columns = _TABLES[kind]
            cursor.execute(
                f"INSERT INTO {_OBJECTS} (run_id, kind, object_id, before)"  # noqa: S608
                f" SELECT %s, %s, id, {columns} FROM {table} WHERE id = ANY(%s) ON CONFLICT DO NOTHING",
                [self.run_id, kind.value, ids],
            )

    def save_after(self, cursor: CursorWrapper) -> None:
        """Save the digests of the orders, and other new objects."""
        for kind, ids in ((Change.CREATED, self.new_orders), (Change.CHANGED, self.changed_orders)):
            if ids:
                cursor.execute(
                    f"INSERT INTO {_CHANGES} (run_id, order_id, kind, digest)"  # noqa: S608
                    f" SELECT %(run)s, id, %(kind)s, digest FROM ({digest_query()}) AS orders"
                    " ON CONFLICT (run_id, order_id) DO UPDATE SET digest = EXCLUDED.digest",
                    {"run": self.run_id, "kind": kind.value, "ids": ids},
                )
        new_licenses = [license.id for license in self.new_licenses]
        if new_licenses:
            cursor.execute(
                f"INSERT INTO {_OBJECTS} (run_id, kind, object_id) SELECT %s, %s, unnest(%s)",
                [self.run_id, ImportedObject.Kind.LICENSE.value, new_licenses],
            )
        _save_left(cursor, self.run_id, ImportedObject.Kind.LICENSE, self.known_licenses)
        skus = [*self.changed_skus, *(sku.id for sku in self.new_skus if sku.id is not None)]
        _save_left(cursor, self.run_id, ImportedObject.Kind.SKU, skus)


def _save_left(cursor: CursorWrapper, run_id: int, kind: ImportedObject.Kind, ids: list[int]) -> None:
    if ids:
        table, columns = _TABLES[kind]
        cursor.execute(
            f"INSERT INTO {_OBJECTS} (run_id, kind, object_id, after)"  # noqa: S608
            f" SELECT %s, %s, id, {columns} FROM {table} WHERE id = ANY(%s)"
            " ON CONFLICT (run_id, kind, object_id) DO UPDATE SET after = EXCLUDED.after",
            [run_id, kind.value, ids],
        )
