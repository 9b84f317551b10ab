"""The meaning of words for an order's status. A word unknown to the feed and to staff is never guessed: staff are
asked.
"""

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _

from intake.models import StatusMeaning, normalize_status
from intake.problems import ImportRejected, ProblemCode, RowSkipped
from orders.models import Order


def read_status(word: str, known: Mapping[str, Order.Status], meanings: Mapping[str, str]) -> Order.Status:
    """Return the status for a word in a file.

    `known` are the words of the store's format, and `meanings` those set by staff (see `load_meanings`), which take
    precedence. Raises ImportRejected with the code `unknown_status`, or RowSkipped if staff said that it isn't an
    order.
    """
    normalized = normalize_status(word)
    meaning = meanings.get(normalized, "")
    if meaning == StatusMeaning.NOT_AN_ORDER:
        raise RowSkipped
    if meaning:
        return Order.Status(meaning)
    if normalized in known:
        return known[normalized]
    raise ImportRejected(
        _("Unknown status “%(word)s”. Set its meaning for this store in the admin under Statuses.")
        % {"word": word[:40]},
        ProblemCode.UNKNOWN_STATUS,
        normalized,
    )


def load_meanings(store: str, format_name: str) -> dict[str, str]:
    """Return the meanings of a store's status words set by staff, by normalized word."""
    answered = StatusMeaning.objects.filter(store__slug=store, format=format_name).exclude(meaning="")
    return dict(answered.values_list("word", "meaning"))


def ask_meanings(store_id: int, format_name: str, words: Iterable[str]) -> None:
    """Ask staff for the meaning of these normalized words, unless they were asked before."""
    StatusMeaning.objects.bulk_create(
        [StatusMeaning(store_id=store_id, format=format_name, word=word) for word in sorted(set(words)) if word],
        ignore_conflicts=True,
    )
