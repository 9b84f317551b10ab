"""What was bought as things that can be used: products, SKUs, licences."""

import unicodedata

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from orders.models import Order, OrderLine, Store


def normalize_serial(typed: str) -> str:
    """The form under which a serial number is looked up: capitals, no spaces, no dashes of any kind."""
    text = unicodedata.normalize("NFKC", typed)
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) not in ("Pd", "Cc", "Cf")).upper()


class Product(models.Model):
    """A family with its own prefixes, releases and guides, as in Maximum Security."""

    slug = models.SlugField(_("short name"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SerialPrefix(models.Model):
    """What a serial number begins with tells its product; the longest prefix wins."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="prefixes")
    prefix = models.CharField(_("prefix"), max_length=16, unique=True)

    class Meta:
        verbose_name = _("serial number prefix")
        verbose_name_plural = _("serial number prefixes")
        constraints = [
            models.CheckConstraint(condition=Q(prefix__regex=r"^[A-Z0-9]+$"), name="serial_prefix_capitals_and_digits"),
        ]

    def __str__(self) -> str:
        return self.prefix


class Sku(models.Model):
    """What a store sold: 3 devices for 1 year of a product."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="skus")
    code = models.CharField("SKU", max_length=100)
    name = models.CharField(_("name"), max_length=300, blank=True)
    product = models.ForeignKey(
        Product,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="skus",
        verbose_name=_("product"),
    )

    class Meta:
        verbose_name = "SKU"
        verbose_name_plural = "SKUs"
        constraints = [models.UniqueConstraint(fields=["store", "code"], name="sku_code_once_per_store")]

    def __str__(self) -> str:
        return self.code


class License(models.Model):
    """The right to use a product on some devices, known by its serial number.

    One licence can stand on several orders: a renewal carries the serial number on.
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
        verbose_name = _("licence")
        verbose_name_plural = _("licences")
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
    """A licence on an order line: bought there, or carried on by it."""

    class Origin(models.TextChoices):
        STORE = "store", _("from the store")
        STAFF = "staff", _("assigned by staff")

    line = models.ForeignKey(OrderLine, on_delete=models.CASCADE, related_name="licensed_lines")
    # Again here, so that a page of many orders needs one query.
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="licensed_lines")
    license = models.ForeignKey(License, on_delete=models.PROTECT, related_name="licensed_lines")
    origin = models.CharField(_("origin"), max_length=8, choices=Origin, default=Origin.STORE)

    class Meta:
        verbose_name = _("licence on an order line")
        verbose_name_plural = _("licences on order lines")
        constraints = [models.UniqueConstraint(fields=["line", "license"], name="license_once_per_line")]

    def __str__(self) -> str:
        return f"{self.license_id} / {self.line_id}"
