"""Products with their serial number prefixes, and the SKUs that stores sell them under."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.models import OrderLine, Store
from orders.models.fields import NoCardNumbersCharField, NoCardNumbersSlugField


class Product(models.Model):
    """A product family with its own prefixes, releases and guides, such as Maximum Security."""

    slug = NoCardNumbersSlugField(_("short name"), max_length=64, unique=True)
    name = NoCardNumbersCharField(_("name"), max_length=200)
    device_releases_a_year = models.PositiveSmallIntegerField(
        _("device releases per year"),
        default=5,
        help_text=_("How many devices the owner of a license can release in 365 days."),
    )
    public_download = models.BooleanField(
        _("download without an order"),
        default=False,
        db_default=False,
        help_text=_("Anyone can download the current installers, for example a free trial."),
    )
    serial_pattern = models.CharField(
        _("serial number format"),
        max_length=100,
        blank=True,
        validators=[
            RegexValidator(
                r"^[A0]+(-[A0]+)*\Z",
                _("Use A for a letter, 0 for a digit, and hyphens, for example AAAA-0000."),
            )
        ],
        help_text=_("A for a letter, 0 for a digit: AAAA-0000-0000. Used to correct typing errors."),
    )

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SerialPrefix(models.Model):
    """A prefix of serial numbers that identifies their product; the longest one wins."""

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


class AppliedPrefix(models.Model):
    """The product that stored licenses and SKUs got by a prefix.

    Where it differs from SerialPrefix, a worker updates them (intake/services/prefix_updates.py). So it doesn't matter
    how a prefix was added, changed or deleted.
    """

    prefix = models.CharField(max_length=16, unique=True)
    product = models.ForeignKey(Product, on_delete=models.SET_NULL, null=True, related_name="+")
    # While an update runs: the product that it applies, and the id of the last updated license.
    next_product = models.ForeignKey(Product, on_delete=models.SET_NULL, null=True, related_name="+")
    updated_to = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.prefix


class Sku(models.Model):
    """An article of a store, such as 3 devices for 1 year of a product."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="skus")
    code = models.CharField("SKU", max_length=100)
    name = NoCardNumbersCharField(_("name"), max_length=300, blank=True)
    product = models.ForeignKey(
        Product,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="skus",
        verbose_name=_("product"),
    )
    kind = models.CharField(
        _("kind"),
        max_length=24,
        choices=OrderLine.Kind,
        blank=True,
        default="",
        db_default="",
        help_text=_("Applies to items whose kind isn’t in the store’s data."),
    )
    # Whether a line with it ever had a serial number. Many store exports contain none.
    has_serials = models.BooleanField(default=False, editable=False)
    # Whether a line with it ever had no kind.
    has_untold_kinds = models.BooleanField(default=False, db_default=False, editable=False)
    # Staff chose or removed the product. Then imports don't derive it, and undoing one doesn't restore it.
    product_from_staff = models.BooleanField(default=False, db_default=False, editable=False)
    # Set until a worker has updated the earlier orders. `updated_to` is the id of the last updated order.
    update_requested_at = models.DateTimeField(null=True, blank=True, editable=False)
    updated_to = models.BigIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        verbose_name = "SKU"
        verbose_name_plural = "SKUs"
        constraints = [models.UniqueConstraint(fields=["store", "code"], name="sku_code_once_per_store")]

    def __str__(self) -> str:
        return self.code
