"""Accepted cards, stores and phone numbers by country, maintained by staff."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from orders.models.fields import NoCardNumbersCharField

country_code = RegexValidator(r"^[A-Z]{2}\Z", _("Enter a two-letter country code in capitals, for example DE."))


def countries_field() -> ArrayField:
    return ArrayField(
        models.CharField(max_length=2, validators=[country_code]),
        verbose_name=_("countries"),
        default=list,
        blank=True,
        help_text=_("Country codes, for example DE, AT, CH. Leave empty for all other countries."),
    )


class CardRegion(models.Model):
    """The cards that stores accept in some countries."""

    name = NoCardNumbersCharField(_("name"), max_length=100)
    countries = countries_field()
    cards = ArrayField(
        NoCardNumbersCharField(max_length=40),
        verbose_name=_("cards"),
        help_text=_("Card names separated by commas, for example Visa, Mastercard."),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=100)

    class Meta:
        verbose_name = _("accepted cards by region")
        verbose_name_plural = _("accepted cards by region")
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class StoreRegion(models.Model):
    """The store in which people in some countries see prices, buy and renew."""

    name = NoCardNumbersCharField(_("name"), max_length=100)
    countries = countries_field()
    url = models.URLField(_("store URL"))
    renew_url = models.URLField(_("renewal URL"), blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=100)

    class Meta:
        verbose_name = _("regional store")
        verbose_name_plural = _("regional stores")
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class PhoneNumber(models.Model):
    """The phone number of support for some countries."""

    name = NoCardNumbersCharField(
        _("name"), max_length=100, blank=True, help_text=_("Leave empty to show the names of its countries.")
    )
    countries = countries_field()
    number = models.CharField(_("number"), max_length=40)
    international_number = models.CharField(_("international number"), max_length=40, blank=True)
    # Digits of both numbers, set by `save`; support.genuine looks numbers up by them.
    digits = ArrayField(models.CharField(max_length=40), default=list, editable=False)
    hours = NoCardNumbersCharField(_("opening hours"), max_length=200, blank=True)
    price_note = NoCardNumbersCharField(_("call charges"), max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=100)

    class Meta:
        verbose_name = _("phone number")
        verbose_name_plural = _("phone numbers")
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.number

    def save(self, *args: object, **kwargs: object) -> None:
        all_digits = [digits_only(number) for number in (self.number, self.international_number)]
        self.digits = [digits for digits in all_digits if digits]
        super().save(*args, **kwargs)  # type: ignore[arg-type]


def digits_only(number: str) -> str:
    """Remove everything but ASCII digits from a phone number."""
    return "".join(character for character in number if character in "0123456789")
