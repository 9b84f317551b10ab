"""The interface that every gateway implements, and the results that its methods return."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Protocol

from orders.models import Store
from refunds.models import RefundTransaction


@dataclass(frozen=True)
class RefundDone:
    """The gateway has made the refund. `reference` is its id there."""

    name: ClassVar[str] = "done"
    reference: str
    amount: Decimal | None = None  # the amount that was sent, if the gateway reports it: it may have to round down


@dataclass(frozen=True)
class RefundRefused:
    """The gateway certainly did not and will not make the refund. Staff decide what to do."""

    name: ClassVar[str] = "refused"
    reason: str


@dataclass(frozen=True)
class RefundUnclear:
    """The refund may have been made, or may still be. It must be looked up before it is sent again."""

    name: ClassVar[str] = "unclear"
    reason: str


@dataclass(frozen=True)
class RefundNotFound:
    """The gateway doesn't know this refund, so it may be sent."""


GatewayResult = RefundDone | RefundRefused | RefundUnclear


class Gateway(Protocol):
    """No method writes to the database, or raises exceptions for errors of the gateway or the network."""

    def is_configured(self, store: Store) -> bool:
        """Whether the settings have everything that this store needs for refunds through the gateway."""
        ...

    def send(self, transaction: RefundTransaction) -> GatewayResult:
        """Send the refund. If sent twice, it is made once, as long as the gateway remembers its idempotency key."""
        ...

    def look_up(self, transaction: RefundTransaction) -> GatewayResult | RefundNotFound:
        """Return the result of an earlier `send`."""
        ...
