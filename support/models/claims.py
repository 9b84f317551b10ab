"""Charge claims: a person was charged but cannot find the order."""

from collections.abc import Mapping
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.models import Order, money_field
from orders.models.fields import NoCardNumbersCharField
from orders.money import format_money, format_number
from support.models.threads import Thread


class ChargeClaimQuerySet(models.QuerySet["ChargeClaim"]):
    def undecided(self) -> Self:
        return self.filter(outcome=ChargeClaim.Outcome.OPEN)


class ChargeClaim(models.Model):
    """What the payer knows about a charge. The messages about it are in its thread."""

    class Outcome(models.TextChoices):
        OPEN = "open", _("open")
        MATCHED = "matched", _("order found")
        NO_MATCH = "no_match", _("no order found")
        CANCELLED = "cancelled", _("canceled")

    # After any decision, staff can still match the claim to another order.
    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]] = {
        Outcome.OPEN: frozenset({Outcome.MATCHED, Outcome.NO_MATCH, Outcome.CANCELLED}),
        Outcome.MATCHED: frozenset({Outcome.MATCHED}),
        Outcome.NO_MATCH: frozenset({Outcome.MATCHED}),
        Outcome.CANCELLED: frozenset({Outcome.MATCHED}),
    }

    thread = models.OneToOneField(Thread, on_delete=models.CASCADE, primary_key=True, related_name="charge_claim")
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome, default=Outcome.OPEN, editable=False)
    amount = money_field(verbose_name=_("amount"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    charged_on = models.DateField(_("charged on"), null=True, blank=True)
    card_brand = NoCardNumbersCharField(_("card brand"), max_length=32, blank=True)
    card_last4 = models.CharField(_("last 4 digits of the card"), max_length=4, blank=True)
    order_number = models.CharField(_("order number"), max_length=64, blank=True)
    serial = models.CharField(_("serial number"), max_length=100, blank=True)
    other_emails = ArrayField(
        models.EmailField(max_length=254), verbose_name=_("other email addresses"), default=list, blank=True
    )
    matched_order = models.ForeignKey(
        Order, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="charge_claims"
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True, editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    objects = ChargeClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("charge claim")
        verbose_name_plural = _("charge claims")
        constraints = [
            models.CheckConstraint(condition=Q(card_last4__regex=r"^([0-9]{4})?$"), name="charge_claim_last4"),
            models.CheckConstraint(condition=Q(currency__regex=r"^([A-Z]{3})?$"), name="charge_claim_currency"),
            models.CheckConstraint(condition=Q(amount=None) | Q(amount__gt=0), name="charge_claim_amount_positive"),
            models.CheckConstraint(
                condition=Q(outcome="open", decided_at=None) | ~Q(outcome="open") & Q(decided_at__isnull=False),
                name="charge_claim_decided_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return self.thread.reference

    @property
    def formatted_amount(self) -> str:
        """The amount with its currency. If the currency is unknown, the typed amount, which says so. May be empty."""
        if self.amount is None:
            return ""
        if self.currency:
            return format_money(self.amount, self.currency)
        return gettext("%(amount)s (currency unknown)") % {"amount": format_number(self.amount)}
