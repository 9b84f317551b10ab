"""Keeps a person whose data was erased out of the orders of a batch.

An erased order stays without the person, whatever the store sends about it. An order that the portal doesn't know yet,
or that had no address, is imported without the person if its address was erased after the order was placed. An order
placed after the erasure is a new contract, and is imported as usual.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from intake.ingest.columns import PART_COLUMNS, SIMPLE_COLUMNS
from intake.ingest.items import MatchedRecord, OrderKey
from intake.ingest.state import OrderState
from intake.records import OrderRecord
from notifications.addresses import email_key
from orders.services.erasure import ERASED
from orders.suppression import erasure_times, is_list_empty

_SIMPLE_FIELDS = frozenset(name for name, column in SIMPLE_COLUMNS.items() if column in ERASED)
_PART_FIELDS = {
    part: frozenset(name for name, column in columns.items() if column in ERASED)
    for part, columns in PART_COLUMNS.items()
}


@dataclass
class Suppression:
    """What a batch must not bring back. `erased` are the orders that it met without the person; of these, `emptied` are
    the ids of stored ones that had the person until now.
    """

    times: dict[str, datetime] = field(default_factory=dict)  # of erasures, by the key of the address
    erased: set[OrderKey] = field(default_factory=set)
    emptied: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, matched: Iterable[MatchedRecord]) -> "Suppression":
        """Look up the addresses of these records. Makes at most two queries."""
        emails = {each.record.__dict__.get("email") or "" for each in matched} - {""}
        if not emails or is_list_empty():
            return cls()
        return cls(erasure_times(map(email_key, emails)))

    def before_merge(self, key: OrderKey, order: OrderState, record: OrderRecord) -> OrderRecord:
        """Return the record to merge: for an erased order, a copy without the person. Other orders may share it."""
        if order.columns["erased_at"] is None:
            return record
        self.erased.add(key)
        record = record.model_copy()
        for part, names in _PART_FIELDS.items():
            if (values := getattr(record, part)) is not None:
                values = values.model_copy()
                values.__pydantic_fields_set__ -= names
                record.__dict__[part] = values
        record.__pydantic_fields_set__ -= _SIMPLE_FIELDS
        return record

    def after_merge(self, key: OrderKey, order: OrderState, known_address: tuple[str, str]) -> None:
        """Remove a person that this record brought. `known_address` is the order's address with its key before that."""
        columns = order.columns
        erased_at = self.times.get(columns["email_key"])
        if columns["erased_at"] is not None or erased_at is None or columns["placed_at"] > erased_at:
            return
        _email, known_key = known_address
        if known_key not in ("", columns["email_key"]):  # the order belongs to someone else, so only the address goes
            columns["store_email"], columns["email_key"] = known_address
            return
        self.erased.add(key)
        if not order.is_new:
            self.emptied.add(order.id)
        columns.update({name: value for name, value in ERASED.items() if name in columns}, erased_at=erased_at)
        order.changed = True


def is_suppressed(order: OrderState, email: str) -> bool:
    """Whether an order must not get this address. Makes at most two queries."""
    if order.columns["erased_at"] is not None:
        return True
    if is_list_empty():
        return False
    erased_at = erasure_times([email_key(email)]).get(email_key(email))
    return erased_at is not None and order.columns["placed_at"] <= erased_at
