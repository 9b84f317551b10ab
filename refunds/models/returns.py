"""Returns: requests to return units of an order for a refund."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from cases.models import CaseEvent, DecidedCase
from licenses.models import License
from orders.models import Order, OrderLine, money_field
from orders.models.fields import NoCardNumbersCharField, NoCardNumbersJSONField


class ReturnReason(models.Model):
    """A reason that buyers choose from. Staff edit the list and its translations."""

    name = NoCardNumbersCharField(
        _("reason"), max_length=200, help_text=_("In English. Shown if there’s no translation.")
    )
    # {"de": "Falsches Produkt gekauft"}
    translations = NoCardNumbersJSONField(
        _("translations"), default=dict, blank=True, help_text=_('For example {"de": "…"}.')
    )
    offers_swap = models.BooleanField(
        _("suggest a product swap"),
        default=False,
        help_text=_("Buyers who choose this reason can request a product swap instead."),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("return reason")
        verbose_name_plural = _("return reasons")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The reason in the active language or its base language (de for de-at), else from the translation catalog."""
        language = get_language() or ""
        written = self.translations.get(language) or self.translations.get(language.split("-")[0])
        return written or gettext(self.name)


class Return(DecidedCase):
    """A request to return units. Its units cannot be requested again until it is canceled or declined."""

    class Status(models.TextChoices):
        RECEIVED = "received", _("received")
        IN_REVIEW = "in_review", _("in review")
        QUESTION_ASKED = "question_asked", _("question asked")
        APPROVED = "approved", _("approved")
        REFUNDED = "refunded", _("refunded")
        DECLINED = "declined", _("declined")
        CANCELLED = "cancelled", _("canceled")

    REFERENCE_PREFIX = "R"
    EMAIL_PREFIX = "return"
    UNDECIDED = frozenset({Status.RECEIVED, Status.IN_REVIEW, Status.QUESTION_ASKED})
    CLOSED = frozenset({Status.REFUNDED, Status.DECLINED, Status.CANCELLED})
    SUCCESS_STATUS = Status.REFUNDED
    # REFUNDED is allowed from every open status, because the store may refund without a decision here.
    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]] = {
        "": frozenset({Status.RECEIVED}),
        Status.RECEIVED: frozenset(
            {
                Status.IN_REVIEW,
                Status.QUESTION_ASKED,
                Status.APPROVED,
                Status.DECLINED,
                Status.CANCELLED,
                Status.REFUNDED,
            }
        ),
        Status.IN_REVIEW: frozenset(
            {Status.QUESTION_ASKED, Status.APPROVED, Status.DECLINED, Status.CANCELLED, Status.REFUNDED}
        ),
        Status.QUESTION_ASKED: frozenset(
            {Status.IN_REVIEW, Status.APPROVED, Status.DECLINED, Status.CANCELLED, Status.REFUNDED}
        ),
        Status.APPROVED: frozenset({Status.REFUNDED, Status.DECLINED}),
    }

    status = models.CharField(_("status"), max_length=24, choices=Status)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="returns", verbose_name=_("order"))
    reason = models.ForeignKey(ReturnReason, on_delete=models.PROTECT, related_name="+", verbose_name=_("reason"))
    currency = models.CharField(_("currency"), max_length=3, editable=False)
    amount = money_field(editable=False)  # requested: the sum of the lines
    amount_approved = money_field(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("return")
        verbose_name_plural = _("returns")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="return_amount_not_negative"),
            models.CheckConstraint(
                condition=Q(amount_approved__isnull=True)
                | Q(amount_approved__gt=0) & Q(amount_approved__lte=F("amount")),
                name="return_approved_within_amount",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "due_at"], name="return_queue"),
            models.Index(fields=["created_at"], name="return_by_receipt"),
            models.Index(fields=["decided_at"], name="return_by_decision"),
        ]

    @property
    def recipient(self) -> str:
        return self.order.email

    @property
    def path(self) -> str:
        return reverse("refunds:return_status", args=[self.reference])

    @property
    def about_order(self) -> Order:
        return self.order

    def license_ids(self) -> set[int]:
        """Return the ids of the licenses of the returned units; see `ReturnLine.license_ids`."""
        lines = self.lines.prefetch_related("licenses", "line__licensed_lines")
        return {license_id for line in lines for license_id in line.license_ids()}


class ReturnLine(models.Model):
    """Units of one order line in a return, and their refund amount."""

    return_case = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="lines")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="return_lines")
    quantity = models.PositiveIntegerField(_("quantity"))
    amount = money_field(default=Decimal(0))  # including tax
    tax = money_field(default=Decimal(0))
    # The licenses to return: all of the line's if all units are returned.
    licenses = models.ManyToManyField(License, related_name="+", blank=True, verbose_name=_("serial numbers"))

    class Meta:
        verbose_name = _("returned item")
        verbose_name_plural = _("returned items")
        constraints = [
            models.UniqueConstraint(fields=["return_case", "line"], name="return_line_once_per_return"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="return_line_quantity_positive"),
            models.CheckConstraint(condition=Q(amount__gte=0) & Q(tax__gte=0), name="return_line_amount_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.line.name}"

    def license_ids(self) -> set[int]:
        """Return the ids of its licenses; those of all licenses of the line if it is unknown which
        ones are returned.
        """
        chosen = {license.pk for license in self.licenses.all()}
        return chosen or {link.license_id for link in self.line.licensed_lines.all()}


class ReturnEvent(CaseEvent):
    """An entry in the history of a return."""

    case = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="events")

    class Meta(CaseEvent.Meta):
        pass
