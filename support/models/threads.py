"""What somebody wrote to support, and what was answered: one thread, whatever it is about."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import Case, CaseEvent
from files.models import Upload
from notifications.addresses import EmailKeyField
from orders.models import Order, SingleUseLink, Store

ANSWERED_WITHIN = timedelta(days=2)  # what buyers are told
# In answer templates; any other braces stay as they are. Where nothing is filled in, the space before goes, too.
PLACEHOLDER = re.compile(r"( ?)\{(reference|name)\}")


def due() -> datetime:
    return timezone.now() + ANSWERED_WITHIN


class Thread(Case):
    """One matter of one person. Opened by whoever reads the mailbox of its address, and by nobody else."""

    class Kind(models.TextChoices):
        CONTACT = "contact", _("message to support")
        CHARGE_CLAIM = "charge_claim", _("charge claim")

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting for support")
        ANSWERED = "answered", _("answered")
        QUESTION_ASKED = "question_asked", _("question asked")
        CLOSED = "closed", _("closed")

    REFERENCE_PREFIXES: ClassVar[Mapping[str, str]] = {Kind.CONTACT: "M", Kind.CHARGE_CLAIM: "B"}
    EMAIL_PREFIX = "thread"
    UNDECIDED = frozenset({Status.WAITING})
    CLOSED = frozenset({Status.CLOSED})
    # Support may write again to what was closed, which opens it; whoever wrote it begins a new one.
    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]] = {
        "": frozenset({Status.WAITING}),
        Status.WAITING: frozenset({Status.ANSWERED, Status.QUESTION_ASKED, Status.CLOSED}),
        Status.ANSWERED: frozenset({Status.WAITING, Status.ANSWERED, Status.QUESTION_ASKED, Status.CLOSED}),
        Status.QUESTION_ASKED: frozenset({Status.WAITING, Status.ANSWERED, Status.QUESTION_ASKED, Status.CLOSED}),
        Status.CLOSED: frozenset({Status.ANSWERED, Status.QUESTION_ASKED}),
    }

    kind = models.CharField(_("kind"), max_length=16, choices=Kind, editable=False)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.WAITING)
    subject = models.CharField(_("subject"), max_length=200)
    email = models.EmailField(_("address"), max_length=254)
    email_key = EmailKeyField("email")
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
    due_at = models.DateTimeField(_("answer due"), default=due)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True, editable=False)

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
            models.Index(fields=["email_key"], name="thread_by_email"),
        ]

    @property
    def reference_prefix(self) -> str:
        return self.REFERENCE_PREFIXES[self.kind]

    @property
    def recipient(self) -> str:
        return self.email

    @property
    def about_order(self) -> Order | None:
        return self.order

    @property
    def path(self) -> str:
        """The page on which its writer follows it."""
        return reverse("support:thread", args=[self.reference])


class ThreadMessage(CaseEvent):
    """One thing that was said in a thread, or noted by staff. Never changed."""

    case = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="events")

    class Meta(CaseEvent.Meta):
        verbose_name = _("message of a thread")
        verbose_name_plural = _("messages of a thread")

    @property
    def is_internal(self) -> bool:
        """Whether it is a note, which only staff see."""
        return bool(self.note)

    @property
    def status_label(self) -> str:
        return str(Thread.Status(self.to_status).label)


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
