"""Import items in batches. Each batch is one transaction."""

import gc
import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice

from django.db import DatabaseError, DataError, IntegrityError, transaction
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from pydantic import ValidationError

from intake.feed import Feed, FeedContext, RawItem
from intake.ingest.columns import NEW_ORDER
from intake.ingest.completeness import (
    CONSTRAINTS,
    constraint_problem,
    currency_problem,
    order_warnings,
    prepare_new_order,
)
from intake.ingest.customers import add_known_addresses, find_customers_orders
from intake.ingest.dry_run import DryRun
from intake.ingest.items import (
    BatchEntry,
    ChangedItems,
    Counts,
    ItemProblem,
    MatchedRecord,
    OrderKey,
    Outcome,
    Skipped,
    UnmatchedUpdate,
    content_digest,
)
from intake.ingest.loading import (
    ExistingOrder,
    existing_orders,
    existing_store_ids,
    get_or_create_stores,
    load_batch,
)
from intake.ingest.locks import lock_imports
from intake.ingest.merge import merge_record
from intake.ingest.order_lookup import find_orders
from intake.ingest.recording import Recorder
from intake.ingest.saving import payment_references, save_merged
from intake.ingest.state import Batch, OrderState
from intake.ingest.suppression import Suppression
from intake.ingest.text_warnings import email_key_warnings, garbled_text_warnings
from intake.ingest.writing import new_ids
from intake.models import ImportChange
from intake.problems import ImportRejected, Problem, ProblemCode, ProblemCounts, RowSkipped
from intake.records import OrderRecord, OrderUpdate, drop_unowned_fields, number_key
from intake.statuses import ask_meanings
from intake.validation_errors import describe_errors
from orders.card_numbers import mask_card_numbers
from orders.models import Order

BATCH_SIZE = 2000  # items per transaction
GARBAGE_THRESHOLD = 500_000  # objects

ItemCallback = Callable[[RawItem, Problem], None]


@dataclass
class Import:
    """Imports the items of a feed. Calls `on_rejected` for each rejected item, with the reason.

    With a recorder, each batch is recorded in its transaction, for the history of imports and for an undo.
    """

    feed: Feed
    context: FeedContext
    on_rejected: ItemCallback
    on_warning: ItemCallback = lambda item, warning: None  # for items that were imported with a problem
    recorder: Recorder | None = None
    counts: Counts = field(default_factory=Counts)
    rejects: ProblemCounts = field(default_factory=ProblemCounts)
    warnings: ProblemCounts = field(default_factory=ProblemCounts)
    dry_run: DryRun | None = None  # for a dry run, which writes and locks nothing
    met_erased: bool = False  # whether an item was about an order without its person
    _run: str = field(default_factory=lambda: secrets.token_hex(4), init=False)
    _mostly_changed: bool = field(default=False, init=False)
    _new_stores: set[int] = field(default_factory=set, init=False)  # of the current batch

    def run(self, items: Iterator[RawItem], after_batch: Callable[[], None] = lambda: None) -> None:
        """Import all items in batches. While one batch is written, a second thread prepares the next one."""
        language = get_language()
        with _rare_garbage_collection(), ThreadPoolExecutor(1) as thread:
            batch = self._read_batch(items, language)
            while batch:
                following = thread.submit(self._read_batch, items, language)
                self._import_batch(batch)
                after_batch()
                batch = following.result()

    def _read_batch(self, items: Iterator[RawItem], language: str | None) -> list[BatchEntry]:
        """Read the next batch. Parse it as well if most items of the last batch had changed."""
        with override(language):  # the active language is per thread
            batch = [BatchEntry(item, content_digest(item.raw)) for item in islice(items, BATCH_SIZE)]
            if self._mostly_changed:
                for entry in batch:
                    self._parse_once(entry)
        return batch

    def _parse_once(self, entry: BatchEntry) -> OrderRecord | Problem | Skipped:
        """Return the item's record, or the reason why it has none. Only the first call parses it."""
        if entry.parsed is None:
            problem = entry.item.problem
            if isinstance(problem, str):
                entry.parsed = Problem(problem) if problem else self._parse(entry.item)
            else:
                entry.parsed = problem
        return entry.parsed

    def _parse(self, item: RawItem) -> OrderRecord | Problem | Skipped:
        try:
            record = self.feed.parse_item(item, self.context)
        except RowSkipped:
            return Skipped()
        except ValidationError as error:
            columns = () if isinstance(item.raw, str) else item.content or ()
            return describe_errors(error, self.feed.column_names, columns)
        except ImportRejected as rejected:
            problem = rejected.problem
            return replace(problem, text=mask_card_numbers(problem.text), word=mask_card_numbers(problem.word))
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
            return Problem(_("This doesn’t have the structure of a %(format)s order.") % {"format": self.feed.title})
        if self.feed.owned_fields:
            drop_unowned_fields(record, self.feed.owned_fields)
        return currency_problem(record) or record

    def _import_batch(self, batch: list[BatchEntry]) -> None:
        """Import one batch. If the database refuses it, halve it to find and reject the items that cause the error."""
        counts = Counts()
        rejected: list[ItemProblem] = []
        warnings: list[ItemProblem] = []
        self._new_stores = set()
        try:
            with transaction.atomic():
                if self.dry_run is None:
                    lock_imports()
                self._ingest(batch, counts, rejected, warnings)
                self._ask_meanings(rejected)
                if self.recorder and self._new_stores:
                    self.recorder.save_new_stores(self._new_stores)
                totals = self._save_results(counts, rejected, warnings)
        except (IntegrityError, DataError) as error:
            if len(batch) == 1:
                counts, rejected = Counts(read=1, rejected=1), [(batch[0].item, _describe_database_error(error))]
                self.rejects, self.warnings = self._save_results(counts, rejected, [])
                self.counts.add(counts)
                self.on_rejected(*rejected[0])
                return
            middle = len(batch) // 2
            self._import_batch(batch[:middle])
            self._import_batch(batch[middle:])
            return
        for item, problem in rejected:
            self.on_rejected(item, problem)
        for item, warning in warnings:
            self.on_warning(item, warning)
        self.counts.add(counts)
        self.rejects, self.warnings = totals

    def _ask_meanings(self, rejected: list[ItemProblem]) -> None:
        words = [problem.word for _item, problem in rejected if problem.code == ProblemCode.UNKNOWN_STATUS]
        if words and self.dry_run is None:
            store_ids = self._get_stores([self.context.store])
            ask_meanings(store_ids[self.context.store], self.feed.name, words)

    def _save_results(
        self, counts: Counts, rejected: list[ItemProblem], warnings: list[ItemProblem]
    ) -> tuple[ProblemCounts, ProblemCounts]:
        """Save the results of a batch, in its transaction. Returns the rejects and warnings of all batches so far."""
        rejects = self.rejects.plus(problem for _item, problem in rejected) if rejected else self.rejects
        warned = self.warnings.plus(warning for _item, warning in warnings) if warnings else self.warnings
        if self.recorder:
            self.recorder.save_results(vars(counts), rejects, warned, rejected)
        return rejects, warned

    def _get_stores(self, slugs: Iterable[str]) -> dict[str, int]:
        return get_or_create_stores(slugs, self._new_stores)

    def _ingest(
        self,
        batch: list[BatchEntry],
        counts: Counts,
        rejected: list[ItemProblem],
        warnings: list[ItemProblem],
    ) -> None:
        for position, entry in enumerate(batch):
            entry.position = position
        found = self._skip_unchanged(batch)
        self.met_erased |= any(order is not None and order.is_erased for order in found.known.values())
        self._mostly_changed = len(found.changed) > len(batch) / 2
        parsed = []
        for entry in found.changed:
            record = self._parse_once(entry)
            if isinstance(record, Problem):
                rejected.append((entry.item, record))
            elif isinstance(record, Skipped):
                counts.skipped += 1
            else:
                parsed.append((entry, record))
        counts.read = len(batch)
        counts.unchanged = len(batch) - len(found.changed)
        # Orders first, so that updates in the same file find them.
        complete, updates = self._split(parsed, found.unchanged_positions, counts)
        merged = self._merge(complete, found.known, counts, rejected, warnings) if complete else []
        matched, unmatched = self._match_orders(updates)
        rejected += unmatched
        if matched:
            merged += self._merge(matched, {}, counts, rejected, warnings)
        if merged:
            warnings += email_key_warnings(merged)
            warnings += garbled_text_warnings(merged)
        counts.rejected = len(rejected)

    def _skip_unchanged(self, entries: list[BatchEntry]) -> ChangedItems:
        """Find items with an unchanged digest. They are not parsed, which makes a repeated import fast."""
        guesses = {
            entry.item.key: (entry.item.key[0], number_key(entry.item.key[1]))
            for entry in entries
            if entry.item.key is not None
        }
        if not guesses:
            return ChangedItems(entries, {}, {})
        slugs = {store for store, _number in guesses.values()}
        ids = self.dry_run.store_ids(slugs) if self.dry_run else existing_store_ids(slugs)
        keys = {guess: (ids[store], number) for guess, (store, number) in guesses.items() if store in ids}
        existing = self._existing_orders(set(keys.values())) if keys else {}
        known = {key: existing.get(key) for key in keys.values()}
        changed: list[BatchEntry] = []
        unchanged_positions: dict[OrderKey, int] = {}
        for entry in entries:
            key = keys.get(entry.item.key) if entry.item.key else None
            order = known.get(key) if key else None
            if key is not None and order is not None and order.digest == entry.digest:
                unchanged_positions[key] = entry.position
            else:
                changed.append(entry)
        return ChangedItems(changed, unchanged_positions, known)

    def _existing_orders(self, keys: set[OrderKey]) -> dict[OrderKey, ExistingOrder]:
        """Return the orders that exist, or that this dry run would have created."""
        existing = existing_orders(keys, self.feed.name)
        if self.dry_run:
            for key, order in self.dry_run.load(keys).items():
                entry = (order.columns["sources"] or {}).get(self.feed.name) or {}
                existing[key] = ExistingOrder(order.id, entry.get("digest"))
        return existing

    def _split(
        self, parsed: list[tuple[BatchEntry, OrderRecord]], unchanged_positions: dict[OrderKey, int], counts: Counts
    ) -> tuple[list[MatchedRecord], list[UnmatchedUpdate]]:
        """Split records into complete orders, with their keys, and updates, whose orders have to be found."""
        complete: list[MatchedRecord] = []
        ids = self._store_ids(parsed)
        updates: list[UnmatchedUpdate] = []
        for entry, record in parsed:
            if type(record) is OrderUpdate:  # `isinstance` is ten times slower for pydantic models
                updates.append(UnmatchedUpdate(entry, record, ids[record.store]))
                continue
            key = (ids[record.store], number_key(record.number))
            if entry.position < unchanged_positions.get(key, -1):
                # An earlier version, in the same file, of the order's last record.
                counts.unchanged += 1
            else:
                complete.append(MatchedRecord(entry, record, key))
        return complete, updates

    def _match_orders(self, updates: list[UnmatchedUpdate]) -> tuple[list[MatchedRecord], list[ItemProblem]]:
        """Find the orders of each update. Also returns the updates without an order, with the reason."""
        matched: list[MatchedRecord] = []
        unmatched: list[ItemProblem] = []
        single = [each for each in updates if not each.record.customer]
        found = find_orders([(each.store_id, each.record) for each in single], self.feed.order_lookups, self.dry_run)
        for each, order in zip(single, found, strict=True):
            if isinstance(order, Problem):
                unmatched.append((each.entry.item, order))
            else:
                matched.append(MatchedRecord(each.entry, each.record, order.key))
        customers = [each for each in updates if each.record.customer]
        orders = find_customers_orders([(each.store_id, each.record) for each in customers], self.dry_run)
        for each, keys in zip(customers, orders, strict=True):
            if isinstance(keys, Problem):
                unmatched.append((each.entry.item, keys))
            else:
                matched += [MatchedRecord(each.entry, each.record, key) for key in keys]
        return matched, unmatched

    @property
    def _currency_column(self) -> str:
        return next(iter(self.feed.column_names.get("currency", ())), "")

    def _store_ids(self, parsed: list[tuple[BatchEntry, OrderRecord]]) -> dict[str, int]:
        slugs = {record.store for _entry, record in parsed}
        if not slugs:
            return {}
        return self.dry_run.store_ids(slugs) if self.dry_run else self._get_stores(slugs)

    def _merge(
        self,
        matched: list[MatchedRecord],
        known: dict[OrderKey, ExistingOrder | None],
        counts: Counts,
        rejected: list[ItemProblem],
        warnings: list[ItemProblem],
    ) -> list[MatchedRecord]:
        """Merge records into their orders, and save these. Returns the records that were not rejected, except those of
        erased orders, about which no warning may quote a person.
        """
        batch = self._load(matched, known)
        suppression = Suppression.of(matched)
        merged: list[MatchedRecord] = []
        updated_orders: set[int] = set()
        outcomes: dict[int, Outcome] = {}  # by position: a customer counts once, even with many orders
        for each in matched:
            order = batch.orders[each.key]
            is_first = order.is_new and not order.columns["sources"]
            if is_first and (problem := prepare_new_order(each.record, self._currency_column)):
                rejected.append((each.entry.item, problem))
                continue
            record = suppression.before_merge(each.key, order, each.record)
            known_address = (order.columns["store_email"], order.columns["email_key"])
            changed = merge_record(record, order, batch, self._source_name(record), each.entry.digest)
            suppression.after_merge(each.key, order, known_address)
            if self.dry_run and (problem := constraint_problem(order)):
                rejected.append((each.entry.item, problem))
                continue
            merged.append(each)
            outcome = Outcome.CREATED if is_first else Outcome.UPDATED if changed else Outcome.UNCHANGED
            outcomes[each.entry.position] = max(outcome, outcomes.get(each.entry.position, outcome))
            if outcome == Outcome.UPDATED:
                updated_orders.add(order.id)
            if (is_first or changed) and type(each.record) is not OrderUpdate:
                warnings += [(each.entry.item, it) for it in order_warnings(each.record, order, is_new=is_first)]
        for key in [key for key, order in batch.orders.items() if order.is_new and not order.columns["sources"]]:
            del batch.orders[key]  # all records of the order were rejected
        counts.add_outcomes(outcomes.values())
        self.met_erased |= bool(suppression.erased)
        add_known_addresses((batch.orders[each.key], each.record) for each in merged)
        if self.dry_run:
            self.dry_run.keep(batch, payment_references(merged, batch))
        else:
            save_merged(merged, batch, updated_orders, self.recorder)
            if suppression.emptied:  # an undo must not bring the person back
                ImportChange.objects.filter(order_id__in=suppression.emptied).delete()
        return [each for each in merged if each.key not in suppression.erased]

    def _load(self, matched: list[MatchedRecord], known: dict[OrderKey, ExistingOrder | None]) -> Batch:
        """Load the orders of these records, and prepare those that don't exist yet."""
        keys = dict.fromkeys(each.key for each in matched)
        if unknown := keys.keys() - known.keys():
            known |= self._existing_orders(unknown)
        batch = Batch(run=self._run)
        if self.dry_run:
            batch.orders = self.dry_run.load(keys.keys())
        order_ids = [found.id for key in keys if key not in batch.orders and (found := known.get(key)) is not None]
        records = [(each.key[0], each.record) for each in matched]
        load_batch(order_ids, records, batch, lock=self.dry_run is None)
        missing = [key for key in keys if key not in batch.orders]
        ids = self.dry_run.new_ids(len(missing)) if self.dry_run else new_ids(Order, len(missing))
        for key, order_id in zip(missing, ids, strict=True):
            batch.orders[key] = OrderState(order_id, key[0], dict(NEW_ORDER), is_new=True)
        return batch

    def _source_name(self, record: OrderRecord) -> str:
        """Return the key in `Order.sources`; updates and complete orders have separate keys."""
        return f"{self.feed.name}:{record.about}" if type(record) is OrderUpdate else self.feed.name


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """A batch creates many objects but no cycles. Garbage collection would take a quarter of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(GARBAGE_THRESHOLD, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _describe_database_error(error: DatabaseError) -> Problem:
    """Return why the database refused an order, without the values in PostgreSQL's message."""
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    sentence = str(CONSTRAINTS.get(constraint or "", "")) or _("The database rejected this order (%(constraint)s).") % {
        "constraint": constraint or type(error).__name__
    }
    return Problem(sentence, ProblemCode.DATABASE)
