"""The fields of answer templates, such as {name}, which are filled in from the thread that is answered.

A field is never filled with a secret, such as a password or a serial number. Data of the order is only filled in if the
person who wrote has proven that the order is theirs, and the staff user may see orders.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from orders import formats
from orders.models import Order
from orders.money import format_money
from support.models import Thread
from support.services.threads import is_order_address, is_suspect


@dataclass(frozen=True)
class Filling:
    """What the fields are filled from. `order` is None unless its data may be in the answer."""

    thread: Thread
    by: User
    order: Order | None


@dataclass(frozen=True)
class AnswerField:
    """A field of answer templates. If its value is unknown, it stays visible, unless it is optional."""

    name: str
    label: Any
    value: Callable[[Filling], str]
    is_optional: bool = False  # without a value, it is left out, together with the space before it


def _of_order(value: Callable[[Order], str]) -> Callable[[Filling], str]:
    return lambda filling: value(filling.order) if filling.order is not None else ""


FIELDS: dict[str, AnswerField] = {
    field.name: field
    for field in (
        AnswerField("reference", _("reference of the thread"), lambda filling: filling.thread.reference),
        AnswerField(
            "name",
            _("name on the order; omitted if it’s unknown"),
            _of_order(lambda order: order.billing_name),
            is_optional=True,
        ),
        AnswerField("order_number", _("order number"), _of_order(lambda order: order.number)),
        AnswerField(
            "order_date",
            _("day of the order"),
            _of_order(lambda order: formats.local_day(order.placed_at, order.locality)),
        ),
        AnswerField(
            "order_total",
            _("total of the order, with currency"),
            _of_order(lambda order: format_money(order.total, order.currency)),
        ),
        AnswerField(
            "products",
            _("names of the items of the order"),
            _of_order(
                lambda order: ", ".join(dict.fromkeys(order.lines.order_by("position").values_list("name", flat=True)))
            ),
        ),
        AnswerField(
            "store", _("name of the store"), lambda filling: filling.thread.store.name if filling.thread.store else ""
        ),
        AnswerField("agent", _("your first and last name"), lambda filling: filling.by.get_full_name()),
    )
}
_ANY_FIELD = re.compile(r"\{+ *([^{}\n]*?) *\}+")
# The space before a field is left out with it.
_KNOWN_FIELD = re.compile(rf"( ?)\{{{{1,2}} *({'|'.join(FIELDS)}) *\}}{{1,2}}")


def fill_in(text: str, thread: Thread, by: User) -> str:
    """Return the text with its fields filled in, in the language of the thread. Unknown values stay visible."""
    used = {match[2] for match in _KNOWN_FIELD.finditer(text)}
    filling = Filling(thread, by, _order_for_answers(thread, by) if used else None)
    with override(thread.language or None):
        values = {name: FIELDS[name].value(filling) for name in used}

    def replaced(match: re.Match[str]) -> str:
        value = values[match[2]]
        if value:
            return match[1] + value
        return "" if FIELDS[match[2]].is_optional else match[0]

    return _KNOWN_FIELD.sub(replaced, text)


def unfilled_fields(text: str) -> list[str]:
    """Return the fields in a text that nobody has filled in, as they are written, each once."""
    return list(dict.fromkeys(match[0].strip() for match in _KNOWN_FIELD.finditer(text)))


def unknown_fields(text: str) -> list[str]:
    """Return what looks like a field in a template but isn't one, as it is written, each once."""
    return list(dict.fromkeys(match[0] for match in _ANY_FIELD.finditer(text) if match[1] not in ("", *FIELDS)))


def _order_for_answers(thread: Thread, by: User) -> Order | None:
    """The order of the thread, if the person who wrote has proven that it is theirs, and `by` may see orders.

    They had it open when they wrote, or they have opened an emailed link to the thread at the order's own address.
    """
    order = thread.order
    if order is None or not by.has_perm("orders.view_order") or is_suspect(thread):
        return None
    if thread.order_proven or (thread.email_proven_at is not None and is_order_address(order, thread.email)):
        return order
    return None
