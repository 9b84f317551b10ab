"""Refund transactions: amounts to refund, the gateway to use, and the result."""

import uuid
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models import Order, Refund, Store, money_field
from orders.models.fields import NoCardNumbersTextField
from orders.money import plain_amount
from refunds.models.returns import Return
from refunds.models.withdrawals import Withdrawal


class StoreGateway(models.Model):
    """The gateway for a store's refunds. Without a row, staff make them manually."""

    class Gateway(models.TextChoices):
        MANUAL = "manual", _("manually, in the store’s admin")
        STRIPE = "stripe", "Stripe"

    store = models.OneToOneField(Store, on_delete=models.CASCADE, related_name="gateway", verbose_name=_("store"))
    gateway = models.CharField(_("gateway"), max_length=16, choices=Gateway, default=Gateway.MANUAL)

    class Meta:
        verbose_name = _("payment gateway")
        verbose_name_plural = _("payment gateways")

    def __str__(self) -> str:
        return f"{self.store}: {self.get_gateway_display()}"


class RefundTransactionQuerySet(models.QuerySet["RefundTransaction"]):
    def open(self) -> Self:
        """Promised and not completed."""
        return self.filter(status__in=RefundTransaction.OPEN)

    def waiting_for_staff(self) -> Self:
        """Transactions that staff make manually, of orders that may receive refunds (see refunds/ledger.py)."""
        return self.filter(
            status=RefundTransaction.Status.WAITING,
            gateway=StoreGateway.Gateway.MANUAL,
            order__status__in=[Order.Status.COMPLETED, Order.Status.PARTIALLY_REFUNDED],
            order__is_test=False,
        )

    def unresolved(self) -> Self:
        """Refused by the gateway, and not retried or resolved in another way."""
        return self.filter(self.is_unresolved())

    def is_unresolved(self) -> Q:
        """The condition of `unresolved`."""
        approved = Q(return_case__status=Return.Status.APPROVED) | Q(withdrawal__status=Withdrawal.Status.APPROVED)
        later = RefundTransaction.objects.filter(order=OuterRef("order"), pk__gt=OuterRef("pk")).filter(
            Q(return_case=OuterRef("return_case")) | Q(withdrawal=OuterRef("withdrawal"))
        )
        return Q(~Exists(later), approved, status=RefundTransaction.Status.REFUSED)

    def due(self, now: datetime) -> Self:
        """Ready to be sent or looked up by a worker now, and not leased by another."""
        return (
            self.open()
            .exclude(gateway=StoreGateway.Gateway.MANUAL)
            .filter(next_try_at__lte=now)
            .exclude(order__returns_frozen_until__gt=now)  # a corrected address can still be undone
            .filter(Q(leased_until__isnull=True) | Q(leased_until__lte=now))
        )


class RefundTransaction(models.Model):
    """One refund of a case, made at most once: every try uses the same idempotency key."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("pending")
        UNCLEAR = "unclear", _("unconfirmed: checking again")
        DONE = "done", _("completed")
        REFUSED = "refused", _("declined by the gateway")
        CANCELLED = "cancelled", _("no longer needed")

    OPEN = frozenset({Status.WAITING, Status.UNCLEAR})

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refund_transactions")
    return_case = models.ForeignKey(
        Return, on_delete=models.PROTECT, null=True, blank=True, related_name="transactions", verbose_name=_("return")
    )
    withdrawal = models.ForeignKey(
        Withdrawal,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="transactions",
        verbose_name=_("withdrawal"),
    )
    currency = models.CharField(_("currency"), max_length=3)
    amount = money_field()
    gateway = models.CharField(_("gateway"), max_length=16, choices=StoreGateway.Gateway)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.WAITING)
    idempotency_key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # The id of the refund at the gateway or in the store's back office.
    store_reference = models.CharField(_("reference"), max_length=100, blank=True)
    tries = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    # The value of `tries` when a lookup by staff found nothing at the gateway. The next attempt invalidates it.
    not_found_at_try = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    last_answer = NoCardNumbersTextField(_("last response"), blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    done_at = models.DateTimeField(_("completed at"), null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # The order's row for this refund: the portal's own until an import brings the store's.
    refund = models.OneToOneField(
        Refund, on_delete=models.SET_NULL, null=True, blank=True, related_name="transaction", editable=False
    )

    objects = RefundTransactionQuerySet.as_manager()

    class Meta:
        verbose_name = _("refund transaction")
        verbose_name_plural = _("refund transactions")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_transaction_amount_positive"),
            models.CheckConstraint(
                condition=Q(return_case__isnull=False, withdrawal__isnull=True)
                | Q(return_case__isnull=True, withdrawal__isnull=False),
                name="refund_transaction_of_exactly_one_case",
            ),
            models.UniqueConstraint(
                fields=["return_case"],
                condition=Q(status__in=["waiting", "unclear", "done"]),
                name="refund_transaction_once_per_return",
            ),
            models.UniqueConstraint(
                fields=["withdrawal"],
                condition=Q(status__in=["waiting", "unclear", "done"]),
                name="refund_transaction_once_per_withdrawal",
            ),
            models.CheckConstraint(
                condition=~Q(status="done") | (~Q(store_reference="") & Q(done_at__isnull=False)),
                name="refund_transaction_done_has_reference",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"], condition=Q(status__in=["waiting", "unclear"]), name="refund_transaction_due"
            )
        ]

    def __str__(self) -> str:
        return f"{plain_amount(self.amount, self.currency)} {self.currency}"

    @property
    def is_known_as_not_sent(self) -> bool:
        """Whether a lookup since the last attempt has shown that the gateway doesn't know this refund."""
        return self.not_found_at_try == self.tries

    @property
    def case(self) -> Return | Withdrawal:
        case = self.return_case or self.withdrawal
        assert case is not None  # a constraint requires one
        return case
