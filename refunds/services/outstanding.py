"""Which refunds are approved but not made yet, and why: for `send_refunds --dry-run` and for staff."""

from dataclasses import dataclass, field

from django.db.models import Q

from refunds.ledger import BlockReason, load_ledger
from refunds.models import RefundTransaction, StoreGateway
from refunds.services.transactions import Status, blocking_reason


@dataclass
class Outstanding:
    """Refunds by their next step. Each row can be serialized as JSON: order, store, case, amount, currency, reason."""

    to_send: list[dict[str, str]] = field(default_factory=list)  # waiting for a gateway
    by_hand: list[dict[str, str]] = field(default_factory=list)  # waiting for staff
    unclear: list[dict[str, str]] = field(default_factory=list)  # may have reached the gateway; will be looked up again
    blocked: list[dict[str, str]] = field(default_factory=list)  # must not be refunded; `reason` is a BlockReason


def list_outstanding(store: str = "") -> Outstanding:
    """Return the refunds of one store (by slug) or of all, oldest first. Changes nothing."""
    result = Outstanding()
    for row in _rows(store):
        if row.status in RefundTransaction.OPEN:
            reason = blocking_reason(row)
        else:
            reason = load_ledger(row.order).block_reason or _gateways_reason(row)
        if row.status == Status.UNCLEAR:
            result.unclear.append(_as_dict(row, row.last_answer))
        elif reason:
            result.blocked.append(_as_dict(row, str(reason.value)))
        elif row.status == Status.REFUSED or row.gateway == StoreGateway.Gateway.MANUAL:
            result.by_hand.append(_as_dict(row, row.last_answer))
        else:
            result.to_send.append(_as_dict(row, row.last_answer))
    return result


def _gateways_reason(row: RefundTransaction) -> BlockReason | None:
    """Return the code at the start of a gateway's response, for example if its payment has a different currency."""
    code = row.last_answer.partition(":")[0]
    return BlockReason(code) if code in BlockReason.values else None


def _rows(store: str) -> list[RefundTransaction]:
    """Return open transactions, and refused ones of cases that are still approved and were not retried."""
    unresolved = RefundTransaction.objects.is_unresolved()
    rows = RefundTransaction.objects.filter(Q(status__in=RefundTransaction.OPEN) | unresolved)
    if store:
        rows = rows.filter(order__store__slug=store)
    return list(rows.select_related("order__store", "return_case", "withdrawal").order_by("created_at", "pk"))


def _as_dict(row: RefundTransaction, reason: str) -> dict[str, str]:
    return {
        "order": row.order.number,
        "store": row.order.store.slug,
        "case": row.case.reference,
        "amount": f"{row.amount.normalize():f}",
        "currency": row.currency,
        "reason": reason,
    }
