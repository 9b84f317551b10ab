"""Warnings about texts that were imported unchanged but are probably wrong."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from intake.encodings import find_garbled
from intake.ingest.items import ItemProblem, MatchedRecord
from intake.problems import Problem, ProblemCode
from notifications.addresses import email_key, mask_address
from orders.card_numbers import mask_card_numbers

_NO_KEY = gettext_lazy("The email address %(address)s is ambiguous, so this order can only be opened by its number.")


def email_key_warnings(matched: list[MatchedRecord]) -> list[ItemProblem]:
    """Return a warning for each order whose address has no key."""
    emails = ((each.entry.item, each.record.__dict__.get("email") or "") for each in matched)
    without = [(item, email) for item, email in emails if email and not email_key(email)]
    return [
        (item, Problem(str(_NO_KEY) % {"address": mask_address(email)}, ProblemCode.AMBIGUOUS_ADDRESS))
        for item, email in without
    ]


def garbled_text_warnings(matched: list[MatchedRecord]) -> list[ItemProblem]:
    """Return a warning for each item with text that was decoded wrongly, by the store or by this import."""
    warnings = []
    for each in matched:
        raw = each.entry.item.raw
        text = raw if isinstance(raw, str) else " ".join(cell for row in raw for cell in row if not cell.isascii())
        if not text.isascii() and (garbled := find_garbled(text)):
            sentence = _(
                "“%(text)s” looks garbled. If the whole file does, set its encoding with --encoding. If not, check "
                "it in the store."
            )
            text = sentence % {"text": mask_card_numbers(garbled)}
            warnings.append((each.entry.item, Problem(text, ProblemCode.GARBLED_TEXT)))
    return warnings
