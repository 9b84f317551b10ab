"""Return policies in versions, and withdrawal periods. Staff edit them in the admin."""

from decimal import Decimal

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from licenses.models import Product
from orders.models import OrderLine, Store, money_field
from orders.money import plain_amount

DEFAULT_DAYS = 30
DEFAULT_WITHDRAWAL_DAYS = 14
currency_code = RegexValidator(r"^[A-Z]{3}\Z", _("Enter a three-letter currency code in capitals, for example EUR."))
country_code = RegexValidator(r"^[A-Z]{2}\Z", _("Enter a two-letter country code in capitals, for example DE."))


class ReturnPolicyQuerySet(models.QuerySet["ReturnPolicy"]):
    def newest_first(self) -> "ReturnPolicyQuerySet":
        return self.order_by("-in_force_from", "-pk")


class ReturnPolicy(models.Model):
    """One version of a store's return policy. The version in force when an order was placed applies to it.

    The field defaults apply to stores without a policy.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="return_policies", verbose_name=_("store"))
    in_force_from = models.DateTimeField(
        _("in force from"), default=timezone.now, help_text=_("Applies to orders placed at or after this time.")
    )
    days = models.PositiveSmallIntegerField(
        _("days"), default=DEFAULT_DAYS, help_text=_("The purchase day is day 0. The last day is included in full.")
    )
    activated_may_return = models.BooleanField(_("activated licenses can be returned"), default=True)
    revokes_serials = models.BooleanField(
        _("revoke serial numbers on refund"),
        default=False,
        help_text=_("Only the serial numbers of refunded units are revoked."),
    )

    objects = ReturnPolicyQuerySet.as_manager()

    class Meta:
        verbose_name = _("return policy")
        verbose_name_plural = _("return policies")
        constraints = [
            models.UniqueConstraint(fields=["store", "in_force_from"], name="return_policy_one_per_store_and_moment"),
            models.CheckConstraint(condition=Q(days__lte=3650), name="return_policy_days_within_ten_years"),
        ]

    def __str__(self) -> str:
        return f"{self.store}, {self.in_force_from:%Y-%m-%d}"


class ReturnException(models.Model):
    """A different return period for a product, a kind of item, or both. The most specific one wins."""

    policy = models.ForeignKey(ReturnPolicy, on_delete=models.CASCADE, related_name="exceptions")
    product = models.ForeignKey(
        Product, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("product")
    )
    kind = models.CharField(_("kind"), max_length=24, choices=OrderLine.Kind, blank=True)
    days = models.PositiveSmallIntegerField(
        _("days"), null=True, blank=True, help_text=_("Leave empty if it can’t be returned.")
    )

    class Meta:
        verbose_name = _("exception")
        verbose_name_plural = _("exceptions")
        constraints = [
            models.CheckConstraint(
                condition=Q(product__isnull=False) | ~Q(kind=""), name="return_exception_names_product_or_kind"
            ),
            models.UniqueConstraint(
                fields=["policy", "product", "kind"], name="return_exception_once_per_policy", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product or ''} {self.kind}".strip()


class AutoApprovalLimit(models.Model):
    """Returns are approved automatically up to this total; see refunds/auto_approval.py for what counts."""

    policy = models.ForeignKey(ReturnPolicy, on_delete=models.CASCADE, related_name="auto_approval_limits")
    currency = models.CharField(_("currency"), max_length=3, validators=[currency_code])
    up_to = money_field()

    class Meta:
        verbose_name = _("automatic approval limit")
        verbose_name_plural = _("automatic approval limits")
        constraints = [
            models.UniqueConstraint(fields=["policy", "currency"], name="auto_approval_limit_once_per_currency"),
            models.CheckConstraint(condition=Q(up_to__gt=Decimal(0)), name="auto_approval_limit_positive"),
        ]

    def __str__(self) -> str:
        return f"{plain_amount(self.up_to, self.currency)} {self.currency}"


class ApprovalLimit(models.Model):
    """Up to which amount staff approve a request alone; see refunds/services/approvals.py for what counts."""

    currency = models.CharField(_("currency"), max_length=3, unique=True, validators=[currency_code])
    up_to = money_field(
        verbose_name=_("one person up to"),
        help_text=_("Above this amount, the approval of an agent needs a second one, by a supervisor."),
    )
    two_people_above = money_field(
        verbose_name=_("two people above"),
        null=True,
        blank=True,
        help_text=_("Above this amount, a supervisor needs a second person, too. Leave empty for never."),
    )

    class Meta:
        verbose_name = _("approval limit")
        verbose_name_plural = _("approval limits")
        ordering = ["currency"]
        permissions = [("approve_above_limit", "Can approve amounts above the limit")]
        constraints = [
            models.CheckConstraint(
                condition=Q(up_to__gte=Decimal(0)),
                name="approval_limit_not_negative",
                violation_error_message=_("Enter an amount of 0 or more."),
            ),
            models.CheckConstraint(
                condition=Q(two_people_above__isnull=True) | Q(two_people_above__gte=F("up_to")),
                name="approval_limit_of_two_people_is_higher",
                violation_error_message=_("The amount for two people can’t be lower than that for one person."),
            ),
        ]

    def __str__(self) -> str:
        return f"{plain_amount(self.up_to, self.currency)} {self.currency}"


class WithdrawalPeriod(models.Model):
    """The withdrawal period of a country, a store, both or neither. The most specific row wins.

    Source of the default of 14 days: Directive 2011/83/EU, Article 9(1).
    """

    store = models.ForeignKey(
        Store,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="withdrawal_periods",
        verbose_name=_("store"),
    )
    country = models.CharField(
        _("country"), max_length=2, blank=True, validators=[country_code], help_text=_("Leave empty for all countries.")
    )
    days = models.PositiveSmallIntegerField(_("days"), default=DEFAULT_WITHDRAWAL_DAYS)

    class Meta:
        verbose_name = _("withdrawal period")
        verbose_name_plural = _("withdrawal periods")
        constraints = [
            models.UniqueConstraint(
                fields=["store", "country"], name="withdrawal_period_once_per_place", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country or '*'}: {self.days}"
