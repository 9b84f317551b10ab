"""Licenses, and their links to order lines."""

import unicodedata

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from licenses.models.products import Product
from orders.models import Order, OrderLine


def normalize_serial(typed: str) -> str:
    """The key by which serial numbers are compared: in capitals, without spaces and dashes of any kind."""
    text = unicodedata.normalize("NFKC", typed)
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) not in ("Pd", "Cc", "Cf")).upper()


class License(models.Model):
    """The right to use a product on some devices, known by its serial number.

    A license can belong to several orders, because a renewal keeps the serial number.
    """

    serial = models.CharField(_("serial number"), max_length=100, help_text=_("As the store writes it."))
    serial_key = models.CharField(max_length=100, unique=True, editable=False)
    product = models.ForeignKey(Product, on_delete=models.SET_NULL, null=True, blank=True, related_name="licenses")
    devices = models.PositiveIntegerField(_("devices covered"), null=True, blank=True)
    starts_on = models.DateField(_("starts on"), null=True, blank=True)
    expires_on = models.DateField(_("runs until"), null=True, blank=True)
    activated_at = models.DateTimeField(_("activated at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

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


class LicensedLine(models.Model):
    """A license on an order line: bought or renewed there."""

    class Origin(models.TextChoices):
        STORE = "store", _("from the store")
        STAFF = "staff", _("assigned by staff")

    line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="licensed_lines")
    # Denormalized, so that a page of many orders needs one query.
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="licensed_lines")
    license = models.ForeignKey(License, on_delete=models.PROTECT, related_name="licensed_lines")
    origin = models.CharField(_("origin"), max_length=8, choices=Origin, default=Origin.STORE)
    # The expiry date before this line extended it, which a refund of the line restores.
    extended_from = models.DateField(null=True, blank=True, editable=False)
    # When the extension was reverted; no import applies it again.
    taken_back_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("license on an order line")
        verbose_name_plural = _("licenses on order lines")
        constraints = [models.UniqueConstraint(fields=["line", "license"], name="license_once_per_line")]

    def __str__(self) -> str:
        return f"{self.license_id} / {self.line_id}"
