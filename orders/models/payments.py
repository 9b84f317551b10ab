"""Refunds, and references of payments."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.fields import money_field

# The id of a refund that the store reported only as part of a sum. When the sum grows, `refunded#2` and so on are
# added.
TOTAL_REFUND_ID = "refunded"


class Refund(models.Model):
    """A refund of an order, made by the portal or the store. Amounts are positive, in the currency of the order."""

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="refunds")
    store_refund_id = models.CharField(_("refund ID in the store"), max_length=100)
    amount = money_field()
    # Empty if the store doesn't report the time.
    refunded_at = models.DateTimeField(_("refunded at"), null=True, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, db_default=Now(), editable=False)
    # Since when the refund is missing from the store's newest list. A recorded refund is never deleted.
    missing_since = models.DateTimeField(_("missing from the store since"), null=True, blank=True, editable=False)
    # The refunded items, if the store reports them: [{"id": store_line_id, "quantity": n}].
    lines = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            models.UniqueConstraint(fields=["order", "store_refund_id"], name="refund_id_once_per_order"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="refund_amount_not_negative"),
        ]

    def __str__(self) -> str:
        return self.store_refund_id

    @property
    def known_at(self) -> datetime:
        """When it was made, or the latest time at which it can have been made."""
        return self.refunded_at or self.recorded_at


class PaymentReference(models.Model):
    """The payment provider's id for a payment of an order, as sent by the store.

    It is used to match payments to orders, and refunds to payments.
    """

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="payment_references")
    reference = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reference", "order"], name="payment_reference_once_per_order"),
        ]

    def __str__(self) -> str:
        return self.reference
