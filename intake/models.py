"""What only the intake needs to remember."""

from django.db import models

from orders.models import Order


class PaymentReference(models.Model):
    """The payment provider's name for an order's payment, as its store told it: payments find their order by it."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="payment_references")
    reference = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reference", "order"], name="payment_reference_once_per_order"),
        ]

    def __str__(self) -> str:
        return self.reference
