"""What somebody wrote to support, and what was answered: one thread, whatever it is about."""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from files.models import Upload
from orders.models import Order, SingleUseLink, Store
from refunds.models.cases import REFERENCE_ALPHABET, REFERENCE_LENGTH

ANSWERED_WITHIN = timedelta(days=2)  # what buyers are told
# In answer templates; any other braces stay as they are. Where nothing is filled in, the space before goes, too.
PLACEHOLDER = re.compile(r"( ?)\{(reference|name)\}")


def due() -> datetime:
    return timezone.now() + ANSWERED_WITHIN


class ThreadQuerySet(models.QuerySet["Thread"]):
    def open(self) -> Self:
        return self.exclude(status=Thread.Status.CLOSED)

    def waiting_for_support(self) -> Self:
        return self.filter(status=Thread.Status.WAITING)

    def oldest_first(self) -> Self:
        return self.order_by("due_at", "pk")


class Thread(models.Model):
    """One matter of one person. Opened by whoever reads the mailbox of its address, and by nobody else."""

    class Kind(models.TextChoices):
        CONTACT = "contact", _("message to support")
        CHARGE_CLAIM = "charge_claim", _("charge claim")

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting for support")
        ANSWERED = "answered", _("answered")
        QUESTION_ASKED = "question_asked", _("question asked")
        CLOSED = "closed", _("closed")

    LETTERS: ClassVar[Mapping[str, str]] = {Kind.CONTACT: "M", Kind.CHARGE_CLAIM: "B"}

    reference = models.CharField(_("reference"), max_length=16, unique=True, editable=False)
    submission_id = models.UUIDField(unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, editable=False)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.WAITING)
    subject = models.CharField(_("subject"), max_length=200)
    email = models.EmailField(_("address"), max_length=254)
    language = models.CharField(_("language"), max_length=16, blank=True, editable=False)
    # Set where the order was open in the browser that wrote it, or where staff found it.
    order = models.ForeignKey(
        Order, on_delete=models.SET_NULL, null=True, blank=True, related_name="threads", verbose_name=_("order")
    )
    store = models.ForeignKey(
        Store, on_delete=models.SET_NULL, null=True, blank=True, related_name="threads", verbose_name=_("store")
    )
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="threads",
        verbose_name=_("assigned to"),
    )
    created_at = models.DateTimeField(_("received at"), default=timezone.now, editable=False)
    due_at = models.DateTimeField(_("answer due"), default=due)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True, editable=False)

    objects = ThreadQuerySet.as_manager()

    class Meta:
        verbose_name = _("thread")
        verbose_name_plural = _("threads")
        constraints = [
            models.CheckConstraint(
                condition=Q(status="closed", closed_at__isnull=False) | ~Q(status="closed") & Q(closed_at=None),
                name="thread_closed_has_its_time",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "due_at"], name="thread_queue"),
            # Staff look for what else came from an address; so Django writes `iexact` for PostgreSQL.
            models.Index(Upper("email"), name="thread_by_email"),
        ]

    def __str__(self) -> str:
        return self.reference

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.reference:
            code = "".join(secrets.choice(REFERENCE_ALPHABET) for _position in range(REFERENCE_LENGTH))
            self.reference = f"{self.LETTERS[self.kind]}-{code}"
        super().save(*args, **kwargs)

    @property
    def path(self) -> str:
        """The page on which its writer follows it."""
        return reverse("support:thread", args=[self.reference])


class ThreadMessage(models.Model):
    """One thing that was said in a thread. Never changed."""

    class Author(models.TextChoices):
        BUYER = "buyer", _("buyer")
        STAFF = "staff", _("support")
        PORTAL = "portal", _("the portal")

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="messages")
    at = models.DateTimeField(_("at"), default=timezone.now)
    author = models.CharField(_("who"), max_length=8, choices=Author)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    text = models.TextField(_("text"), blank=True)
    is_internal = models.BooleanField(_("internal note"), default=False)
    to_status = models.CharField(_("status"), max_length=16, choices=Thread.Status)

    class Meta:
        verbose_name = _("message of a thread")
        verbose_name_plural = _("messages of a thread")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.author} {self.at:%Y-%m-%d %H:%M}"


class ThreadFile(models.Model):
    """A file that came with a message. Goes when the upload's time is over."""

    message = models.ForeignKey(ThreadMessage, on_delete=models.CASCADE, related_name="files")
    upload = models.OneToOneField(Upload, on_delete=models.CASCADE, related_name="thread_file")

    class Meta:
        verbose_name = _("file of a thread")
        verbose_name_plural = _("files of a thread")

    def __str__(self) -> str:
        return str(self.upload)


class ThreadLink(SingleUseLink):
    """An emailed link to one thread."""

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="links")

    class Meta:
        verbose_name = _("link to a thread")
        verbose_name_plural = _("links to threads")
        indexes = [models.Index(fields=["created_at"], name="thread_link_by_age")]

    def __str__(self) -> str:
        return f"{self.thread_id} {self.created_at:%Y-%m-%d %H:%M}"


class AnswerTemplate(models.Model):
    """An answer that staff give often. What they send can be changed before."""

    name = models.CharField(_("name"), max_length=100)
    language = models.CharField(_("language"), max_length=16, default="en")
    text = models.TextField(_("text"), help_text=_("{reference} and {name} are filled in."))

    class Meta:
        verbose_name = _("answer template")
        verbose_name_plural = _("answer templates")
        constraints = [models.UniqueConstraint(fields=["name", "language"], name="answer_template_once_per_language")]
        ordering = ["name", "language"]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"

    def filled(self, thread: Thread) -> str:
        """The text with what it leaves open: {reference}, and {name}, the buyer's where an order tells it."""
        known = {"reference": thread.reference, "name": thread.order.billing_name if thread.order else ""}
        return PLACEHOLDER.sub(lambda found: found[1] + known[found[2]] if known[found[2]] else "", self.text)
