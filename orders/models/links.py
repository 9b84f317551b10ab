"""Emailed links that can be used once."""

from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.addresses import MAX_ADDRESS_LENGTH
from notifications.tokens import TokenSigner


class LinkState(Enum):
    VALID = "valid"
    USED_OR_EXPIRED = "used_or_expired"
    INVALID = "invalid"  # not created, or never sent, by this portal


class SingleUseLink(models.Model):
    """A link that works once, and expires LIFETIME after it was first sent.

    Its token is signed when the email is sent, and not stored. The page at its URL only shows a button, because email
    scanners follow links, too. The button's POST request calls `mark_used`.
    """

    LIFETIME: ClassVar[timedelta] = timedelta(minutes=60)

    created_at = models.DateTimeField(auto_now_add=True)
    first_sent_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def make_token(self) -> str:
        """Return the token for the email. Must be called when it is sent: the first call starts the lifetime."""
        now = timezone.now()
        if type(self)._default_manager.filter(pk=self.pk, first_sent_at=None).update(first_sent_at=now):
            self.first_sent_at = now
        return self.signer().sign(self.pk)

    @classmethod
    def get_by_token(cls, token: str) -> Self | None:
        """Return the link of this token, in any state; None if the token is invalid."""
        pk = cls.signer().read(token)
        return None if pk is None else cls._default_manager.filter(pk=pk, first_sent_at__isnull=False).first()

    @classmethod
    def get_state(cls, link: Self | None, now: datetime) -> LinkState:
        if link is None or link.first_sent_at is None:
            return LinkState.INVALID
        if link.used_at is not None or now >= link.first_sent_at + cls.LIFETIME:
            return LinkState.USED_OR_EXPIRED
        return LinkState.VALID

    def mark_used(self, now: datetime) -> bool:
        """Use up the link. Returns False if it was used or has expired. Of two simultaneous calls, one returns True."""
        usable = type(self)._default_manager.filter(pk=self.pk, used_at=None, first_sent_at__gt=now - self.LIFETIME)
        return bool(usable.update(used_at=now))

    @classmethod
    def signer(cls) -> TokenSigner:
        return TokenSigner(cls._meta.label_lower)


class AccessLink(SingleUseLink):
    """A request for an emailed link to the orders of an address, whether known or not.

    It stores only the key of the address. The email goes to the address on the orders, as spelled there.
    """

    email_key = models.CharField(max_length=MAX_ADDRESS_LENGTH)
    next_path = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("access link")
        verbose_name_plural = _("access links")
        indexes = [models.Index(fields=["created_at"], name="access_link_by_age")]

    def __str__(self) -> str:
        return f"{self.email_key} {self.created_at:%Y-%m-%d %H:%M}"
