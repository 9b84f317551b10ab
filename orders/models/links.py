"""Emailed links that open something once."""

from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.addresses import EmailKeyField
from notifications.tokens import TokenSigner


class LinkState(Enum):
    GOOD = "good"
    USED_OR_EXPIRED = "used_or_expired"
    INVALID = "invalid"  # never made or never sent by us


class SingleUseLink(models.Model):
    """A link that works once and expires some time after it was first sent.

    Its token is signed when the email is sent and is stored nowhere. A page that it leads to shows a button and
    uses nothing up, because mail scanners follow links, too; the button's POST calls `use`.
    """

    LIFETIME: ClassVar[timedelta] = timedelta(minutes=60)

    created_at = models.DateTimeField(auto_now_add=True)
    first_sent_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def make_token(self) -> str:
        """The token to put into the email. Called at the moment of sending: the first call starts the lifetime."""
        now = timezone.now()
        if type(self)._default_manager.filter(pk=self.pk, first_sent_at=None).update(first_sent_at=now):
            self.first_sent_at = now
        return self.signer().sign(self.pk)

    @classmethod
    def read_token(cls, token: str) -> Self | None:
        """The link that this token was made for, in whatever state; None where it is not one of ours."""
        pk = cls.signer().read(token)
        return None if pk is None else cls._default_manager.filter(pk=pk, first_sent_at__isnull=False).first()

    @classmethod
    def state_of(cls, link: Self | None, now: datetime) -> LinkState:
        if link is None or link.first_sent_at is None:
            return LinkState.INVALID
        if link.used_at is not None or now >= link.first_sent_at + cls.LIFETIME:
            return LinkState.USED_OR_EXPIRED
        return LinkState.GOOD

    def use(self, now: datetime) -> bool:
        """Use the link up. False where it was used or had expired, also when two try at once."""
        live = type(self)._default_manager.filter(pk=self.pk, used_at=None, first_sent_at__gt=now - self.LIFETIME)
        return bool(live.update(used_at=now))

    @classmethod
    def signer(cls) -> TokenSigner:
        return TokenSigner(cls._meta.label_lower)


class AccessLink(SingleUseLink):
    """A request for an emailed link to the orders of an address, known or not."""

    email = models.CharField(max_length=254)
    email_key = EmailKeyField("email")
    next_path = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("access link")
        verbose_name_plural = _("access links")
        indexes = [models.Index(fields=["created_at"], name="access_link_by_age")]

    def __str__(self) -> str:
        return f"{self.email} {self.created_at:%Y-%m-%d %H:%M}"
