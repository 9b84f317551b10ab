"""Abstract models of cases: a reference, a status with a transition table, a due date, a history."""

import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.models import Order, money_field
from orders.models.fields import NoCardNumbersCharField, NoCardNumbersTextField

# Crockford's base 32: without I, L, O and U, which are easily misread.
REFERENCE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH = 8
RESPONSE_TIME = timedelta(days=3)  # promised to buyers


def new_reference(prefix: str) -> str:
    """Return a random reference such as R-7K3M9Q2P, which buyers quote to support. It gives no access."""
    return f"{prefix}-" + "".join(secrets.choice(REFERENCE_ALPHABET) for _position in range(REFERENCE_LENGTH))


def default_due_at() -> datetime:
    return timezone.now() + RESPONSE_TIME


class CaseQuerySet(models.QuerySet[Any]):
    def open(self) -> Self:
        """Return cases that are undecided, or decided and not carried out yet."""
        return self.exclude(status__in=self.model.CLOSED)

    def undecided(self) -> Self:
        return self.filter(status__in=self.model.UNDECIDED)

    def waiting_for_support(self) -> Self:
        """Return undecided cases that don't wait for an answer from the buyer, and aren't snoozed."""
        return self.undecided().filter(paused_at=None).exclude(self.is_snoozed(timezone.now()))

    def waiting_for_buyer(self) -> Self:
        return self.undecided().filter(paused_at__isnull=False)

    def snoozed(self) -> Self:
        return self.undecided().filter(self.is_snoozed(timezone.now()), paused_at=None)

    def waiting_for_second_approval(self) -> Self:
        return self.undecided().filter(first_approved_by__isnull=False)

    @staticmethod
    def is_snoozed(now: datetime) -> Q:
        """The condition for cases that staff snoozed. A case whose reply is due never is."""
        return Q(snoozed_until__isnull=False, snoozed_until__gt=now, due_at__gt=now)

    def oldest_first(self) -> Self:
        return self.order_by("due_at", "pk")


class Case(models.Model):
    """A request that the buyer follows by its reference. Only `cases.transitions` changes its status."""

    # Set by each concrete model.
    EMAIL_PREFIX: ClassVar[str]  # the email about a transition is of the kind <EMAIL_PREFIX>_<status>
    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]]  # from "" when a case is created
    UNDECIDED: ClassVar[frozenset[str]]
    CLOSED: ClassVar[frozenset[str]]
    WAITING_FOR_BUYER: ClassVar[frozenset[str]] = frozenset({"question_asked"})

    reference = models.CharField(_("reference"), max_length=16, unique=True, editable=False)
    submission_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    status: Any  # a CharField with the choices of the model's own `Status`
    events: Any  # related manager of the model's own CaseEvent subclass
    language = models.CharField(_("language"), max_length=16, blank=True, editable=False)
    created_at = models.DateTimeField(_("received at"), default=timezone.now, editable=False)
    due_at = models.DateTimeField(_("reply due"), default=default_due_at)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("assigned to"),
    )
    tags = ArrayField(
        NoCardNumbersCharField(max_length=40), verbose_name=_("tags"), default=list, blank=True, db_default=[]
    )
    # Not shown as waiting for support until then, or until the reply is due. An answer of the buyer ends it.
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True, editable=False)
    # When the wait for the buyer's answer began. The answer extends the due date by the length of the wait.
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
        """Return the CaseEvent subclass of this model."""
        return cls._meta.get_field("events").related_model

    @property
    def reference_prefix(self) -> str:
        """The first letter of references of this kind of case."""
        raise NotImplementedError

    @property
    def is_undecided(self) -> bool:
        return self.status in self.UNDECIDED

    @property
    def is_closed(self) -> bool:
        return self.status in self.CLOSED

    def is_overdue(self, now: datetime) -> bool:
        """Whether support has missed the promised time of its answer."""
        return self.is_undecided and self.paused_at is None and self.due_at < now

    def is_snoozed(self, now: datetime) -> bool:
        """The same as the queryset's condition, for one case."""
        return self.snoozed_until is not None and self.snoozed_until > now and self.due_at > now

    @property
    def recipient(self) -> str:
        """The address that emails about this case are sent to."""
        raise NotImplementedError

    @property
    def path(self) -> str:
        """The URL path of the page on which the buyer follows this case."""
        raise NotImplementedError

    @property
    def about_order(self) -> Order | None:
        """The order that this case belongs to, if it is known."""
        raise NotImplementedError


class DecidedCase(Case):
    """A request that support decides on: a return, a withdrawal, a swap, a cashback claim."""

    REFERENCE_PREFIX: ClassVar[str]
    SUCCESS_STATUS: ClassVar[str]  # the closed status of a case that was carried out

    comment = NoCardNumbersTextField(_("buyer’s comment"), blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    # The approval of one person, while it waits for a second one. See refunds/services/approvals.py.
    first_approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    first_approved_amount = money_field(null=True, blank=True, editable=False)
    first_approved_text = NoCardNumbersTextField(blank=True, editable=False, default="", db_default="")

    class Meta:
        abstract = True

    @property
    def reference_prefix(self) -> str:
        return self.REFERENCE_PREFIX

    def forget_first_approval(self) -> None:
        """Without saving."""
        self.first_approved_by, self.first_approved_amount, self.first_approved_text = None, None, ""


class CaseEvent(models.Model):
    """One entry in a case's history: a status change, or a note or answer without one. Never changed.

    Each concrete case model has its own subclass, whose `case` is a foreign key with `related_name="events"`.
    """

    class Actor(models.TextChoices):
        BUYER = "buyer", _("buyer")
        STAFF = "staff", _("support")
        PORTAL = "portal", _("the portal")
        STORE = "store", _("the store")

    case: Any
    at = models.DateTimeField(_("date"), default=timezone.now)
    actor = models.CharField(_("changed by"), max_length=8, choices=Actor)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("staff member"),
    )
    from_status = models.CharField(_("old status"), max_length=24, blank=True)
    to_status = models.CharField(_("new status"), max_length=24)
    text = NoCardNumbersTextField(_("message to or from the buyer"), blank=True)
    note = NoCardNumbersTextField(_("internal note"), blank=True)

    class Meta:
        abstract = True
        verbose_name = _("history entry")
        verbose_name_plural = _("history")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        if self.from_status == self.to_status:
            return gettext("note")
        case_type = type(self)._meta.get_field("case").related_model  # type: ignore[misc] # of the subclass
        labels = dict(case_type.Status.choices)
        statuses = [self.from_status, self.to_status] if self.from_status else [self.to_status]
        return " → ".join(str(labels.get(status, status)) for status in statuses)
