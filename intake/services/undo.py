"""Undo a run: delete the orders that it created, and restore those that it changed.

An order that was affected by something else since is kept, and listed with the reasons (intake/undo/obstacles.py). The
work is done in transactions of BATCH_SIZE orders, so that an undo can be interrupted and run again at any time. It
waits for imports, and holds the locks of its orders only for the duration of a batch.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.refusals import Refusal
from intake.ingest.locks import lock_imports
from intake.models import DETAILS_KEPT, Change, ImportChange, ImportRun
from intake.models.runs import try_lock_run, unlock_run
from intake.services.sku_mappings import update_restored_orders
from intake.undo.objects import DeletedObjects, undo_objects
from intake.undo.obstacles import Obstacle, ObstacleCode, RecordedChange, find_obstacles
from intake.undo.restoring import delete_orders, licenses_of, restore_orders
from licenses.models import LicensedLine
from licenses.services.serial_emails import cancel_notifications_since
from licenses.services.worth import recompute
from notifications.services import cancel_about_orders
from orders.models import Order
from refunds.services.deadlines import update_withdrawal_deadlines
from refunds.services.license_revocation import update_licenses_of_orders
from refunds.services.withdrawals import match_withdrawals

BATCH_SIZE = 500  # orders per transaction
MAX_LISTED = 1000  # kept orders listed in a report; all are counted


class RunTooOld(Refusal):
    """The data needed for an undo is deleted after DETAILS_KEPT."""

    def __init__(self) -> None:
        super().__init__(
            gettext_lazy("This import is older than %(days)d days, so it can’t be undone."),
            days=DETAILS_KEPT.days,
        )


class RunBusy(Refusal):
    """A process is importing or undoing the run."""

    def __init__(self) -> None:
        super().__init__(gettext_lazy("This import is still running or being undone. Try again later."))


@dataclass(frozen=True)
class KeptOrder:
    """An order that could not be undone."""

    order_id: int
    store: str  # short name
    number: str
    obstacles: tuple[Obstacle, ...]


@dataclass
class UndoReport:
    """What an undo did or, for a dry run, would do."""

    deleted: int = 0  # orders
    restored: int = 0
    kept: int = 0
    listed: list[KeptOrder] = field(default_factory=list)  # at most MAX_LISTED of the kept ones
    reasons: Counter[str] = field(default_factory=Counter)  # kept orders by ObstacleCode
    canceled_emails: int = 0
    objects: DeletedObjects = field(default_factory=DeletedObjects)
    was_undone: bool = False  # undone by an earlier call
    is_complete: bool = True  # false if time ran out before all orders were checked

    @property
    def looked_at(self) -> int:
        return self.deleted + self.restored + self.kept


def request_undo(run: ImportRun, by: str) -> None:
    """Let a worker undo the run, or the rest of it. `by` is the name of the user."""
    ImportRun.objects.filter(pk=run.pk).update(undo_requested_at=timezone.now(), undone_by_name=by[:150])


def undo_requested(until: datetime) -> None:
    """Undo the runs with a requested undo, until this time. Can be called again to continue."""
    for run in ImportRun.objects.exclude(undo_requested_at=None).order_by("undo_requested_at"):
        try:
            undo_run(run, by=run.undone_by_name, until=until)
        except RunBusy:
            continue
        except RunTooOld:
            ImportRun.objects.filter(pk=run.pk).update(undo_requested_at=None)
        if timezone.now() >= until:
            return


def undo_run(
    run: ImportRun,
    *,
    by: str = "",
    dry_run: bool = False,
    until: datetime | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> UndoReport:
    """Undo a run, or report what that would do. Repeating it changes nothing, unless an obstacle is gone.

    `by` is the name of the user. At `until` it stops after the current batch; call it again to continue. `on_progress`
    gets the number of orders processed so far, and the total. Raises RunTooOld and RunBusy.
    """
    if run.is_too_old(timezone.now()):
        raise RunTooOld
    with _locked(run):
        run.refresh_from_db()
        if run.state == ImportRun.State.UNDONE:
            return UndoReport(was_undone=True)
        undo = _Undo(run, by, dry_run)
        total = ImportChange.objects.filter(run=run, undone_at=None).count()
        for _batch in undo.steps():
            on_progress(undo.report.looked_at, total)
            if until is not None and timezone.now() >= until:
                undo.report.is_complete = False
                return undo.report
        if not dry_run:
            undo.finish()
    return undo.report


@contextmanager
def _locked(run: ImportRun) -> Iterator[None]:
    if not try_lock_run(run.pk):
        raise RunBusy
    try:
        if run.is_imported_in_steps():
            raise RunBusy
        yield
    finally:
        unlock_run(run.pk)


@dataclass
class _Undo:
    run: ImportRun
    by: str
    dry_run: bool
    report: UndoReport = field(default_factory=UndoReport)

    def steps(self) -> Iterator[None]:
        """Undo orders, and then objects that belong to no order. Yields after each transaction."""
        if not self.dry_run:
            match_withdrawals()  # those of the last seconds are not matched with their orders yet
        last_id = 0
        while order_ids := self._next_ids(last_id):
            last_id = order_ids[-1]
            self._undo(order_ids)
            yield
        if not self.dry_run:
            yield from undo_objects(self.run, self.report.objects)

    def _next_ids(self, last_id: int) -> list[int]:
        rows = ImportChange.objects.filter(run=self.run, undone_at=None, order_id__gt=last_id).order_by("order_id")
        return list(rows.values_list("order_id", flat=True)[:BATCH_SIZE])

    def _undo(self, order_ids: list[int]) -> None:
        """Undo these orders in one transaction. If the database refuses, halve them until the order is found."""
        if self.dry_run:
            changes, orders = self._load(order_ids, lock=False)
            obstacles = find_obstacles(self.run, changes, orders, lock=False)
            self._count(changes, orders, obstacles)
            return
        try:
            with transaction.atomic():
                lock_imports()
                changes, orders = self._load(order_ids, lock=True)
                obstacles = find_obstacles(self.run, changes, orders, lock=True)
                canceled = self._apply([each for each in changes if each.order_id not in obstacles], orders)
        except IntegrityError:
            if len(order_ids) > 1:
                middle = len(order_ids) // 2
                self._undo(order_ids[:middle])
                self._undo(order_ids[middle:])
                return
            changes, orders = self._load(order_ids, lock=False)
            refused = Obstacle(ObstacleCode.REFERENCED, _("something in the database refers to it"))
            obstacles, canceled = {order_ids[0]: [refused]}, 0
        self.report.canceled_emails += canceled
        self._count(changes, orders, obstacles)

    def _load(self, order_ids: list[int], *, lock: bool) -> tuple[list[RecordedChange], dict[int, Order]]:
        """Load the recorded changes of these orders, and the orders that still exist."""
        rows = Order.objects.filter(pk__in=order_ids).order_by("pk").select_related("store")
        columns = rows.only("number", "number_key", "email_key", "store__slug")
        orders = {order.pk: order for order in (columns.select_for_update(of=("self",)) if lock else columns)}
        recorded = ImportChange.objects.filter(run=self.run, undone_at=None, order_id__in=order_ids)
        changes = [
            RecordedChange(order_id, kind, digest, relations or {})
            for order_id, kind, digest, relations in recorded.values_list(
                "order_id", "kind", "digest", "before__relations"
            )
        ]
        return [each for each in changes if each.order_id in orders or not lock], orders

    def _apply(self, changes: list[RecordedChange], orders: dict[int, Order]) -> int:
        """Undo these changes. Returns the number of canceled emails."""
        created = [each.order_id for each in changes if each.kind == Change.CREATED]
        changed = [each.order_id for each in changes if each.kind == Change.CHANGED]
        licenses = licenses_of(self.run.pk, [*created, *changed])
        canceled = cancel_about_orders(created) + cancel_notifications_since(changed, self.run.started_at)
        delete_orders(created)
        restore_orders(self.run.pk, changed)
        update_withdrawal_deadlines(changed)
        update_restored_orders(changed)
        update_licenses_of_orders(changed)
        recompute(licenses - set(LicensedLine.objects.filter(order__in=changed).values_list("license_id", flat=True)))
        ImportChange.objects.filter(run=self.run, order_id__in=[*created, *changed]).update(undone_at=Now())
        if created or changed:
            ImportRun.objects.filter(pk=self.run.pk).update(
                state=ImportRun.State.PARTLY_UNDONE,
                orders_deleted=F("orders_deleted") + len(created),
                orders_restored=F("orders_restored") + len(changed),
                undone_at=Now(),
                undone_by_name=self.by[:150],
            )
        return canceled

    def _count(
        self, changes: list[RecordedChange], orders: dict[int, Order], obstacles: dict[int, list[Obstacle]]
    ) -> None:
        for each in changes:
            if each.order_id not in orders:
                continue
            if each.order_id in obstacles:
                self._keep(orders[each.order_id], obstacles[each.order_id])
            elif each.kind == Change.CREATED:
                self.report.deleted += 1
            else:
                self.report.restored += 1

    def _keep(self, order: Order, obstacles: list[Obstacle]) -> None:
        self.report.kept += 1
        self.report.reasons.update({obstacle.code.value for obstacle in obstacles})
        if len(self.report.listed) < MAX_LISTED:
            self.report.listed.append(KeptOrder(order.pk, order.store.slug, order.number, tuple(obstacles)))

    def finish(self) -> None:
        """Set the state of the run, after everything was processed."""
        changes: dict[str, Any] = {"undo_requested_at": None}
        if not self.report.kept:
            # The remaining ones are orders that no longer exist.
            ImportChange.objects.filter(run=self.run, undone_at=None).update(undone_at=Now())
            changes |= {"state": ImportRun.State.UNDONE, "undone_at": Now(), "undone_by_name": self.by[:150]}
        ImportRun.objects.filter(pk=self.run.pk).update(**changes)
        self.run.refresh_from_db()
