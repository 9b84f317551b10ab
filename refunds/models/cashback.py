"""Cashback promotions, and the claims of buyers who bought and activated a promoted product."""

from collections.abc import Mapping
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cases.models import CaseEvent, DecidedCase
from files.models import Upload
from licenses.models import License, Product
from orders.models import Order, Store, money_field
from orders.models.fields import NoCardNumbersCharField
from refunds.models.policies import country_code, currency_code


class CashbackPromotion(models.Model):
    """An amount for buyers of certain products, within a purchase period and a claim period.

    The first and last days are included, in the time zone of the order's store.
    """

    name = NoCardNumbersCharField(_("name"), max_length=200)
    stores = models.ManyToManyField(
        Store, blank=True, related_name="+", verbose_name=_("stores"), help_text=_("Leave empty for all stores.")
    )
    products = models.ManyToManyField(Product, related_name="+", verbose_name=_("products"))
    countries = ArrayField(
        models.CharField(max_length=2, validators=[country_code]),
        verbose_name=_("countries"),
        help_text=_("Country codes separated by commas, for example DE, AT, CH."),
    )
    bought_from = models.DateField(_("purchased from"))
    bought_until = models.DateField(_("purchased until"))
    claim_until = models.DateField(_("claims accepted until"))
    currency = models.CharField(_("currency"), max_length=3, validators=[currency_code])
    amount = money_field()
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("cashback promotion")
        verbose_name_plural = _("cashback promotions")
        ordering = ["-bought_from", "name"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="cashback_amount_positive"),
            models.CheckConstraint(
                condition=Q(bought_until__gte=F("bought_from")) & Q(claim_until__gte=F("bought_from")),
                name="cashback_days_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CashbackClaim(DecidedCase):
    """A claim on one promotion for one serial number."""

    class Status(models.TextChoices):
        RECEIVED = "received", _("received")
        IN_REVIEW = "in_review", _("in review")
        QUESTION_ASKED = "question_asked", _("question asked")
        APPROVED = "approved", _("approved")
        PAID = "paid", _("paid")
        DECLINED = "declined", _("declined")
        CANCELLED = "cancelled", _("canceled")

    class PayoutMethod(models.TextChoices):
        ORIGINAL = "original", _("original payment method")
        BANK = "bank", _("bank account")

    REFERENCE_PREFIX = "C"
    EMAIL_PREFIX = "cashback"
    UNDECIDED = frozenset({Status.RECEIVED, Status.IN_REVIEW, Status.QUESTION_ASKED})
    CLOSED = frozenset({Status.PAID, Status.DECLINED, Status.CANCELLED})
    SUCCESS_STATUS = Status.PAID
    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]] = {
        "": frozenset({Status.RECEIVED}),
        Status.RECEIVED: frozenset(
            {Status.IN_REVIEW, Status.QUESTION_ASKED, Status.APPROVED, Status.DECLINED, Status.CANCELLED}
        ),
        Status.IN_REVIEW: frozenset({Status.QUESTION_ASKED, Status.APPROVED, Status.DECLINED, Status.CANCELLED}),
        Status.QUESTION_ASKED: frozenset({Status.IN_REVIEW, Status.APPROVED, Status.DECLINED, Status.CANCELLED}),
        Status.APPROVED: frozenset({Status.PAID, Status.DECLINED}),
    }

    status = models.CharField(_("status"), max_length=24, choices=Status)
    promotion = models.ForeignKey(
        CashbackPromotion, on_delete=models.PROTECT, related_name="claims", verbose_name=_("promotion")
    )
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="cashback_claims", verbose_name=_("order"))
    license = models.ForeignKey(
        License, on_delete=models.PROTECT, related_name="cashback_claims", verbose_name=_("serial number")
    )
    country = models.CharField(_("country"), max_length=2, validators=[country_code])
    currency = models.CharField(_("currency"), max_length=3, editable=False)
    amount = money_field(editable=False)
    payout_method = models.CharField(
        _("payout method"), max_length=16, choices=PayoutMethod, default=PayoutMethod.ORIGINAL
    )
    # Null once `purge_files` has deleted the upload.
    proof = models.ForeignKey(
        Upload, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("proof of purchase")
    )
    # Encrypted (see refunds/payout_details.py). Emptied when the claim is closed.
    payout_details = models.BinaryField(editable=False, blank=True, default=bytes)
    payout_reference = models.CharField(_("payout reference"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("cashback claim")
        verbose_name_plural = _("cashback claims")
        permissions = [
            ("pay_cashbackclaim", _("Can record payouts of cashback")),
            ("reveal_payoutdetails", _("Can see bank details for payouts")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["license"],
                condition=~Q(status__in=["declined", "cancelled"]),
                name="cashback_once_per_serial_number",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="cashback_claim_amount_positive"),
            models.CheckConstraint(
                condition=~Q(status="paid") | ~Q(payout_reference=""), name="cashback_paid_has_reference"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["paid", "declined", "cancelled"]) | Q(payout_details=b""),
                name="cashback_closed_keeps_no_details",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "due_at"], name="cashback_queue"),
            models.Index(fields=["created_at"], name="cashback_by_receipt"),
            models.Index(fields=["decided_at"], name="cashback_by_decision"),
        ]

    @property
    def is_account_doubtful(self) -> bool:
        """Whether all access to the order was ended after someone with access named the bank account."""
        ended_at = self.order.access_ended_at
        return bool(self.payout_details) and ended_at is not None and self.created_at <= ended_at

    @property
    def recipient(self) -> str:
        return self.order.email

    @property
    def path(self) -> str:
        return reverse("refunds:cashback_status", args=[self.reference])

    @property
    def about_order(self) -> Order:
        return self.order


class CashbackEvent(CaseEvent):
    """An entry in the history of a cashback claim."""

    case = models.ForeignKey(CashbackClaim, on_delete=models.CASCADE, related_name="events")

    class Meta(CaseEvent.Meta):
        pass
