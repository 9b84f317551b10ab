"""How a form to find an order ended, as its page says it and as a draft keeps it."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self

from django.utils import timezone

from orders.access import LookupResult
from orders.forms import PortalForm

# Results, for templates.
INVALID_FORM, NOT_FOUND, TOO_MANY = "invalid", "not-found", "too-many"
REFUSED = "refused"  # the details are right, but the address cannot be corrected now


@dataclass(frozen=True)
class Result:
    code: str = ""
    retry_at: datetime | None = None  # only with TOO_MANY
    refused_order: str = ""  # public id; only with REFUSED

    @classmethod
    def of_failed(cls, lookup: LookupResult) -> Self:
        """A limit that is used up says so, for known and unknown orders alike.

        Otherwise the owner, refused because of a stranger's tries, would believe that the password is wrong.
        """
        return cls(NOT_FOUND) if lookup.retry_at is None else cls(TOO_MANY, lookup.retry_at)

    def to_session(self) -> dict[str, Any]:
        return {**asdict(self), "retry_at": self.retry_at and self.retry_at.timestamp()}

    @classmethod
    def from_session(cls, stored: dict[str, Any], form: PortalForm) -> Self:
        """Return the result of a form that is shown again.

        Without a result once the next attempt is evaluated again, and once the form has no errors any more.
        """
        at = stored.get("retry_at")
        result = cls(**stored | {"retry_at": at and datetime.fromtimestamp(at, UTC)})
        is_over = result.retry_at is not None and result.retry_at <= timezone.now()
        if form.errors:
            return cls(INVALID_FORM)
        return cls() if is_over or result.code == INVALID_FORM else result
