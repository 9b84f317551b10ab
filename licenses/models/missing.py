"""Order lines that should have a serial number but don't."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef
from django.utils.translation import gettext_lazy as _

from licenses.models.licenses import LicensedLine
from orders.models import Order, OrderLine

# Kinds that have a serial number or keep an earlier one.
LICENSED_KINDS = (OrderLine.Kind.NEW, OrderLine.Kind.RENEWAL, OrderLine.Kind.UPGRADE)
RENEWING_KINDS = (OrderLine.Kind.RENEWAL, OrderLine.Kind.UPGRADE)
# Orders whose licenses are valid or expected.
ACTIVE_STATUSES = (Order.Status.PENDING, Order.Status.COMPLETED, Order.Status.PARTIALLY_REFUNDED)
# Buyers are asked to contact support if a serial number is still missing after this.
SERIAL_EXPECTED_WITHIN = timedelta(hours=24)


class LineWithoutSerialQuerySet(models.QuerySet["LineWithoutSerial"]):
    def missing(self) -> Self:
        """Lines of active orders without any license, not fully returned."""
        return self.filter(
            ~Exists(LicensedLine.objects.filter(line=OuterRef("pk"))),
            kind__in=LICENSED_KINDS,
            extends_serial="",
            quantity_returned__lt=F("quantity"),
            order__status__in=ACTIVE_STATUSES,
        )

    def placed_before(self, moment: datetime) -> Self:
        return self.filter(order__placed_at__lt=moment)

    def placed_since(self, moment: datetime) -> Self:
        return self.filter(order__placed_at__gte=moment)


class LineWithoutSerial(OrderLine):
    """An order line, as a model for the admin of missing serial numbers."""

    lines = LineWithoutSerialQuerySet.as_manager()

    class Meta:
        proxy = True
        default_permissions = ("view", "change")
        verbose_name = _("missing serial number")
        verbose_name_plural = _("missing serial numbers")

    @property
    def due_at(self) -> datetime | None:
        """When the buyer is asked to contact support; None until the payment is confirmed."""
        if self.order.status == Order.Status.PENDING:
            return None
        return self.order.placed_at + SERIAL_EXPECTED_WITHIN
