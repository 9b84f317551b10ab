"""What every gateway is asked, and the answers that there are."""

from dataclasses import dataclass
from typing import Protocol

from refunds.models import RefundTransaction


@dataclass(frozen=True)
class Done:
    """The money is on its way or there; `reference` is what the gateway calls the refund."""

    reference: str


@dataclass(frozen=True)
class Refused:
    """It is certain that no money moves; people decide what comes next."""

    why: str


@dataclass(frozen=True)
class Unclear:
    """It may have happened, or may still: to be asked again, never to be sent anew without asking."""

    why: str


@dataclass(frozen=True)
class Unknown:
    """The gateway knows nothing of it: it may be sent."""


Answer = Done | Refused | Unclear


class Gateway(Protocol):
    """Neither function writes to the database, nor raises for anything that a gateway or network does."""

    def send(self, transaction: RefundTransaction) -> Answer:
        """Send the money. The same transaction sent twice moves it once, while the gateway remembers its key."""
        ...

    def ask(self, transaction: RefundTransaction) -> Answer | Unknown:
        """What became of an earlier try."""
        ...
