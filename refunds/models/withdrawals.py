"""Withdrawals: statements by which consumers withdraw from a contract under EU law, without a reason."""

from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cases.models import CaseEvent, DecidedCase
from notifications.addresses import EmailKeyField
from orders.models import Order, money_field
from orders.models.fields import NoCardNumbersCharField


class Withdrawal(DecidedCase):
    """A withdrawal with the statement as it was typed, and its order once that is known."""

    class Status(models.TextChoices):
        RECEIVED = "received", _("received")
        IN_REVIEW = "in_review", _("in review")
        QUESTION_ASKED = "question_asked", _("question asked")
        APPROVED = "approved", _("accepted")
        REFUNDED = "refunded", _("refunded")
        DECLINED = "declined", _("declined")

    REFERENCE_PREFIX = "W"
    EMAIL_PREFIX = "withdrawal"
    UNDECIDED = frozenset({Status.RECEIVED, Status.IN_REVIEW, Status.QUESTION_ASKED})
    CLOSED = frozenset({Status.REFUNDED, Status.DECLINED})
    SUCCESS_STATUS = Status.REFUNDED
    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]] = {
        "": frozenset({Status.RECEIVED}),
        Status.RECEIVED: frozenset(
            {Status.IN_REVIEW, Status.QUESTION_ASKED, Status.APPROVED, Status.DECLINED, Status.REFUNDED}
        ),
        Status.IN_REVIEW: frozenset({Status.QUESTION_ASKED, Status.APPROVED, Status.DECLINED, Status.REFUNDED}),
        Status.QUESTION_ASKED: frozenset({Status.IN_REVIEW, Status.APPROVED, Status.DECLINED, Status.REFUNDED}),
        Status.APPROVED: frozenset({Status.REFUNDED, Status.DECLINED}),
    }

    status = models.CharField(_("status"), max_length=24, choices=Status)
    name = NoCardNumbersCharField(_("name"), max_length=200)
    order_number = models.CharField(_("order number as entered"), max_length=200)
    email = models.CharField(_("email address"), max_length=254)
    email_key = EmailKeyField("email")
    # Set by `match_withdrawals` if number and email address match, otherwise by staff.
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, null=True, blank=True, related_name="withdrawals", verbose_name=_("order")
    )
    is_matching_due = models.BooleanField(default=True, db_default=True, editable=False)
    withdraw_until = models.DateTimeField(_("withdrawal possible until"), null=True, blank=True, editable=False)
    is_late = models.BooleanField(_("late"), default=False, editable=False)
    amount_approved = money_field(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("withdrawal")
        verbose_name_plural = _("withdrawals")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_approved__isnull=True) | Q(amount_approved__gt=0),
                name="withdrawal_approved_amount_positive",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "due_at"], name="withdrawal_queue"),
            models.Index(fields=["created_at"], name="withdrawal_by_receipt"),
            models.Index(fields=["decided_at"], name="withdrawal_by_decision"),
            models.Index(fields=["id"], condition=Q(is_matching_due=True), name="withdrawal_matching_due"),
        ]

    @property
    def recipient(self) -> str:
        return self.email

    @property
    def path(self) -> str:
        """The order's page, once the order is known. A withdrawal has no status page."""
        return reverse("orders:order", args=[self.order.public_id]) if self.order else reverse("orders:find")

    @property
    def about_order(self) -> Order | None:
        return self.order


class WithdrawalEvent(CaseEvent):
    """An entry in the history of a withdrawal."""

    case = models.ForeignKey(Withdrawal, on_delete=models.CASCADE, related_name="events")

    class Meta(CaseEvent.Meta):
        pass
