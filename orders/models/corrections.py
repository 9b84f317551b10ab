"""Corrections of mistyped email addresses of orders, by buyers or by staff."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.links import SingleUseLink

# How long the old address can undo a correction. Until then, no refunds are made and no licenses change.
UNDO_PERIOD = timedelta(hours=48)


class AddressCorrectionQuerySet(models.QuerySet["AddressCorrection"]):
    def active(self) -> "AddressCorrectionQuerySet":
        return self.filter(undone_at=None)

    def made_since(self, moment: datetime) -> "AddressCorrectionQuerySet":
        return self.filter(made_at__gt=moment)


class AddressCorrection(models.Model):
    """A change of the email address of an order. The old address is notified, and can undo it for 48 hours."""

    order = models.ForeignKey(
        "orders.Order", on_delete=models.CASCADE, related_name="address_corrections", verbose_name=_("order")
    )
    old_email = models.CharField(_("old address"), max_length=254, blank=True)
    # The previous `contact_email`, which undoing restores. `store_email` is never changed by a correction.
    old_contact_email = models.CharField(max_length=254, blank=True, editable=False)
    new_email = models.CharField(_("new address"), max_length=254)
    made_at = models.DateTimeField(_("made at"), default=timezone.now)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)
    client = models.CharField(_("client"), max_length=64, blank=True)

    objects = AddressCorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("address correction")
        verbose_name_plural = _("address corrections")
        indexes = [models.Index(fields=["order", "-made_at"], name="address_correction_by_order")]

    def __str__(self) -> str:
        return f"{self.order_id} {self.made_at:%Y-%m-%d %H:%M}"

    @property
    def undo_until(self) -> datetime:
        return self.made_at + UNDO_PERIOD


class CorrectionLink(SingleUseLink):
    """The link with which the owner of the old address undoes a correction."""

    LIFETIME = UNDO_PERIOD

    correction = models.ForeignKey(AddressCorrection, on_delete=models.CASCADE, related_name="links")

    class Meta:
        verbose_name = _("link to undo a correction")
        verbose_name_plural = _("links to undo corrections")

    def __str__(self) -> str:
        return f"{self.correction_id} {self.created_at:%Y-%m-%d %H:%M}"
