"""Product swaps: exchanging a wrongly bought product for another one."""

from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cases.models import CaseEvent, DecidedCase
from licenses.models import License, Product
from orders.models import Order, OrderLine, Store, money_field
from orders.models.fields import NoCardNumbersCharField
from refunds.models.policies import currency_code


class SwapOffer(models.Model):
    """A product that a store offers in swaps, with the price used to calculate the difference."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="swap_offers", verbose_name=_("store"))
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+", verbose_name=_("product"))
    name = NoCardNumbersCharField(
        _("name"), max_length=200, help_text=_("For example, Maximum Security, 3 devices, 1 year.")
    )
    currency = models.CharField(_("currency"), max_length=3, validators=[currency_code])
    price = money_field()  # of one unit, including tax
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("swap offer")
        verbose_name_plural = _("swap offers")
        ordering = ["name", "pk"]
        constraints = [models.CheckConstraint(condition=Q(price__gte=0), name="swap_offer_price_not_negative")]

    def __str__(self) -> str:
        return self.name


class Swap(DecidedCase):
    """A request to swap one unit of an order line for another product."""

    class Status(models.TextChoices):
        RECEIVED = "received", _("received")
        IN_REVIEW = "in_review", _("in review")
        QUESTION_ASKED = "question_asked", _("question asked")
        APPROVED = "approved", _("approved")
        SWAPPED = "swapped", _("swapped")
        DECLINED = "declined", _("declined")
        CANCELLED = "cancelled", _("canceled")

    REFERENCE_PREFIX = "S"
    EMAIL_PREFIX = "swap"
    UNDECIDED = frozenset({Status.RECEIVED, Status.IN_REVIEW, Status.QUESTION_ASKED})
    CLOSED = frozenset({Status.SWAPPED, Status.DECLINED, Status.CANCELLED})
    SUCCESS_STATUS = Status.SWAPPED
    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]] = {
        "": frozenset({Status.RECEIVED}),
        Status.RECEIVED: frozenset(
            {Status.IN_REVIEW, Status.QUESTION_ASKED, Status.APPROVED, Status.DECLINED, Status.CANCELLED}
        ),
        Status.IN_REVIEW: frozenset({Status.QUESTION_ASKED, Status.APPROVED, Status.DECLINED, Status.CANCELLED}),
        Status.QUESTION_ASKED: frozenset({Status.IN_REVIEW, Status.APPROVED, Status.DECLINED, Status.CANCELLED}),
        Status.APPROVED: frozenset({Status.SWAPPED, Status.CANCELLED}),
    }

    status = models.CharField(_("status"), max_length=24, choices=Status)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="swaps", verbose_name=_("order"))
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="swaps", verbose_name=_("item"))
    offer = models.ForeignKey(
        SwapOffer, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("offer")
    )
    wanted = NoCardNumbersCharField(_("requested product"), max_length=300)
    # The offer's price minus the price paid for one unit, as shown to the buyer; null without an offer.
    price_difference = money_field(null=True, blank=True, editable=False)
    currency = models.CharField(_("currency"), max_length=3, editable=False)
    new_license = models.ForeignKey(
        License, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("new serial number")
    )

    class Meta:
        verbose_name = _("product swap")
        verbose_name_plural = _("product swaps")
        indexes = [
            models.Index(fields=["status", "due_at"], name="swap_queue"),
            models.Index(fields=["created_at"], name="swap_by_receipt"),
            models.Index(fields=["decided_at"], name="swap_by_decision"),
        ]

    @property
    def recipient(self) -> str:
        return self.order.email

    @property
    def path(self) -> str:
        return reverse("refunds:swap_status", args=[self.reference])

    @property
    def about_order(self) -> Order:
        return self.order


class SwapEvent(CaseEvent):
    """An entry in the history of a swap."""

    case = models.ForeignKey(Swap, on_delete=models.CASCADE, related_name="events")

    class Meta(CaseEvent.Meta):
        pass
