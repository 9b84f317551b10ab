"""Addresses whose data was erased, as keyed hashes, so that no later import brings the person back."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class SuppressedAddress(models.Model):
    """An email address whose data was erased. Only `orders.suppression` can tell whether it is a given address."""

    digest = models.CharField(max_length=64, unique=True)
    # Says with which key the digest was made. Without that key, the entry has no effect.
    key_id = models.CharField(max_length=16, db_default="", default="", editable=False)
    # Orders placed until then are imported without the person. A later order is a new contract.
    erased_at = models.DateTimeField(_("erased at"), default=timezone.now)

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.pk}"
