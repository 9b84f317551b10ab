"""Which ORDER_PASSWORD_KEY the stored orders use."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class OrderPasswordKeyQuerySet(models.QuerySet["OrderPasswordKey"]):
    def on_record(self) -> "OrderPasswordKey | None":
        """Return the key of all orders' passwords, or the one that a planned change started from."""
        return self.exclude(replaced_at=None).order_by("-pk").first()


class OrderPasswordKey(models.Model):
    """A key that was in use, by its fingerprint, and the progress of replacing the passwords of earlier keys.

    `migrate` records the first key, `rotate_keys` all later ones.
    """

    class Reason(models.TextChoices):
        FIRST = "first", _("first key")
        PLANNED = "planned", _("planned change")
        COMPROMISED = "compromised", _("the previous key leaked")

    fingerprint = models.CharField(_("fingerprint"), max_length=16, unique=True)
    reason = models.CharField(_("reason"), max_length=16, choices=Reason, default=Reason.FIRST)
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now)
    # Passwords of orders up to this id were replaced, if they had to be.
    replaced_through = models.BigIntegerField(default=0)
    # The highest order id when the replacement began. Later orders got their passwords from this key.
    replaced_up_to = models.BigIntegerField(default=0)
    replaced_at = models.DateTimeField(_("completed at"), null=True, blank=True)

    objects = OrderPasswordKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("order password key")
        verbose_name_plural = _("order password keys")

    def __str__(self) -> str:
        return self.fingerprint
