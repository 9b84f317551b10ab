"""Orders and their lines."""

import re
import unicodedata
import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from notifications.addresses import EmailKeyField, email_key
from orders.localities import Locality, make_locality
from orders.models.corrections import NO_END_YET
from orders.models.fields import NoCardNumbersCharField, NoCardNumbersTextField, money_field
from orders.models.payments import Refund
from orders.models.stores import Store
from orders.number_shapes import any_number_like
from orders.search_keys import name_key, number_ending, postcode_key, surname_key

# The prefix of Argon2 hashes created by orders/passwords.py. An index distinguishes them from hashes of stores.
OWN_ARGON2_PREFIX = "argon2$argon2id$v=19$m=19456,t=2,p=1$"
KEYED_HASH_PREFIX = "keyed$"  # of the fast hashes of imported passwords, followed by the fingerprint of their key
FOREIGN_PASSWORD_HASH = (
    ~Q(password_hash="")
    & ~Q(password_hash__startswith=KEYED_HASH_PREFIX)
    & ~Q(password_hash__startswith=OWN_ARGON2_PREFIX)
)


# An index with these also serves beginnings of texts, whatever the database's collation is.
PATTERN_OPS = ["varchar_pattern_ops", "int8_ops"]
MAX_FOUND_ORDERS = 200  # orders that one lookup opens, newest first
LAST4 = re.compile(r"[0-9]{4}")


def normalize_order_number(typed: str) -> str:
    """Return the normalized order number used for lookups.

    People type it with spaces, a leading `#`, in any case, in full-width digits, or paste it with the period at the end
    of a sentence. Dashes and all other characters are part of the number.
    """
    compact = re.sub(r"[\s\x00#]+", "", unicodedata.normalize("NFKC", typed))
    return compact.rstrip(".,;").upper()


class OrderQuerySet(models.QuerySet["Order"]):
    def for_email(self, email: str) -> "OrderQuerySet":
        """Orders whose emails go to this address; none if the address has no key."""
        return self.for_email_key(email_key(email))

    def for_email_key(self, key: str) -> "OrderQuerySet":
        """Orders whose address has this key; none if it is empty."""
        return self.filter(email_key=key) if key else self.none()

    def for_number(self, typed: str) -> "OrderQuerySet":
        """Orders with this number; two stores may use the same number."""
        return self.filter(number_key=normalize_order_number(typed))

    def any_numbered_like(self, typed: str) -> bool:
        """Whether there are order numbers with the same length and the same first digits."""
        return any_number_like(self, "number_key", normalize_order_number(typed))

    def for_card(self, email: str, last4: str) -> "OrderQuerySet":
        """Orders of this address that were paid with this card, by the digits of the card or of the wallet."""
        if not LAST4.fullmatch(last4):
            return self.none()  # an empty string must not match orders without a card
        return self.for_email(email).filter(Q(card_last4=last4) | Q(device_last4=last4))

    def access_columns(self) -> "OrderQuerySet":
        """Load only the columns that orders/access needs, because every lookup loads orders."""
        return self.select_related("store").only(
            "public_id",
            "number_key",
            "password_hash",
            "password_generation",
            "access_generation",
            "access_ended_at",
            "store__confirm_card_lookup",
        )

    def any_foreign_password_hash(self) -> str | None:
        """Return any password hash that a store sent in Django's format; None if there is none."""
        return self.filter(FOREIGN_PASSWORD_HASH).values_list("password_hash", flat=True).first()

    def update(self, **columns: Any) -> int:
        """Refuse to change an email address without its key: unlike `save()`, this does not compute it."""
        if {"store_email", "contact_email"} & columns.keys() and "email_key" not in columns:
            raise TypeError("update() of an order's address has to set email_key, too")
        return super().update(**columns)

    def newest_first(self) -> "OrderQuerySet":
        return self.order_by("-placed_at", "-id")


class Order(models.Model):
    """One purchase, as it was imported, with the data that the portal adds."""

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        COMPLETED = "completed", _("completed")
        CANCELLED = "cancelled", _("canceled")
        PARTIALLY_REFUNDED = "partially_refunded", _("partially refunded")
        REFUNDED = "refunded", _("refunded")
        CHARGED_BACK = "charged_back", _("charged back")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="orders", verbose_name=_("store"))
    number = models.CharField(_("order number"), max_length=64)
    number_key = models.CharField(max_length=64, editable=False)
    status = models.CharField(_("status"), max_length=24, choices=Status)
    is_test = models.BooleanField(_("test order"), default=False)
    placed_at = models.DateTimeField(_("placed at"))
    language = models.CharField(_("language"), max_length=16, blank=True)
    # What the buyer chose last, with the order open. Imports don't change it. Empty: the store's value counts.
    chosen_language = models.CharField(
        _("language chosen by the buyer"), max_length=16, blank=True, db_default="", default="", editable=False
    )

    store_email = models.CharField(_("email address from the store"), max_length=254, blank=True)
    contact_email = models.CharField(
        _("corrected email address"),
        max_length=254,
        blank=True,
        help_text=_("Used instead of the address from the store."),
    )
    # The key of `email`. If it is empty, the order can only be found by its number.
    email_key = EmailKeyField("email")

    # If it is empty, the portal generates the password (see orders/passwords.py).
    password_hash = models.CharField(max_length=255, blank=True, editable=False)
    # Incremented when a password must no longer be valid. From then on, imports can't set a password.
    password_generation = models.PositiveSmallIntegerField(default=0, editable=False)
    # Access to the order, such as a grant in a session, stores this number, and ends when it is incremented.
    access_generation = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    access_ended_at = models.DateTimeField(_("all access ended at"), null=True, blank=True, editable=False)

    currency = models.CharField(_("currency"), max_length=3)
    subtotal = money_field(default=Decimal(0))
    discount = money_field(default=Decimal(0))
    tax = money_field(default=Decimal(0))
    total = money_field(default=Decimal(0))

    payment_method = NoCardNumbersCharField(_("payment method"), max_length=32, blank=True)
    card_brand = NoCardNumbersCharField(_("card brand"), max_length=32, blank=True)
    card_last4 = models.CharField(_("last 4 digits of the card"), max_length=4, blank=True)
    wallet = NoCardNumbersCharField(_("wallet"), max_length=32, blank=True)
    device_last4 = models.CharField(_("last 4 digits in the wallet"), max_length=4, blank=True)

    billing_name = NoCardNumbersCharField(_("billing name"), max_length=200, blank=True)
    billing_company = NoCardNumbersCharField(_("company"), max_length=200, blank=True)
    billing_address = NoCardNumbersTextField(
        _("address"), blank=True, help_text=_("Enter each line of the address on its own line.")
    )
    billing_city = NoCardNumbersCharField(_("city"), max_length=120, blank=True)
    billing_postcode = NoCardNumbersCharField(_("postcode"), max_length=32, blank=True)
    billing_country = models.CharField(_("country"), max_length=2, blank=True)
    billing_vat_id = NoCardNumbersCharField(_("VAT ID"), max_length=32, blank=True)

    invoice_number = models.CharField(_("invoice number"), max_length=64, blank=True)
    invoice_issued_on = models.DateField(_("invoice date"), null=True, blank=True)
    invoice_seller = NoCardNumbersTextField(_("seller on the invoice"), blank=True)

    # Until this time, a correction of the address can be undone, and no refunds or license changes are made
    # (`is_frozen`). NO_END_YET until the old address was notified.
    returns_frozen_since = models.DateTimeField(null=True, blank=True, editable=False)
    returns_frozen_until = models.DateTimeField(_("returns frozen until"), null=True, blank=True, editable=False)

    # When the data of the person was erased. Imports then keep the order without it; see orders/services/erasure.py.
    erased_at = models.DateTimeField(_("personal data erased at"), null=True, blank=True, editable=False)

    # The last version from each feed: {"portal": {"digest": hex, "updated_at": ISO time or null}}. Written by `intake`.
    sources = models.JSONField(default=dict, editable=False)
    created_at = models.DateTimeField(_("imported at"), auto_now_add=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(
                fields=["number_key", "store"], name="order_number_once_per_store", opclasses=PATTERN_OPS
            ),
            models.CheckConstraint(
                condition=Q(card_last4__regex=r"^([0-9]{4})?$"), name="order_card_last4_is_four_digits"
            ),
            models.CheckConstraint(
                condition=Q(device_last4__regex=r"^([0-9]{4})?$"), name="order_device_last4_is_four_digits"
            ),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="order_currency_is_iso_4217"),
        ]
        indexes = [
            models.Index(
                fields=["email_key", "-placed_at"],
                name="order_by_email",
                opclasses=["varchar_pattern_ops", "timestamptz_ops"],
            ),
            models.Index(fields=["-placed_at"], name="order_by_date"),
            models.Index(
                fields=["card_last4", "billing_name"], condition=Q(card_last4__gt=""), name="order_by_card_and_name"
            ),
            models.Index(fields=["id"], condition=FOREIGN_PASSWORD_HASH, name="order_foreign_password"),
            # The search by staff. See desk/search/.
            models.Index(name_key(), condition=Q(billing_name__gt=""), name="order_by_name"),
            models.Index(surname_key(), condition=Q(billing_name__gt=""), name="order_by_surname"),
            models.Index(number_ending(), name="order_by_number_ending"),
            models.Index(
                postcode_key(), F("placed_at").desc(), condition=Q(billing_postcode__gt=""), name="order_by_postcode"
            ),
            models.Index(fields=["total", "-placed_at"], name="order_by_total"),
            models.Index(
                fields=["device_last4", "-placed_at"], condition=Q(device_last4__gt=""), name="order_by_wallet_card"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def email(self) -> str:
        """The address for emails about this order, or an empty string."""
        return (self.contact_email or self.store_email).strip()

    @property
    def locality(self) -> Locality:
        """Time zone and country for dates about this order. Needs its store."""
        return make_locality(self.store.time_zone, self.billing_country, is_zone_known=self.store.is_time_zone_known)

    def is_frozen(self, now: datetime) -> bool:
        """Whether a correction of its address can still be undone."""
        since, until = self.returns_frozen_since, self.returns_frozen_until
        return until is not None and now < until and (since is None or since <= now)

    @property
    def freeze_ends_at(self) -> datetime | None:
        """When the freeze ends or ended; None if that is not known yet, or there was none."""
        return None if self.returns_frozen_until == NO_END_YET else self.returns_frozen_until

    @cached_property
    def items(self) -> list["OrderLine"]:
        """Its lines, in the store's sequence. Cached; `load_items` loads those of many orders."""
        return list(self.lines.order_by("position", "id"))

    @cached_property
    def refund_list(self) -> list["Refund"]:
        """Its refunds, oldest first. Cached."""
        return sorted(self.refunds.all(), key=lambda refund: (refund.known_at, refund.pk))


class OrderLine(models.Model):
    """One item of an order."""

    class Kind(models.TextChoices):
        NEW = "new", _("new license")
        RENEWAL = "renewal", _("renewal")
        UPGRADE = "upgrade", _("upgrade")
        EXTENDED_DOWNLOAD = "extended_download", _("Extended Download Service")
        OTHER = "other", _("other")

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    store_line_id = models.CharField(_("line ID in the store"), max_length=64)
    position = models.PositiveSmallIntegerField()
    sku = models.CharField("SKU", max_length=100, blank=True)
    name = NoCardNumbersCharField(_("name"), max_length=300)
    # The kind reported by the store, otherwise the one that staff set for its SKU, otherwise a new license. See
    # `derive_kind`.
    kind = models.CharField(_("kind"), max_length=24, choices=Kind, default=Kind.NEW)
    # The kind reported by the store; empty if it reported none.
    store_kind = models.CharField(max_length=24, choices=Kind, blank=True, default="", db_default="", editable=False)
    # The serial number that is renewed or upgraded, as in the store's data.
    extends_serial = models.CharField(_("extends"), max_length=100, blank=True)
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    quantity_returned = models.PositiveIntegerField(_("returned"), default=0)
    # The first moment at which a return is too late, by the policy at the time of purchase. Set by `refunds`.
    return_until = models.DateTimeField(_("can be returned until"), null=True, blank=True, editable=False)
    unit_price = money_field(default=Decimal(0))
    discount = money_field(default=Decimal(0))
    tax_rate = models.DecimalField(_("tax rate (%)"), max_digits=6, decimal_places=3, null=True, blank=True)
    tax = money_field(default=Decimal(0))
    total = money_field(default=Decimal(0))

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        constraints = [
            models.UniqueConstraint(fields=["order", "store_line_id"], name="order_line_id_once_per_order"),
            models.CheckConstraint(
                condition=Q(quantity_returned__lte=F("quantity")), name="order_line_returned_within_quantity"
            ),
        ]
        indexes = [models.Index(fields=["sku", "order"], condition=~Q(sku=""), name="order_line_by_sku")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name}"


def derive_kind(store_kind: str, sku_kind: str) -> str:
    """Return the kind of a line, from the kind reported by the store and the kind of the SKU; both may be empty."""
    return store_kind or sku_kind or OrderLine.Kind.NEW.value


def load_items(orders: Sequence[Order]) -> None:
    """Load the `items` of all these orders in one query."""
    missing = {order.pk: order for order in orders if "items" not in order.__dict__}
    if missing:
        for order in missing.values():
            order.items = []
        for line in OrderLine.objects.filter(order_id__in=missing).order_by("position", "id"):
            missing[line.order_id].items.append(line)
