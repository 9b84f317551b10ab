"""Licenses, and their links to order lines."""

import unicodedata
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from licenses.models.products import Product
from orders.models import Order, OrderLine


def normalize_serial(typed: str) -> str:
    """Return the form in which serial numbers are compared: in capitals, without spaces and dashes of any kind."""
    text = unicodedata.normalize("NFKC", typed)
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) not in ("Pd", "Cc", "Cf")).upper()


class License(models.Model):
    """The right to use a product on some devices, known by its serial number.

    A license can belong to several orders, because a renewal keeps the serial number. Its product, devices, dates and
    `revoked_at` are derived from its order lines and the decisions of staff (see licenses/services/worth.py).
    """

    class StaffDecision(models.TextChoices):
        NONE = "", _("derived from its orders")
        VALID = "valid", _("valid, regardless of its orders")
        REVOKED = "revoked", _("revoked")

    serial = models.CharField(_("serial number"), max_length=100, help_text=_("Spelled as in the store."))
    serial_key = models.CharField(max_length=100, unique=True, editable=False)
    product = models.ForeignKey(Product, on_delete=models.SET_NULL, null=True, blank=True, related_name="licenses")
    devices = models.PositiveIntegerField(_("devices covered"), null=True, blank=True)
    starts_on = models.DateField(_("starts on"), null=True, blank=True)
    expires_on = models.DateField(_("valid until"), null=True, blank=True)
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    staff_decision = models.CharField(
        _("status set by staff"), max_length=8, choices=StaffDecision, blank=True, default=StaffDecision.NONE
    )
    staff_expires_on = models.DateField(
        _("extended until"),
        null=True,
        blank=True,
        help_text=_("Applies if it’s later than the end date from the orders."),
    )

    class Meta:
        verbose_name = _("license")
        verbose_name_plural = _("licenses")
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_on__isnull=True) | Q(starts_on__isnull=True) | Q(expires_on__gte=F("starts_on")),
                name="license_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return self.serial

    def save(self, *args: object, **kwargs: object) -> None:
        self.serial_key = normalize_serial(self.serial)
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class EndReason(models.TextChoices):
    """Why a serial number is no longer part of an order."""

    RETURNED = "returned", _("returned")
    SWAPPED = "swapped", _("swapped")
    REFUNDED = "refunded", _("refunded")
    CHARGED_BACK = "charged_back", _("charged back")
    CANCELLED = "cancelled", _("canceled")


CLOSED_STATUSES: dict[str, EndReason] = {
    Order.Status.CANCELLED: EndReason.CANCELLED,
    Order.Status.REFUNDED: EndReason.REFUNDED,
    Order.Status.CHARGED_BACK: EndReason.CHARGED_BACK,
}


def end_reason(order: Order, line: OrderLine, unit_end: str = "") -> EndReason | None:
    """Why a serial number of this line is no longer part of the order; None if it is. `unit_end` is
    that of its unit.
    """
    if unit_end == EndReason.SWAPPED:
        return EndReason.SWAPPED
    if order.status in CLOSED_STATUSES:
        return CLOSED_STATUSES[order.status]
    if line.quantity_returned >= line.quantity:
        return EndReason.RETURNED
    return EndReason(unit_end) if unit_end else None


class LicensedLineQuerySet(models.QuerySet["LicensedLine"]):
    def active(self) -> Self:
        """Serial numbers that are part of their order: the same as `end_reason` being None."""
        return self.filter(unit_end="", line__quantity_returned__lt=F("line__quantity")).exclude(
            order__status__in=CLOSED_STATUSES
        )


class LicensedLine(models.Model):
    """A license on an order line, bought or renewed there, with the line's data about it."""

    class Origin(models.TextChoices):
        STORE = "store", _("from the store")
        STAFF = "staff", _("assigned by staff")

    class UnitEnd(models.TextChoices):
        NONE = "", "–"
        RETURNED = EndReason.RETURNED.value, EndReason.RETURNED.label
        SWAPPED = EndReason.SWAPPED.value, EndReason.SWAPPED.label

    line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="licensed_lines")
    # Denormalized, so that a page of many orders needs one query.
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="licensed_lines")
    license = models.ForeignKey(License, on_delete=models.PROTECT, related_name="licensed_lines")
    origin = models.CharField(_("origin"), max_length=8, choices=Origin, default=Origin.STORE)
    # The line's data about the license, from which its validity is derived.
    product = models.ForeignKey(
        Product, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("product")
    )
    devices = models.PositiveIntegerField(_("devices covered"), null=True, blank=True)
    starts_on = models.DateField(_("starts on"), null=True, blank=True)
    expires_on = models.DateField(_("valid until"), null=True, blank=True)
    # Set if the unit with this serial number was returned or swapped while other units of the line remain.
    unit_end = models.CharField(
        _("ended"), max_length=8, choices=UnitEnd, blank=True, default=UnitEnd.NONE, editable=False
    )
    # Whether a refund of the order ends the license, by the store's policy at the purchase. Set by `refunds`.
    ends_with_refund = models.BooleanField(default=False, editable=False)

    objects = LicensedLineQuerySet.as_manager()

    class Meta:
        verbose_name = _("license on an order line")
        verbose_name_plural = _("licenses on order lines")
        constraints = [
            models.UniqueConstraint(fields=["line", "license"], name="license_once_per_line"),
            models.CheckConstraint(
                condition=Q(expires_on__isnull=True) | Q(starts_on__isnull=True) | Q(expires_on__gte=F("starts_on")),
                name="licensed_line_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.license_id} / {self.line_id}"
