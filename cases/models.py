"""What every case has: a reference, a state with its transitions, a due date, a history."""

import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models import Order

# Crockford's: no letter that is read as another, none that is read as a digit.
REFERENCE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH = 8
ANSWERED_WITHIN = timedelta(days=3)  # what buyers are told


def new_reference(prefix: str) -> str:
    """What a buyer quotes on the phone, as R-7K3M9Q2P. It opens nothing."""
    return f"{prefix}-" + "".join(secrets.choice(REFERENCE_ALPHABET) for _position in range(REFERENCE_LENGTH))


def due() -> datetime:
    return timezone.now() + ANSWERED_WITHIN


class CaseQuerySet(models.QuerySet[Any]):
    def open(self) -> Self:
        """What is still to be decided, or to be done."""
        return self.exclude(status__in=self.model.CLOSED)

    def undecided(self) -> Self:
        return self.filter(status__in=self.model.UNDECIDED)

    def waiting_for_support(self) -> Self:
        """Undecided, and no answer of the buyer is awaited: the due date counts."""
        return self.undecided().filter(paused_at=None)

    def oldest_first(self) -> Self:
        return self.order_by("due_at", "pk")


class Case(models.Model):
    """One thing that a person follows by its reference. `cases.transitions` changes its status; nothing else does."""

    # Each kind of case says these.
    MAIL: ClassVar[str]  # mails about a step are named <MAIL>_<status>
    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]]  # "" is where a case begins
    UNDECIDED: ClassVar[frozenset[str]]
    CLOSED: ClassVar[frozenset[str]]
    WAITS_FOR_BUYER: ClassVar[frozenset[str]] = frozenset({"question_asked"})

    reference = models.CharField(_("reference"), max_length=16, unique=True, editable=False)
    submission_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    status: Any  # each kind of case has states of its own
    events: Any  # its history: a manager of the kind's own CaseEvents
    language = models.CharField(_("language"), max_length=16, blank=True, editable=False)
    created_at = models.DateTimeField(_("received at"), default=timezone.now, editable=False)
    due_at = models.DateTimeField(_("answer due"), default=due)
    # Since when the buyer owes the answer: meanwhile the due date does not count, and afterwards it is later by that.
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = CaseQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.reference

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.reference:
            self.reference = new_reference(self.reference_prefix)
        super().save(*args, **kwargs)

    @classmethod
    def event_model(cls) -> Any:
        """The model of its history's rows."""
        return cls._meta.get_field("events").related_model

    @property
    def reference_prefix(self) -> str:
        """The letter before its reference, by which people tell the kinds apart."""
        raise NotImplementedError

    @property
    def is_undecided(self) -> bool:
        return self.status in self.UNDECIDED

    @property
    def is_closed(self) -> bool:
        return self.status in self.CLOSED

    def is_overdue(self, now: datetime) -> bool:
        """Whether support owes an answer that it promised for an earlier moment."""
        return self.is_undecided and self.paused_at is None and self.due_at < now

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


class DecidedCase(Case):
    """A request that support decides: a return, a withdrawal, a swap, a cashback claim."""

    REFERENCE_PREFIX: ClassVar[str]
    GOOD_END: ClassVar[str]  # the status in which it ends well

    comment = models.TextField(_("comment of the buyer"), blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    class Meta:
        abstract = True

    @property
    def reference_prefix(self) -> str:
        return self.REFERENCE_PREFIX


class CaseEvent(models.Model):
    """One step of a case: who took it, from where to where, and what was said. Never changed.

    Each kind of case has a model of its own for them, whose `case` is a key with the related name `events`.
    """

    class Actor(models.TextChoices):
        BUYER = "buyer", _("buyer")
        STAFF = "staff", _("support")
        PORTAL = "portal", _("the portal")
        STORE = "store", _("the store")

    case: Any
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
        abstract = True
        verbose_name = _("step")
        verbose_name_plural = _("history")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"
