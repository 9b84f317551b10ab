"""Import items in batches. Each batch is one transaction."""

import gc
import hashlib
import hmac
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError, DataError, IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _
from pydantic import ValidationError

from intake.encodings import find_garbled
from intake.feed import Feed, FeedContext, RawItem
from intake.ingest.columns import NEW_ORDER
from intake.ingest.license_worth import set_new_licenses, update_imported_licenses
from intake.ingest.loading import (
    ExistingOrder,
    existing_orders,
    existing_store_ids,
    get_or_create_stores,
    load_batch,
)
from intake.ingest.merge import merge_record
from intake.ingest.new_serials import changed_license_ids, notify_new_serials
from intake.ingest.order_lookup import find_orders
from intake.ingest.return_periods import set_return_until
from intake.ingest.state import Batch, OrderState
from intake.ingest.writing import new_ids, write_batch
from intake.problems import ImportRejected, Problem, ProblemCode, RowSkipped
from intake.records import OrderRecord, OrderUpdate, drop_unowned_fields, number_key
from intake.statuses import ask_meanings
from intake.validation_errors import describe_errors
from notifications.addresses import email_key, mask_address
from orders.card_numbers import mask_card_numbers
from orders.models import Order, PaymentReference
from orders.services.confirmations import queue_confirmations
from refunds.services.deadlines import update_withdrawal_deadlines
from refunds.services.imported_refunds import reconcile_imported_refunds

BATCH_SIZE = 2000  # items per transaction
GARBAGE_THRESHOLD = 500_000  # objects
# The key of the advisory lock under which imports run one after the other, so that none creates an order twice.
IMPORT_LOCK = 0x696D706F7274

_NO_KEY = gettext_lazy(
    "The address %(address)s can be read in two ways, so nobody opens this order by it: only by its number."
)
OrderKey = tuple[int, str]  # store id, number key
ItemCallback = Callable[[RawItem, Problem], None]


@dataclass
class Counts:
    """How many items were read, and their results, which add up to `read`."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    skipped: int = 0  # no orders, as staff said

    def add(self, other: "Counts") -> None:
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class _Skipped:
    """Instead of a record: the item is no order."""


@dataclass(slots=True)
class _BatchEntry:
    """An item with its digest and, once it was parsed, its record, or the reason why it has none."""

    item: RawItem
    digest: str
    parsed: OrderRecord | Problem | _Skipped | None = None
    position: int = 0  # in its batch


class _ChangedItems(NamedTuple):
    """The items of a batch that changed since the last import, and the orders that were looked up to tell."""

    changed: list[_BatchEntry]  # all but those that repeat their order's last record
    unchanged_positions: dict[OrderKey, int]  # the positions of the unchanged items
    known: dict[OrderKey, ExistingOrder | None]  # every order looked up; None if it does not exist


class _MatchedRecord(NamedTuple):
    """A record and the key of its order."""

    entry: _BatchEntry
    record: OrderRecord
    key: OrderKey


@dataclass
class Import:
    """Imports one feed's items. Calls `on_rejected` for each rejected item, with the reason."""

    feed: Feed
    context: FeedContext
    on_rejected: ItemCallback
    on_warning: ItemCallback = lambda item, warning: None  # for items that were imported with a problem
    counts: Counts = field(default_factory=Counts)
    _mostly_changed: bool = field(default=False, init=False)

    def run(self, items: Iterator[RawItem], after_batch: Callable[[], None] = lambda: None) -> None:
        """Import all items in batches. While one batch is written, a second thread prepares the next."""
        language = get_language()
        with _rare_garbage_collection(), ThreadPoolExecutor(1) as thread:
            batch = self._read_batch(items, language)
            while batch:
                following = thread.submit(self._read_batch, items, language)
                self._import_batch(batch)
                after_batch()
                batch = following.result()

    def _read_batch(self, items: Iterator[RawItem], language: str | None) -> list[_BatchEntry]:
        """Read the next batch, and parse it already if most items of the last batch had changed."""
        with override(language):  # the active language is per thread
            batch = [_BatchEntry(item, content_digest(item.raw)) for item in islice(items, BATCH_SIZE)]
            if self._mostly_changed:
                for entry in batch:
                    self._parse_once(entry)
        return batch

    def _parse_once(self, entry: _BatchEntry) -> OrderRecord | Problem | _Skipped:
        """The item's record, or the reason why it has none. Parsed on the first call only."""
        if entry.parsed is None:
            problem = entry.item.problem
            if isinstance(problem, str):
                entry.parsed = Problem(problem) if problem else self._parse(entry.item)
            else:
                entry.parsed = problem
        return entry.parsed

    def _parse(self, item: RawItem) -> OrderRecord | Problem | _Skipped:
        try:
            record = self.feed.parse_item(item, self.context)
        except RowSkipped:
            return _Skipped()
        except ValidationError as error:
            columns = () if isinstance(item.raw, str) else item.content or ()
            return describe_errors(error, self.feed.column_names, columns)
        except ImportRejected as rejected:
            problem = rejected.problem
            return replace(problem, text=mask_card_numbers(problem.text), word=mask_card_numbers(problem.word))
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
            return Problem(_("This is not built as %(format)s builds orders.") % {"format": self.feed.title})
        if self.feed.owned_fields:
            drop_unowned_fields(record, self.feed.owned_fields)
        return record

    def _import_batch(self, batch: list[_BatchEntry]) -> None:
        """Import one batch. If the database refuses it, halve it until the offending items are found and rejected."""
        counts = Counts()
        rejected: list[tuple[RawItem, Problem]] = []
        warnings: list[tuple[RawItem, Problem]] = []
        try:
            with transaction.atomic():
                _lock_imports()
                self._ingest(batch, counts, rejected, warnings)
        except (IntegrityError, DataError) as error:
            if len(batch) == 1:
                self.counts.add(Counts(read=1, rejected=1))
                self.on_rejected(batch[0].item, _describe_database_error(error))
                return
            middle = len(batch) // 2
            self._import_batch(batch[:middle])
            self._import_batch(batch[middle:])
            return
        if words := [problem.word for _item, problem in rejected if problem.code == ProblemCode.UNKNOWN_STATUS]:
            store_ids = get_or_create_stores([self.context.store])
            ask_meanings(store_ids[self.context.store], self.feed.name, words)
        for item, problem in rejected:
            self.on_rejected(item, problem)
        for item, warning in warnings:
            self.on_warning(item, warning)
        self.counts.add(counts)

    def _ingest(
        self,
        batch: list[_BatchEntry],
        counts: Counts,
        rejected: list[tuple[RawItem, Problem]],
        warnings: list[tuple[RawItem, Problem]],
    ) -> None:
        for position, entry in enumerate(batch):
            entry.position = position
        found = self._skip_unchanged(batch)
        self._mostly_changed = len(found.changed) > len(batch) / 2
        parsed = []
        for entry in found.changed:
            record = self._parse_once(entry)
            if isinstance(record, Problem):
                rejected.append((entry.item, record))
            elif isinstance(record, _Skipped):
                counts.skipped += 1
            else:
                parsed.append((entry, record))
        counts.read = len(batch)
        counts.unchanged = len(batch) - len(found.changed)
        matched, unmatched = self._match_orders(parsed, found.unchanged_positions, counts)
        rejected += unmatched
        counts.rejected = len(rejected)
        if matched:
            self._merge(matched, found.known, counts)
            warnings += _email_key_warnings(matched)
            warnings += _garbled_text_warnings(matched)

    def _skip_unchanged(self, entries: list[_BatchEntry]) -> _ChangedItems:
        """Find items whose digest is unchanged. They are not even parsed, which makes a repeated import fast."""
        guesses = {
            entry.item.key: (entry.item.key[0], number_key(entry.item.key[1]))
            for entry in entries
            if entry.item.key is not None
        }
        if not guesses:
            return _ChangedItems(entries, {}, {})
        ids = existing_store_ids({store for store, _number in guesses.values()})
        keys = {guess: (ids[store], number) for guess, (store, number) in guesses.items() if store in ids}
        existing = existing_orders(keys.values(), self.feed.name) if keys else {}
        known = {key: existing.get(key) for key in keys.values()}
        changed: list[_BatchEntry] = []
        unchanged_positions: dict[OrderKey, int] = {}
        for entry in entries:
            key = keys.get(entry.item.key) if entry.item.key else None
            order = known.get(key) if key else None
            if key is not None and order is not None and order.digest == entry.digest:
                unchanged_positions[key] = entry.position
            else:
                changed.append(entry)
        return _ChangedItems(changed, unchanged_positions, known)

    def _match_orders(
        self, parsed: list[tuple[_BatchEntry, OrderRecord]], unchanged_positions: dict[OrderKey, int], counts: Counts
    ) -> tuple[list[_MatchedRecord], list[tuple[RawItem, Problem]]]:
        """Find the order of each record. Also returns the updates without an order, with the reason."""
        complete: list[_MatchedRecord] = []
        updated: list[_MatchedRecord] = []
        unmatched: list[tuple[RawItem, Problem]] = []
        ids = get_or_create_stores(record.store for _entry, record in parsed) if parsed else {}
        updates = []
        for entry, record in parsed:
            if type(record) is OrderUpdate:  # `isinstance` is ten times slower for pydantic models
                updates.append((entry, record))
                continue
            key = (ids[record.store], number_key(record.number))
            if entry.position < unchanged_positions.get(key, -1):
                # An earlier version, in the same file, of the order's last record.
                counts.unchanged += 1
            else:
                complete.append(_MatchedRecord(entry, record, key))
        found = find_orders([(ids[record.store], record) for _entry, record in updates], self.feed.order_lookups)
        for (entry, update), order in zip(updates, found, strict=True):
            if isinstance(order, str):
                unmatched.append((entry.item, Problem(order, ProblemCode.ORDER_NOT_FOUND)))
            else:
                updated.append(_MatchedRecord(entry, update, order.key))
        return updated + complete, unmatched

    def _merge(
        self, matched: list[_MatchedRecord], known: dict[OrderKey, ExistingOrder | None], counts: Counts
    ) -> None:
        keys = dict.fromkeys(each.key for each in matched)
        if unknown := keys.keys() - known.keys():
            known |= existing_orders(unknown, self.feed.name)
        batch = Batch()
        order_ids = [found.id for key in keys if (found := known.get(key)) is not None]
        load_batch(order_ids, [(each.key[0], each.record) for each in matched], batch)
        missing = [key for key in keys if key not in batch.orders]
        for key, order_id in zip(missing, new_ids(Order, len(missing)), strict=True):
            batch.orders[key] = OrderState(order_id, key[0], dict(NEW_ORDER), is_new=True)
        changed_orders: set[int] = set()
        for each in matched:
            order = batch.orders[each.key]
            first = order.is_new and not order.columns["sources"]
            changed = merge_record(each.record, order, batch, self._source_name(each.record), each.entry.digest)
            if first:
                counts.created += 1
            elif changed:
                counts.updated += 1
                changed_orders.add(order.id)
            else:
                counts.unchanged += 1
        set_return_until(batch)
        changed_licenses = changed_license_ids(batch)
        orders_with_licenses = set_new_licenses(batch)
        write_batch(batch, timezone.now())
        self._save_references(matched, batch)
        if changed_orders:
            update_withdrawal_deadlines(changed_orders)
        reconcile_imported_refunds(_new_refunds(batch))
        update_imported_licenses(batch, orders_with_licenses)
        notify_new_serials(batch, changed_licenses)
        if recent := _possibly_recent_orders(batch):
            queue_confirmations(recent)

    def _source_name(self, record: OrderRecord) -> str:
        """The key in `Order.sources`; updates are kept apart from complete orders."""
        return f"{self.feed.name}:completion" if type(record) is OrderUpdate else self.feed.name

    def _save_references(self, matched: list[_MatchedRecord], batch: Batch) -> None:
        rows = {
            (name, batch.orders[each.key].id) for each in matched for name in each.record.__dict__.get("references", ())
        }
        if rows:
            PaymentReference.objects.bulk_create(
                [PaymentReference(reference=name, order_id=order_id) for name, order_id in sorted(rows)],
                ignore_conflicts=True,
            )


def _email_key_warnings(matched: list[_MatchedRecord]) -> list[tuple[RawItem, Problem]]:
    """A warning for each order whose address has no key."""
    emails = ((each.entry.item, each.record.__dict__.get("email") or "") for each in matched)
    without = [(item, email) for item, email in emails if email and not email_key(email)]
    return [
        (item, Problem(str(_NO_KEY) % {"address": mask_address(email)}, ProblemCode.AMBIGUOUS_ADDRESS))
        for item, email in without
    ]


def _garbled_text_warnings(matched: list[_MatchedRecord]) -> list[tuple[RawItem, Problem]]:
    """A warning for each item with text that was decoded wrongly, by the store or by this import."""
    warnings = []
    for each in matched:
        raw = each.entry.item.raw
        text = raw if isinstance(raw, str) else " ".join(cell for row in raw for cell in row if not cell.isascii())
        if not text.isascii() and (garbled := find_garbled(text)):
            sentence = _(
                "“%(text)s” looks garbled. If the whole file does, name its encoding with --encoding. "
                "Otherwise the store has it so."
            )
            text = sentence % {"text": mask_card_numbers(garbled)}
            warnings.append((each.entry.item, Problem(text, ProblemCode.GARBLED_TEXT)))
    return warnings


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """A batch creates many objects and no cycles; collecting garbage would take a quarter of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(GARBAGE_THRESHOLD, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _possibly_recent_orders(batch: Batch) -> list[int]:
    """New orders that may need a confirmation. Most batches have none and need no query."""
    since = timezone.now() - timedelta(hours=settings.CONFIRMATION_WINDOW_HOURS + 1)
    return [order.id for order in batch.orders.values() if order.is_new and order.columns["placed_at"] >= since]


def _new_refunds(batch: Batch) -> dict[int, list[str]]:
    """The new refunds of changed orders, which may be none."""
    return {
        order.id: [refund_id for refund_id, refund in order.refunds.items() if refund.id is None]
        for order in batch.orders.values()
        if order.changed and not order.is_new
    }


def _lock_imports() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORT_LOCK])


# Keyed, because a record may contain a password, which nobody should be able to guess from the digest.
_DIGEST_KEY = hmac.digest(settings.ORDER_PASSWORD_KEY.encode(), b"digests of imported records", hashlib.sha256)


def content_digest(raw: str | list[list[str]]) -> str:
    """The digest of an item's raw content, by which unchanged items are found."""
    text = raw if isinstance(raw, str) else "\x1e".join("\x1f".join(row) for row in raw)
    return hashlib.blake2b(text.encode(errors="surrogatepass"), key=_DIGEST_KEY, digest_size=16).hexdigest()


def _describe_database_error(error: DatabaseError) -> Problem:
    """Why the database refused an order, without the values that PostgreSQL's message contains."""
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    sentences = {
        "license_ends_after_it_starts": _("A license would end before it starts."),
        "licensed_line_ends_after_it_starts": _("A license would end before it starts."),
        "order_line_returned_within_quantity": _("More of a line would be returned than was bought."),
    }
    sentence = sentences.get(constraint or "") or _("The database refuses this order (%(constraint)s).") % {
        "constraint": constraint or type(error).__name__
    }
    return Problem(sentence, ProblemCode.DATABASE)
