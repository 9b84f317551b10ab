"""Synonyms for the help search, and searches without a result."""

import re
import unicodedata
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.fields import NoCardNumbersCharField

MAX_PHRASE_LENGTH = 60  # characters
MIN_PHRASES = 2
MAX_PHRASES = 30
# A visitor who searches for nonsense must not fill the table. Terms beyond this number are not recorded.
MAX_TERMS = 5000
LONG_NUMBER = 6  # digits

_SEPARATED_DIGITS = re.compile(r"(?<=\d)[^\w@]+(?=\d)")
_ORDER_NUMBER = re.compile(r"\b[^\W\d_]{1,4}\W?\d{4,}\b")
_AT_SIGN = re.compile(r"@|[\[({<]\s*at\s*[\])}>]|\bat\b.*\bdot\b")


def normalize_phrase(typed: str) -> str:
    """In lower case, with compatibility characters replaced (NFKC), and one space between words."""
    return " ".join(unicodedata.normalize("NFKC", typed.replace("\0", " ")).lower().split())


def may_identify_someone(term: str) -> bool:
    """Whether a normalized search term may be personal data: an email address, a longer number, or a long text.

    Digits count together if they are separated only by spaces and punctuation, or if they are in one word, as in serial
    numbers.
    """
    if len(term) > MAX_PHRASE_LENGTH or _AT_SIGN.search(term) or _ORDER_NUMBER.search(term):
        return True
    words = _SEPARATED_DIGITS.sub("", term).split()
    return any(sum(character.isnumeric() for character in word) >= LONG_NUMBER for word in words)


class SearchSynonyms(models.Model):
    """Words and phrases with the same meaning, for the help search in one language."""

    language = models.CharField(_("language"), max_length=16, default="en")
    words = ArrayField(
        NoCardNumbersCharField(max_length=MAX_PHRASE_LENGTH),
        verbose_name=_("words"),
        help_text=_("Separate words or phrases with commas: scam, fraud, fake call."),
    )

    class Meta:
        verbose_name = _("search synonyms")
        verbose_name_plural = _("search synonyms")
        ordering = ["language", "words"]
        indexes = [models.Index(fields=["language"], name="search_synonyms_language")]

    def __str__(self) -> str:
        return ", ".join(self.words)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.words = normalize_phrases(self.words)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        self.words = normalize_phrases(self.words or [])
        if len(self.words) < MIN_PHRASES:
            raise ValidationError({"words": _("Enter at least two words, for example: scam, fraud.")})


def normalize_phrases(phrases: list[str]) -> list[str]:
    """Return normalized phrases in sequence, each once, without those that have no letter or digit."""
    normalized = (normalize_phrase(phrase) for phrase in phrases)
    return list(dict.fromkeys(phrase for phrase in normalized if re.search(r"[^\W_]", phrase)))[:MAX_PHRASES]


class FailedSearch(models.Model):
    """A term for which the help search found nothing, and how often. Contains no personal data."""

    language = models.CharField(_("language"), max_length=16)
    term = NoCardNumbersCharField(_("searched for"), max_length=MAX_PHRASE_LENGTH)
    count = models.PositiveIntegerField(_("how often"), default=1, db_default=1)
    last_at = models.DateTimeField(_("last time"), default=timezone.now)

    class Meta:
        verbose_name = _("search without a result")
        verbose_name_plural = _("searches without a result")
        ordering = ["-count", "-last_at"]
        constraints = [models.UniqueConstraint(fields=["language", "term"], name="failed_search_term_once")]
        indexes = [models.Index(fields=["last_at"], name="failed_search_last_at")]

    def __str__(self) -> str:
        return self.term

    @classmethod
    def record(cls, typed: str, language: str, now: datetime) -> None:
        """Count a search without a result, unless the term may identify someone or has no words."""
        term = normalize_phrase(typed)
        if may_identify_someone(term) or not re.search(r"[^\W_]", term):
            return
        known = cls.objects.filter(language=language, term=term)
        again = {"count": F("count") + 1, "last_at": now}
        if known.update(**again) or cls.objects.count() >= MAX_TERMS:
            return
        with transaction.atomic():  # someone else may search for the same term at the same time
            _row, is_new = cls.objects.get_or_create(language=language, term=term, defaults={"last_at": now})
        if not is_new:
            known.update(**again)
