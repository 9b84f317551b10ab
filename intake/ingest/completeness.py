"""Requirements for creating an order, and warnings about orders that were created or changed."""

from typing import TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from intake.currencies import is_currency, unknown_currency
from intake.ingest.columns import ZERO
from intake.ingest.state import LineState, OrderState
from intake.problems import Problem, ProblemCode
from intake.records import BillingRecord, NewOrderFields, OrderRecord, PaymentRecord, StoreRecord
from orders.models import OrderLine
from orders.money import format_money

PartT = TypeVar("PartT", PaymentRecord, BillingRecord)

# Explanations of database errors, by constraint.
CONSTRAINTS = {
    "license_ends_after_it_starts": gettext_lazy("A license ends before it starts."),
    "licensed_line_ends_after_it_starts": gettext_lazy("A license ends before it starts."),
    "order_line_returned_within_quantity": gettext_lazy("More units of a line are returned than were bought."),
}


def currency_problem(record: OrderRecord) -> Problem | None:
    """Return why the record's currency is invalid."""
    if "currency" in record.model_fields_set and not is_currency(record.currency):
        return unknown_currency(record.currency).problem
    return None


def prepare_new_order(record: OrderRecord, currency_column: str = "") -> Problem | None:
    """Complete a record that creates an order, or return why that isn't possible. Missing values are never made up.

    `currency_column` is the name of the currency column in the file's format.
    """
    if isinstance(record, StoreRecord):
        _substitute_missing_fields(record)
    if "placed_at" not in record.model_fields_set:
        return Problem(
            _("This order has no date. A new order needs the date and time when it was placed."),
            ProblemCode.MISSING_DATE,
        )
    if "currency" not in record.model_fields_set:
        return unknown_currency("", currency_column).problem
    # In the portal's own format, the lines are added up if there is no total.
    if isinstance(record, StoreRecord) and (record.totals is None or record.totals.total is None):
        return Problem(
            _("This order has no total. A new order needs the amount that was paid."), ProblemCode.MISSING_TOTAL
        )
    return None


def _substitute_missing_fields(record: StoreRecord) -> None:
    known = record.if_new or NewOrderFields()
    if "placed_at" not in record.model_fields_set and known.placed_at is not None:
        record.placed_at = known.placed_at
    if known.payment is not None:
        record.payment = _with_substitutes(record.payment, known.payment)
    if known.billing is not None:
        record.billing = _with_substitutes(record.billing, known.billing)


def _with_substitutes(part: PartT | None, substitutes: PartT) -> PartT:
    if part is None:
        return substitutes
    for name in substitutes.model_fields_set - part.model_fields_set:
        setattr(part, name, getattr(substitutes, name))
    return part


def is_cost(line: LineState) -> bool:
    """Whether a line is not an item, but shipping, a fee or a gift card. Same rule as in refunds/amounts.py."""
    return line.columns["kind"] == OrderLine.Kind.OTHER and not line.columns["sku"]


def constraint_problem(order: OrderState) -> Problem | None:
    """Return why the database would refuse an order. Only for dry runs, because they don't write."""
    for line in order.lines.values():
        if line.columns["quantity_returned"] > line.columns["quantity"]:
            return Problem(str(CONSTRAINTS["order_line_returned_within_quantity"]), ProblemCode.DATABASE)
        for link in line.links.values():
            starts_on, expires_on = link.columns["starts_on"], link.columns["expires_on"]
            if starts_on and expires_on and expires_on < starts_on:
                return Problem(str(CONSTRAINTS["licensed_line_ends_after_it_starts"]), ProblemCode.DATABASE)
    return None


def order_warnings(record: OrderRecord, order: OrderState, *, is_new: bool) -> list[Problem]:
    """Return warnings about an order after this record was merged."""
    warnings = []
    if is_new and isinstance(record, StoreRecord) and "status" not in record.model_fields_set:
        warnings.append(
            Problem(_("This order has no status, so it’s imported as completed."), ProblemCode.MISSING_STATUS)
        )
    lines = order.lines.values()
    if all(is_cost(line) for line in lines):
        warnings.append(Problem(_("This order has no items."), ProblemCode.NO_ITEMS))
    else:
        total, currency = order.columns["total"], order.columns["currency"]
        lines_total = sum((line.columns["total"] for line in lines), ZERO)
        if lines_total != total:
            warnings.append(
                Problem(
                    _("The lines of this order add up to %(lines)s, but its total is %(total)s.")
                    % {"lines": format_money(lines_total, currency), "total": format_money(total, currency)},
                    ProblemCode.TOTALS_DIFFER,
                )
            )
    return warnings
