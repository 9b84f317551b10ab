"""Match customers that a store exports separately from its orders. An order refers to its customer by a reference."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from intake.ingest.dry_run import DryRun
from intake.ingest.state import OrderState
from intake.ingest.suppression import is_suppressed
from intake.problems import Problem, ProblemCode
from intake.records import OrderRecord, OrderUpdate, StoreRecord
from notifications.addresses import email_key
from orders.models import PaymentReference

OrderKey = tuple[int, str]  # store id, number key


def find_customers_orders(
    updates: Sequence[tuple[int, OrderUpdate]], dry_run: DryRun | None = None
) -> list[list[OrderKey] | Problem]:
    """Return for each customer, with the store's id, all orders, or the reason why there are none.
    Makes a few queries.
    """
    if not updates:
        return []
    names = {record.customer for _store, record in updates if record.customer}
    rows = set(
        PaymentReference.objects.filter(reference__in=names, order__store_id__in={store for store, _record in updates})
        .order_by("order_id")
        .values_list("reference", "order_id", "order__store_id", "order__number_key")
    )
    if dry_run:
        references = dry_run.find_references(names)
        made = {
            row[0]: row[1:3] for row in dry_run.find("id = ANY(%s)", [[order_id for _name, order_id in references]])
        }
        rows |= {(name, order_id, *made[order_id]) for name, order_id in references if order_id in made}
    found: dict[tuple[int, str], list[OrderKey]] = defaultdict(list)
    for name, _order_id, store_id, number_key in sorted(rows):
        found[store_id, name].append((store_id, number_key))
    return [found[store_id, record.customer or ""] or _no_orders() for store_id, record in updates]


def _no_orders() -> Problem:
    text = _("This customer has no order yet. Import the store’s orders first.")
    return Problem(text, ProblemCode.ORDER_NOT_FOUND)


def add_known_addresses(merged: Iterable[tuple[OrderState, OrderRecord]]) -> None:
    """Give orders without an email address that of their customer's latest other order. Makes at most one query.

    Orders of people whose data was erased don't get one.
    """
    known: dict[tuple[int, str], tuple[str, str]] = {}
    without: list[tuple[tuple[int, str], OrderState]] = []
    for order, record in merged:
        if type(record) is not StoreRecord or not record.customer:
            continue
        customer = (order.store_id, record.customer)
        if order.columns["store_email"]:
            known[customer] = (order.columns["store_email"], order.columns["billing_name"])
        else:
            without.append((customer, order))
    unknown = {customer for customer, _order in without if customer not in known}
    if unknown:
        rows = (
            PaymentReference.objects.filter(
                reference__in={reference for _store, reference in unknown},
                order__store_id__in={store_id for store_id, _reference in unknown},
            )
            .exclude(order__store_email="")
            .order_by("order__placed_at")
            .values_list("order__store_id", "reference", "order__store_email", "order__billing_name")
        )
        known |= {(store_id, reference): (email, name) for store_id, reference, email, name in rows}
    for customer, order in without:
        if customer in known:
            email, name = known[customer]
            if is_suppressed(order, email):
                continue
            order.columns["store_email"] = email
            order.columns["email_key"] = email_key(email)
            order.columns["billing_name"] = order.columns["billing_name"] or name
            order.changed = order.email_changed = True
