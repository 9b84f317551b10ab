"""Check and import an upload in steps that fit into a task, for files of any size.

A step skips the items of earlier steps, and works for a limited time. Each batch and the counts of its run are one
transaction, so nothing is lost if a worker is killed: the next step continues after the last batch.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from threading import Lock
from typing import Any

from django.utils import timezone

from intake.feed import FeedContext, RawItem
from intake.format_detection import ImportSource
from intake.ingest.dry_run import DryRun
from intake.ingest.items import Counts
from intake.ingest.recording import COUNTS, Recorder
from intake.ingest.run import Import
from intake.models import ImportRun
from intake.problems import Problem, ProblemCode, ProblemCounts, storable
from intake.records import NO_CURRENCY, OrderRecord, OrderUpdate
from intake.services.imports import finish_run, layout_of, locked_run
from orders.card_numbers import mask_card_numbers

UNFINISHED = (ImportRun.State.RUNNING, ImportRun.State.INTERRUPTED)
MAX_LISTED = 20  # rejected rows and unknown words that a preview lists


class TimedItems:
    """The items of a file after the first `skip`, for `duration` from the first of them on."""

    def __init__(self, items: Iterator[RawItem], skip: int, duration: timedelta) -> None:
        self._items = islice(items, skip, None)
        self._duration = duration
        self._ends_at = None if duration else timezone.now()
        self.are_all_read = False

    def __iter__(self) -> Iterator[RawItem]:
        return self

    def __next__(self) -> RawItem:
        if self._ends_at is not None and timezone.now() >= self._ends_at:
            raise StopIteration
        try:
            item = next(self._items)
        except StopIteration:
            self.are_all_read = True
            raise
        if self._ends_at is None:
            self._ends_at = timezone.now() + self._duration  # the time for skipping doesn't count
        return item


class RunEnded(Exception):
    """The run was undone in the meantime, so nothing more of its file may be imported."""


def import_step(run: ImportRun, import_source: ImportSource, duration: timedelta) -> bool:
    """Import more of a run's only file, and return whether it is complete. Raises RunEnded."""
    file = run.files.get()
    context = import_source.context
    items = TimedItems(import_source.feed.read_items(import_source.source, context), run.read, duration)
    with locked_run(run):
        if not ImportRun.objects.filter(pk=run.pk, state__in=UNFINISHED, read=run.read).exists():
            raise RunEnded
        importer = Import(
            import_source.feed,
            context,
            on_rejected=lambda item, problem: None,
            recorder=Recorder(run.pk, file, layout_of(import_source)),
            rejects=ProblemCounts.from_list(run.reject_counts),
            warnings=ProblemCounts.from_list(run.warnings),
        )
        try:
            importer.run(items)
        finally:
            import_source.source.close()
        if items.are_all_read:
            finish_run(run, ImportRun.State.FINISHED)
    return items.are_all_read


@dataclass
class OrderSum:
    """The number of orders with a currency and status, and their sum (a decimal number)."""

    currency: str
    status: str
    count: int = 0
    total: str = "0"


@dataclass
class Preview:
    """What importing a file would do, as far as it has been checked. Stored as JSON."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    skipped: int = 0
    sums: list[dict[str, Any]] = field(default_factory=list)  # of OrderSum
    rejects: list[dict[str, Any]] = field(default_factory=list)  # as ProblemCounts lists them
    warnings: list[dict[str, Any]] = field(default_factory=list)
    first_rejects: list[dict[str, Any]] = field(default_factory=list)  # {"line", "text"}
    unknown_statuses: list[str] = field(default_factory=list)
    is_complete: bool = False

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Preview":
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def check_step(import_source: ImportSource, preview: Preview, duration: timedelta) -> None:
    """Check more of a file with a dry run, and add the results to the preview.

    Orders that are in the file twice, in different steps, count twice.
    """
    sums = _Sums(import_source, preview)
    feed = replace(import_source.feed, parse_item=sums.parse_item)
    context = import_source.context
    items = TimedItems(feed.read_items(import_source.source, context), preview.read, duration)

    def on_rejected(item: RawItem, problem: Problem) -> None:
        sums.take_off(item)
        if problem.code == ProblemCode.UNKNOWN_STATUS and problem.word not in preview.unknown_statuses:
            preview.unknown_statuses = [*preview.unknown_statuses, storable(problem.word)][:MAX_LISTED]
        if len(preview.first_rejects) < MAX_LISTED:
            preview.first_rejects.append({"line": item.line, "text": storable(problem.text)})

    try:
        with DryRun() as pretended:
            importer = Import(
                feed,
                context,
                on_rejected,
                counts=Counts(**{name: getattr(preview, name) for name in COUNTS}),
                rejects=ProblemCounts.from_list(preview.rejects),
                warnings=ProblemCounts.from_list(preview.warnings),
                dry_run=pretended,
            )
            importer.run(items)
    finally:
        import_source.source.close()
    for name in COUNTS:
        setattr(preview, name, getattr(importer.counts, name))
    preview.rejects, preview.warnings = importer.rejects.as_list(), importer.warnings.as_list()
    preview.sums = sums.as_list()
    preview.is_complete = items.are_all_read


class _Sums:
    """Adds up the orders of a file by currency and status, while an import parses them in two threads."""

    def __init__(self, import_source: ImportSource, preview: Preview) -> None:
        self._parse = import_source.feed.parse_item
        self._context = import_source.context
        self._lock = Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._totals: dict[tuple[str, str], Decimal] = {}
        for stored in preview.sums:
            key = (stored["currency"], stored["status"])
            self._counts[key], self._totals[key] = stored["count"], Decimal(stored["total"])

    def parse_item(self, item: RawItem, context: FeedContext) -> OrderRecord:
        record = self._parse(item, context)
        self._add(record, 1)
        return record

    def take_off(self, item: RawItem) -> None:
        """Subtract an item that was rejected, if it could be parsed."""
        if item.problem:
            return
        try:
            record = self._parse(item, self._context)
        except Exception:  # it was not counted; the import has reported why
            return
        self._add(record, -1)

    def _add(self, record: OrderRecord, count: int) -> None:
        if isinstance(record, OrderUpdate):
            return
        currency = "" if record.currency == NO_CURRENCY else record.currency
        key = (currency, str(record.status) if "status" in record.model_fields_set else "")
        total = record.totals.total if record.totals and record.totals.total is not None else Decimal(0)
        with self._lock:
            self._counts[key] += count
            self._totals[key] = self._totals.get(key, Decimal(0)) + total * count

    def as_list(self) -> list[dict[str, Any]]:
        return [
            asdict(OrderSum(mask_card_numbers(currency), status, count, str(self._totals[currency, status])))
            for (currency, status), count in sorted(self._counts.items())
            if count
        ]
