"""Stores and their settings."""

from datetime import tzinfo
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from orders.localities import Locality, make_locality
from orders.models.fields import NoCardNumbersCharField, NoCardNumbersSlugField, NoCardNumbersTextField


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(
            _("%(name)s isn’t a time zone. Enter a name, for example Europe/Berlin."), params={"name": name}
        )


DEFAULT_TIME_ZONE = "UTC"


class StoreQuerySet(models.QuerySet["Store"]):
    def unnamed(self) -> "StoreQuerySet":
        """Return stores created by an import that still have no name for buyers. See `Store.public_name`."""
        return self.filter(Q(name="") | Q(name=F("slug")))

    def without_time_zone(self) -> "StoreQuerySet":
        """Return stores whose time zone has not been set. See `Store.is_time_zone_known`."""
        return self.filter(is_time_zone_assumed=True, time_zone=DEFAULT_TIME_ZONE)


class Store(models.Model):
    """A shop whose orders are imported. Its seller is the merchant of record."""

    class ConfirmCardLookup(models.TextChoices):
        NEVER = "never", _("never")
        WHEN_SUSPICIOUS = "when_suspicious", _("when suspicious")
        ALWAYS = "always", _("always")

    slug = NoCardNumbersSlugField(_("short name"), max_length=64, unique=True)
    name = NoCardNumbersCharField(_("name"), max_length=200)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default=DEFAULT_TIME_ZONE, validators=[validate_time_zone]
    )
    # An import created the store with the default time zone, and staff have not confirmed it.
    is_time_zone_assumed = models.BooleanField(default=False, db_default=False, editable=False)
    language = models.CharField(
        _("language"), max_length=16, default="en", help_text=_("Used for orders without a language.")
    )
    seller = NoCardNumbersTextField(
        _("merchant of record"), blank=True, help_text=_("Seller’s name and address, as printed on invoices.")
    )
    support_email = models.EmailField(
        _("support address"), blank=True, help_text=_("Replies to this store’s emails go to this address.")
    )
    confirm_card_lookup = models.CharField(
        _("confirm lookups by card"),
        max_length=16,
        choices=ConfirmCardLookup,
        default=ConfirmCardLookup.WHEN_SUSPICIOUS,
        help_text=_("Ask for an emailed code before showing serial numbers and invoices."),
    )

    objects = StoreQuerySet.as_manager()

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")

    def __str__(self) -> str:
        return self.name

    @property
    def tzinfo(self) -> tzinfo:
        return ZoneInfo(self.time_zone)

    @property
    def is_time_zone_known(self) -> bool:
        """Whether the time zone has been set. If not, buyers see dates without times."""
        return not self.is_time_zone_assumed or self.time_zone != DEFAULT_TIME_ZONE

    @property
    def locality(self) -> Locality:
        """Time zone and country for dates that belong to no order."""
        return make_locality(self.time_zone, "", is_zone_known=self.is_time_zone_known)

    @property
    def public_name(self) -> str:
        """The name that buyers see; empty while it is only the short name from an import."""
        return "" if self.name == self.slug else self.name


class FollowUpSchedule(models.Model):
    """When a store sends one kind of follow-up email. Without a row, the default of the kind applies."""

    store = models.ForeignKey(
        Store, on_delete=models.CASCADE, related_name="follow_up_schedules", verbose_name=_("store")
    )
    kind = models.CharField(_("kind"), max_length=64)
    is_on = models.BooleanField(_("enabled"), default=True)
    days = models.PositiveSmallIntegerField(
        _("days"), help_text=_("Days after the event, or days before the date of a reminder.")
    )

    class Meta:
        verbose_name = _("follow-up schedule")
        verbose_name_plural = _("follow-up schedules")
        constraints = [
            models.UniqueConstraint(fields=["store", "kind"], name="follow_up_schedule_once_per_store_and_kind")
        ]

    def __str__(self) -> str:
        return f"{self.store}: {self.kind}"
