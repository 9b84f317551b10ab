"""What all that buyers ask for has in common: a reference, a state, a history."""

import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models import Order

# Crockford's: no letter that is read as another, none that is read as a digit.
REFERENCE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH = 8
ANSWERED_WITHIN = timedelta(days=3)  # what buyers are told


def new_reference(letter: str) -> str:
    """What a buyer quotes on the phone, as R-7K3M9Q2P. It opens nothing."""
    return f"{letter}-" + "".join(secrets.choice(REFERENCE_ALPHABET) for _position in range(REFERENCE_LENGTH))


def due() -> datetime:
    return timezone.now() + ANSWERED_WITHIN


class CaseQuerySet(models.QuerySet[Any]):
    def open(self) -> Self:
        """What is still to be decided, or to be done."""
        return self.exclude(status__in=self.model.CLOSED)

    def undecided(self) -> Self:
        return self.filter(status__in=self.model.UNDECIDED)

    def oldest_first(self) -> Self:
        return self.order_by("due_at", "pk")


class Case(models.Model):
    """One thing that a buyer asked for. The verbs of refunds/services move it; nothing else does."""

    # Each kind of case says these.
    LETTER: ClassVar[str]
    MAIL: ClassVar[str]  # mails about a step are named <MAIL>_<status>
    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]]
    UNDECIDED: ClassVar[frozenset[str]]
    CLOSED: ClassVar[frozenset[str]]

    reference = models.CharField(_("reference"), max_length=16, unique=True, editable=False)
    submission_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    status: Any  # each kind of case has states of its own
    comment = models.TextField(_("comment of the buyer"), blank=True)
    language = models.CharField(_("language"), max_length=16, blank=True, editable=False)
    created_at = models.DateTimeField(_("received at"), default=timezone.now, editable=False)
    due_at = models.DateTimeField(_("answer due"), default=due)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    objects = CaseQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.reference

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.reference:
            self.reference = new_reference(self.LETTER)
        super().save(*args, **kwargs)

    @property
    def is_undecided(self) -> bool:
        return self.status in self.UNDECIDED

    @property
    def is_closed(self) -> bool:
        return self.status in self.CLOSED

    @property
    def recipient(self) -> str:
        """The address that mails about this case go to."""
        raise NotImplementedError

    @property
    def path(self) -> str:
        """The page on which the buyer follows it."""
        raise NotImplementedError

    @property
    def about_order(self) -> Order | None:
        """The order it belongs to, where that is known."""
        raise NotImplementedError


def _case_key(name: str) -> Any:
    return models.ForeignKey(f"refunds.{name}", on_delete=models.CASCADE, null=True, blank=True, related_name="events")


class CaseEvent(models.Model):
    """One step of a case: who moved it, from where to where, and what was said. Never changed."""

    CASES: ClassVar[tuple[str, ...]] = ("return_case", "withdrawal", "swap", "cashback_claim")

    class Actor(models.TextChoices):
        BUYER = "buyer", _("buyer")
        STAFF = "staff", _("support")
        PORTAL = "portal", _("the portal")
        STORE = "store", _("the store")

    return_case = _case_key("Return")
    withdrawal = _case_key("Withdrawal")
    swap = _case_key("Swap")
    cashback_claim = _case_key("CashbackClaim")
    at = models.DateTimeField(_("at"), default=timezone.now)
    actor = models.CharField(_("who"), max_length=8, choices=Actor)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    from_status = models.CharField(_("from"), max_length=24, blank=True)
    to_status = models.CharField(_("to"), max_length=24)
    text = models.TextField(_("said to the buyer, or by the buyer"), blank=True)
    note = models.TextField(_("internal note"), blank=True)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("history")
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                name="case_event_of_exactly_one_case",
                condition=Q(**{"return_case__isnull": False, "withdrawal": None, "swap": None, "cashback_claim": None})
                | Q(**{"return_case": None, "withdrawal__isnull": False, "swap": None, "cashback_claim": None})
                | Q(**{"return_case": None, "withdrawal": None, "swap__isnull": False, "cashback_claim": None})
                | Q(**{"return_case": None, "withdrawal": None, "swap": None, "cashback_claim__isnull": False}),
            )
        ]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"

    @property
    def case(self) -> Case:
        return next(case for name in self.CASES if (case := getattr(self, name)) is not None)
