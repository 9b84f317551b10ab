"""Emailed codes, attempts to open orders, and the counters of rate limits."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from notifications.addresses import MAX_ADDRESS_LENGTH


class LookupCode(models.Model):
    """A code emailed to the address of an order, to confirm a lookup by card.

    Its digits are derived when it is sent, and not stored.
    """

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="+")
    # Of the order's address when the code was requested. If that changes, the code is neither sent nor accepted.
    email_key = models.CharField(max_length=MAX_ADDRESS_LENGTH)
    created_at = models.DateTimeField(auto_now_add=True)
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("lookup code")
        verbose_name_plural = _("lookup codes")
        indexes = [models.Index(fields=["created_at"], name="lookup_code_by_age")]

    def __str__(self) -> str:
        return f"{self.email_key} {self.created_at:%Y-%m-%d %H:%M}"


class Attempt(models.Model):
    """An attempt to open orders. Never contains the secret that was tried.

    Attempts that a rate limit refused share one row per quarter of an hour, so that a flood does not fill the table:
    see `record_attempt` in orders/access/attempts.py.
    """

    class Method(models.TextChoices):
        NUMBER = "number", _("order number and password")
        CARD = "card", _("email and card")
        LINK_REQUEST = "link_request", _("link requested")
        LINK = "link", _("emailed link")
        CODE = "code", _("emailed code")
        CORRECTION = "correction", _("address correction")

    class Outcome(models.TextChoices):
        FOUND = "found", _("opened")
        REFUSED = "refused", _("refused")
        RATE_LIMITED = "rate_limited", _("refused without a check: too many attempts")
        CLIENT_BLOCKED = "client_blocked", _("client blocked: too many attempts")

    SUBJECT_LENGTH = 254

    at = models.DateTimeField(_("date"), auto_now_add=True)
    method = models.CharField(_("method"), max_length=16, choices=Method)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome)
    # As typed, with card numbers masked.
    subject = models.CharField(_("address or order number"), max_length=SUBJECT_LENGTH, blank=True)
    client = models.CharField(_("client"), max_length=64, blank=True)
    orders_opened = models.PositiveIntegerField(_("orders opened"), default=0)
    tries = models.PositiveIntegerField(_("attempts"), default=1, db_default=1)
    # Identifies a row shared by several attempts; empty for a row of a single attempt.
    shared_key = models.CharField(max_length=32, blank=True, default="", db_default="", editable=False)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [
            models.UniqueConstraint(
                fields=["shared_key"], condition=Q(shared_key__gt=""), name="attempt_shared_key_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["-at"], name="attempt_by_time"),
            models.Index(fields=["subject", "-at"], name="attempt_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.outcome}"


class RateLimitCounter(models.Model):
    """The times of the attempts of the last day against one rate limit. Older ones are removed with each attempt.

    Only the SQL statements in orders/rate_limits.py write it.
    """

    key = models.CharField(primary_key=True, max_length=64)
    tries = ArrayField(models.DateTimeField(), default=list)
    allowed = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.key
