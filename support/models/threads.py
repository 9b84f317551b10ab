"""Threads of messages between a person and support."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Self

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
from orders.models.fields import NoCardNumbersCharField, NoCardNumbersTextField

RESPONSE_TIME = timedelta(days=2)  # as promised on the pages


def default_due_at() -> datetime:
    return timezone.now() + RESPONSE_TIME


class Thread(Case):
    """A conversation with support. Only people who receive email at its address can open it."""

    class Kind(models.TextChoices):
        CONTACT = "contact", _("message to support")
        CHARGE_CLAIM = "charge_claim", _("charge claim")
        FROM_SUPPORT = "from_support", _("message from support")

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting for support")
        ANSWERED = "answered", _("answered")
        QUESTION_ASKED = "question_asked", _("question asked")
        CLOSED = "closed", _("closed")

    REFERENCE_PREFIXES: ClassVar[Mapping[str, str]] = {
        Kind.CONTACT: "M",
        Kind.CHARGE_CLAIM: "B",
        Kind.FROM_SUPPORT: "M",
    }
    EMAIL_PREFIX = "thread"
    UNDECIDED = frozenset({Status.WAITING})
    CLOSED = frozenset({Status.CLOSED})
    # Support reopens a closed thread by writing to it; the buyer starts a new thread instead.
    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]] = {
        "": frozenset({Status.WAITING, Status.ANSWERED, Status.QUESTION_ASKED}),  # answered: support wrote first
        Status.WAITING: frozenset({Status.ANSWERED, Status.QUESTION_ASKED, Status.CLOSED}),
        Status.ANSWERED: frozenset({Status.WAITING, Status.ANSWERED, Status.QUESTION_ASKED, Status.CLOSED}),
        Status.QUESTION_ASKED: frozenset({Status.WAITING, Status.ANSWERED, Status.QUESTION_ASKED, Status.CLOSED}),
        Status.CLOSED: frozenset({Status.ANSWERED, Status.QUESTION_ASKED}),
    }

    kind = models.CharField(_("kind"), max_length=16, choices=Kind, editable=False)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.WAITING)
    subject = NoCardNumbersCharField(_("subject"), max_length=200)
    email = models.EmailField(_("email address"), max_length=254)
    email_key = EmailKeyField("email")
    # When an emailed link to the thread was first used. Until then, anyone may have typed the address.
    email_proven_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Set if the order was open in the buyer's browser when the thread began, or by staff.
    order = models.ForeignKey(
        Order, on_delete=models.SET_NULL, null=True, blank=True, related_name="threads", verbose_name=_("order")
    )
    # Whether `order` was open in the browser of the person who wrote. Only then may answers contain its data.
    order_proven = models.BooleanField(default=False, editable=False)
    store = models.ForeignKey(
        Store, on_delete=models.SET_NULL, null=True, blank=True, related_name="threads", verbose_name=_("store")
    )
    # The thread of the same address in which the conversation continues. This one is closed.
    merged_into = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="merged"
    )
    due_at = models.DateTimeField(_("reply due"), default=default_due_at)
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
            models.Index(fields=["created_at"], name="thread_by_receipt"),
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

    def set_order(self, order: Order) -> None:
        """Set the order that staff found, and its store, without saving."""
        self.order_proven = self.order_proven and self.order_id == order.pk
        self.order, self.store = order, order.store

    @property
    def path(self) -> str:
        """The URL path of the thread's page for the buyer."""
        return reverse("support:thread", args=[self.reference])


class ThreadMessageQuerySet(models.QuerySet["ThreadMessage"]):
    def decisive(self) -> Self:
        """Messages after which their threads no longer waited for support: answers, questions and closings."""
        return self.filter(from_status__in=Thread.UNDECIDED).exclude(to_status__in=Thread.UNDECIDED)

    def answers(self) -> Self:
        """Messages from support to the buyer."""
        return self.filter(actor=CaseEvent.Actor.STAFF).exclude(text="")


class ThreadMessage(CaseEvent):
    """A message or an internal note in a thread. Never changed."""

    case = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="events")

    objects = ThreadMessageQuerySet.as_manager()

    class Meta(CaseEvent.Meta):
        verbose_name = _("thread message")
        verbose_name_plural = _("thread messages")
        indexes = [models.Index(fields=["at"], name="thread_message_by_time")]

    @property
    def is_internal(self) -> bool:
        """Whether it is a note that only staff see."""
        return bool(self.note)

    @property
    def status_label(self) -> str:
        return str(Thread.Status(self.to_status).label)


class ThreadFile(models.Model):
    """A file sent with a message. Deleted together with its upload, when the upload expires."""

    message = models.ForeignKey(ThreadMessage, on_delete=models.CASCADE, related_name="files")
    upload = models.OneToOneField(Upload, on_delete=models.CASCADE, related_name="thread_file")

    class Meta:
        verbose_name = _("thread file")
        verbose_name_plural = _("thread files")

    def __str__(self) -> str:
        return str(self.upload)


class ThreadLink(SingleUseLink):
    """A single-use link that opens one thread."""

    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="links")

    class Meta:
        verbose_name = _("thread link")
        verbose_name_plural = _("thread links")
        indexes = [models.Index(fields=["created_at"], name="thread_link_by_age")]

    def __str__(self) -> str:
        return f"{self.thread_id} {self.created_at:%Y-%m-%d %H:%M}"


class AnswerTemplateQuerySet(models.QuerySet["AnswerTemplate"]):
    def offered_for(self, thread: Thread) -> "list[AnswerTemplate]":
        """Return the templates for this kind of thread, each name once: in the buyer's language or, without one, in the
        default language. Those in the buyer's language come first. One query.
        """
        wanted = (thread.language or settings.LANGUAGE_CODE).partition("-")[0]
        by_name: dict[str, AnswerTemplate] = {}
        for template in self.filter(about__in=("", thread.kind), language__in=(wanted, settings.LANGUAGE_CODE)):
            if template.language == wanted or template.name not in by_name:
                by_name[template.name] = template
        return sorted(by_name.values(), key=lambda each: (each.language != wanted, each.name))


class AnswerTemplate(models.Model):
    """A prepared answer. Its fields, such as {name}, are filled in from the thread (support/answer_fields.py)."""

    class About(models.TextChoices):
        ANY = "", _("all threads")
        CONTACT = "contact", _("messages to support")
        CHARGE_CLAIM = "charge_claim", _("charge claims")

    name = NoCardNumbersCharField(_("name"), max_length=100)
    language = models.CharField(_("language"), max_length=16, default="en")
    about = models.CharField(
        _("offered for"), max_length=16, choices=About, default=About.ANY, db_default=About.ANY, blank=True
    )
    text = NoCardNumbersTextField(_("text"))

    objects = AnswerTemplateQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer template")
        verbose_name_plural = _("answer templates")
        constraints = [models.UniqueConstraint(fields=["name", "language"], name="answer_template_once_per_language")]
        ordering = ["name", "language"]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"
