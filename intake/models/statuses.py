"""Settings for the status words of stores."""

import unicodedata

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from intake.problems import storable
from orders.models import Order, Store
from orders.models.fields import NoCardNumbersCharField

MAX_STATUS_LENGTH = 64


def normalize_status(word: str) -> str:
    """Return a status word in the form used for comparisons: lower case, with dashes."""
    text = unicodedata.normalize("NFKC", storable(word))
    return "-".join(text.casefold().replace("_", " ").split())[:MAX_STATUS_LENGTH]


class StatusMeaning(models.Model):
    """The meaning of a store's word for an order's status. If it has none, staff are asked for it."""

    NOT_AN_ORDER = "not_an_order"

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", verbose_name=_("store"))
    format = models.CharField(_("format"), max_length=32)
    word = NoCardNumbersCharField(_("status in the store"), max_length=MAX_STATUS_LENGTH)  # normalized
    meaning = models.CharField(
        _("meaning"),
        max_length=20,
        blank=True,
        choices=[*Order.Status.choices, (NOT_AN_ORDER, _("not an order: skip these rows"))],
    )
    asked_at = models.DateTimeField(_("first seen at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("status")
        verbose_name_plural = _("statuses")
        constraints = [models.UniqueConstraint(fields=["store", "format", "word"], name="status_meaning_once_per_word")]

    def __str__(self) -> str:
        return f"{self.store} {self.word}"
