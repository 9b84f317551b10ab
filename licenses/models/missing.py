"""Order lines that should come with a serial number and have none."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef
from django.utils.translation import gettext_lazy as _

from licenses.models.licenses import LicensedLine
from orders.models import Order, OrderLine

# What comes with a serial number, or carries one on.
LICENSED_KINDS = (OrderLine.Kind.NEW, OrderLine.Kind.RENEWAL, OrderLine.Kind.UPGRADE)
RENEWING_KINDS = (OrderLine.Kind.RENEWAL, OrderLine.Kind.UPGRADE)
# Orders whose licenses are still to come, or stand.
STANDING = (Order.Status.PENDING, Order.Status.COMPLETED, Order.Status.PARTIALLY_REFUNDED)
# Buyers are told that after this a missing serial number is for support to mend.
USUALLY_THERE_AFTER = timedelta(hours=24)


class LineWithoutSerialQuerySet(models.QuerySet["LineWithoutSerial"]):
    def missing(self) -> Self:
        """Lines of orders that stand, with units that were not given back, and without any license."""
        return self.filter(
            ~Exists(LicensedLine.objects.filter(line=OuterRef("pk"))),
            kind__in=LICENSED_KINDS,
            extends_serial="",
            quantity_returned__lt=F("quantity"),
            order__status__in=STANDING,
        )

    def placed_before(self, moment: datetime) -> Self:
        return self.filter(order__placed_at__lt=moment)

    def placed_since(self, moment: datetime) -> Self:
        return self.filter(order__placed_at__gte=moment)


class LineWithoutSerial(OrderLine):
    """An order line as staff see it who look for its serial number."""

    lines = LineWithoutSerialQuerySet.as_manager()

    class Meta:
        proxy = True
        default_permissions = ("view", "change")
        verbose_name = _("missing serial number")
        verbose_name_plural = _("missing serial numbers")

    @property
    def due_at(self) -> datetime | None:
        """When the buyer was told to ask support; none while the payment is not confirmed."""
        if self.order.status == Order.Status.PENDING:
            return None
        return self.order.placed_at + USUALLY_THERE_AFTER
