"""Corrections of mistyped email addresses of orders, by buyers or by staff."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.links import SingleUseLink

# How long the old address can undo a correction after its notice was sent. Until then, no refunds are
# made and no licenses change.
UNDO_PERIOD = timedelta(hours=48)
# The end of a freeze that depends on an email that has not been sent yet.
NO_END_YET = datetime(9000, 1, 1, tzinfo=UTC)


class AddressCorrectionQuerySet(models.QuerySet["AddressCorrection"]):
    def active(self) -> "AddressCorrectionQuerySet":
        return self.filter(undone_at=None)

    def undoable(self, now: datetime) -> "AddressCorrectionQuerySet":
        """Return corrections that the old address can still undo."""
        return self.active().filter(Q(undo_until=None) | Q(undo_until__gt=now))

    def made_since(self, moment: datetime) -> "AddressCorrectionQuerySet":
        return self.filter(made_at__gt=moment)


class AddressCorrection(models.Model):
    """A change of the email address of an order. The old address is notified, and can undo it for 48 hours.

    During this time, only staff can make further corrections. Each of them refers to the first one as its `root`: its
    notice also goes to the address from before the first one, and undoing restores that address.
    """

    order = models.ForeignKey(
        "orders.Order", on_delete=models.CASCADE, related_name="address_corrections", verbose_name=_("order")
    )
    root = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="later")
    old_email = models.CharField(_("old address"), max_length=254, blank=True)
    # The previous `contact_email`, which an undo restores. A correction never changes `store_email`.
    old_contact_email = models.CharField(max_length=254, blank=True, editable=False)
    new_email = models.CharField(_("new address"), max_length=254)
    made_at = models.DateTimeField(_("corrected at"), default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("corrected by"),
    )
    client = models.CharField(_("client"), max_length=64, blank=True)
    # Empty until the notice was sent, or is known to have failed.
    undo_until = models.DateTimeField(_("can be undone until"), null=True, blank=True)
    # Staff ended the freeze of the order before `undo_until`.
    released_at = models.DateTimeField(_("freeze ended at"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("undone by"),
    )

    objects = AddressCorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("address correction")
        verbose_name_plural = _("address corrections")
        indexes = [models.Index(fields=["order", "-made_at"], name="address_correction_by_order")]

    def __str__(self) -> str:
        return f"{self.order_id} {self.made_at:%Y-%m-%d %H:%M}"


class CorrectionLink(SingleUseLink):
    """The link that lets the owner of the old address undo a correction, as long as that is possible."""

    correction = models.ForeignKey(AddressCorrection, on_delete=models.CASCADE, related_name="links")

    class Meta:
        verbose_name = _("link to undo a correction")
        verbose_name_plural = _("links to undo corrections")

    def __str__(self) -> str:
        return f"{self.correction_id} {self.created_at:%Y-%m-%d %H:%M}"
