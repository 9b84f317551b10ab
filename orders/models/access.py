"""Emailed codes, attempts to open orders, and the counters of rate limits."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class LookupCode(models.Model):
    """A code emailed to confirm a lookup by card. Its digits are derived when it is sent, and not stored."""

    email = models.CharField(max_length=254)
    created_at = models.DateTimeField(auto_now_add=True)
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("lookup code")
        verbose_name_plural = _("lookup codes")
        indexes = [models.Index(fields=["created_at"], name="lookup_code_by_age")]

    def __str__(self) -> str:
        return f"{self.email} {self.created_at:%Y-%m-%d %H:%M}"


class Attempt(models.Model):
    """An attempt to open orders. Never contains the secret that was tried."""

    class Method(models.TextChoices):
        NUMBER = "number", _("order number and password")
        CARD = "card", _("email and card")
        LINK_REQUEST = "link_request", _("asked for a link")
        LINK = "link", _("emailed link")
        CODE = "code", _("emailed code")
        CORRECTION = "correction", _("address correction")

    class Outcome(models.TextChoices):
        FOUND = "found", _("opened")
        REFUSED = "refused", _("refused")
        RATE_LIMITED = "rate_limited", _("refused unseen: too many tries")
        CLIENT_BLOCKED = "client_blocked", _("client blocked: too many tries")

    SUBJECT_LENGTH = 254

    at = models.DateTimeField(_("at"), auto_now_add=True)
    method = models.CharField(_("way"), max_length=16, choices=Method)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome)
    # As it was typed, with card numbers masked.
    subject = models.CharField(_("address or order number"), max_length=SUBJECT_LENGTH, blank=True)
    client = models.CharField(_("client"), max_length=64, blank=True)
    orders_opened = models.PositiveIntegerField(_("orders opened"), default=0)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        indexes = [
            models.Index(fields=["-at"], name="attempt_by_time"),
            models.Index(fields=["subject", "-at"], name="attempt_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.outcome}"


class RateLimitCounter(models.Model):
    """The times of the attempts of the last day against one rate limit; older ones are removed with each attempt.

    Only the SQL statements in orders/rate_limits.py write it.
    """

    key = models.CharField(primary_key=True, max_length=64)
    tries = ArrayField(models.DateTimeField(), default=list)
    allowed = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.key
