"""Orders that match a term."""

import string
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from django.db.models import QuerySet

from desk.limits import TimeLimit
from desk.one_slip import ADDRESS_CHARACTERS, is_one_slip_apart, one_slip_apart
from desk.search.probes import ADDRESS, NAME, NUMBER, NUMBER_ENDING, POSTCODE, SURNAME, Index
from desk.search.reasons import Reason
from desk.search.terms import MIN_ENDING, Term
from orders.models import Order, normalize_order_number
from orders.search_keys import fold_name

ENOUGH = 5  # results of one kind; then similar ones aren't looked up
MAX_READ = 100  # orders of one lookup
MAX_FILTERED = 1500  # orders of one lookup that are narrowed down by other words
MAX_SIMILAR = 40
MAX_NAMES = 300  # orders whose names begin with one of the words
MAX_LOADED = 100
MIN_SIMILAR = 5  # characters; one slip in a shorter text could be anything
_NAME_CHARACTERS = f"{string.ascii_lowercase} -'."
_NUMBER_CHARACTERS = f"{string.ascii_uppercase}{string.digits}-"
_FILTERED_COLUMNS = (
    "pk",
    "placed_at",
    "billing_name",
    "billing_company",
    "billing_city",
    "billing_country",
    "billing_postcode",
    "card_brand",
    "payment_method",
    "wallet",
    "currency",
    "card_last4",
    "device_last4",
)
_SHOWN_COLUMNS = (
    "number",
    "placed_at",
    "email_key",
    "store_email",
    "contact_email",
    "billing_name",
    "billing_city",
    "billing_postcode",
    "card_brand",
    "card_last4",
    "device_last4",
    "currency",
    "total",
)


class OrderMatches:
    """The orders found so far, each with its best reason."""

    def __init__(self, limit: TimeLimit) -> None:
        self.limit = limit
        self.reasons: dict[int, Reason] = {}
        self.has_more = False

    def add(self, ids: Iterable[int], reason: Reason) -> None:
        for pk in ids:
            self.reasons[pk] = min(reason, self.reasons.get(pk, reason))

    def has(self, *reasons: Reason) -> bool:
        return any(reason in reasons for reason in self.reasons.values())

    def has_enough(self) -> bool:
        """Whether similar texts need not be looked up: there is an exact match, or there are several good ones."""
        tiers = [reason.tier for reason in self.reasons.values()]
        return any(tier <= Reason.NUMBER_DIGITS.tier for tier in tiers) or len(tiers) >= ENOUGH

    def has_good(self) -> bool:
        """Whether something was found without a slip."""
        return any(reason.tier < Reason.ADDRESS_SLIP.tier for reason in self.reasons.values())

    def equal(self, index: Index, values: Iterable[str], reason: Reason, limit: int = MAX_READ) -> int:
        return self._probe(lambda: index.equal(values, limit, limit), reason, limit)

    def beginning(self, index: Index, starts: Sequence[str], reason: Reason, each: int = MAX_READ) -> int:
        return self._probe(lambda: index.beginning(starts, each, MAX_READ), reason, min(each * len(starts), MAX_READ))

    def _probe(self, load: Any, reason: Reason, limit: int) -> int:
        found = self.limit.load(load)
        self.has_more = self.has_more or len(found) >= limit
        self.add(found, reason)
        return len(found)


def match_orders(term: Term, matches: OrderMatches) -> None:
    """Look up the term as address, name, number, and as a property of purchases."""
    _match_address(term, matches)
    _match_number(term, matches)
    _match_purchase(term, matches)
    _match_name(term, matches)


def match_similar_orders(term: Term, matches: OrderMatches) -> None:
    """Look up what is one slip apart from the term."""
    _match_similar_address(term, matches)
    _match_similar_number(term, matches)
    _match_similar_name(term, matches)


def _match_address(term: Term, matches: OrderMatches) -> None:
    address = term.address
    if not address:
        return
    newest = Order.objects.filter(email_key=address).order_by("-placed_at").values_list("pk", flat=True)
    exact = matches.limit.load(lambda: newest[:MAX_READ]) if term.has_at else []
    matches.add(exact, Reason.ADDRESS)
    if not exact:
        matches.beginning(ADDRESS, [address], Reason.ADDRESS_BEGINNING)


def _match_similar_address(term: Term, matches: OrderMatches) -> None:
    address = term.address
    if len(address) < MIN_SIMILAR or matches.has(Reason.ADDRESS_BEGINNING):
        return
    if term.has_at or "." in address:
        similar = one_slip_apart(address, f"{ADDRESS_CHARACTERS}{'' if term.has_at else '@'}")
        matches.equal(ADDRESS, similar, Reason.ADDRESS_SLIP, MAX_SIMILAR)
    if not term.has_at:
        mailboxes = [f"{mailbox}@" for mailbox in one_slip_apart(address, ADDRESS_CHARACTERS)]
        matches.beginning(ADDRESS, mailboxes, Reason.ADDRESS_SLIP, each=ENOUGH)


def _match_number(term: Term, matches: OrderMatches) -> None:
    number, digits = term.number, term.digits
    if not number:
        return
    with_dashes = normalize_order_number("-".join(term.text.split()))  # many people type spaces instead
    exact = matches.equal(NUMBER, [number, with_dashes], Reason.NUMBER)
    if not exact and digits:
        exact = matches.equal(NUMBER_ENDING, [digits[::-1]], Reason.NUMBER_DIGITS)
    if exact:
        return
    matches.beginning(NUMBER, [number], Reason.NUMBER_BEGINNING, each=2 * ENOUGH)
    if len(digits) >= MIN_ENDING:
        matches.beginning(NUMBER_ENDING, [digits[::-1]], Reason.NUMBER_ENDING, each=2 * ENOUGH)


def _match_similar_number(term: Term, matches: OrderMatches) -> None:
    number, digits = term.number, term.digits
    if len(number) < MIN_SIMILAR:
        return
    matches.equal(NUMBER, one_slip_apart(number, _NUMBER_CHARACTERS), Reason.NUMBER_SLIP, MAX_SIMILAR)
    if digits:
        similar = (each[::-1] for each in one_slip_apart(digits, string.digits))
        matches.equal(NUMBER_ENDING, similar, Reason.NUMBER_SLIP, MAX_SIMILAR)


# --- Names ----------------------------------------------------------------------------------------------------------


def _match_name(term: Term, matches: OrderMatches) -> None:
    words = term.name_words
    if not words:
        return
    # As typed, and with the last or the first word moved to the other end.
    forms = [" ".join(words), " ".join([words[-1], *words[:-1]]), " ".join([*words[1:], words[0]])]
    found = sum(matches.beginning(index, forms, Reason.NAME_BEGINNING) for index in (NAME, SURNAME))
    if found < ENOUGH and len(words) > 1:
        _match_words_of_name(words, matches)


def _match_similar_name(term: Term, matches: OrderMatches) -> None:
    words = term.name_words
    typed = " ".join(words)
    if len(typed) < MIN_SIMILAR - 1:
        return
    similar = list(one_slip_apart(typed, _NAME_CHARACTERS))
    followed = [f"{each} " for each in similar]  # by other names; in SURNAME, all names are
    matches.equal(NAME, similar, Reason.NAME_SLIP, MAX_SIMILAR)
    matches.beginning(SURNAME, followed, Reason.NAME_SLIP, each=ENOUGH)
    if len(words) == 1:
        matches.beginning(NAME, followed, Reason.NAME_SLIP, each=ENOUGH)
    if len(words) > 1 and not matches.has(Reason.NAME_SLIP):
        _match_words_of_name(words, matches, Reason.NAME_SLIP)


def _match_words_of_name(words: list[str], matches: OrderMatches, reason: Reason = Reason.NAME_BEGINNING) -> None:
    """Find names that have all words, in any sequence, some incomplete; or one of them with a slip, by `reason`."""
    starts = [word for word in words if len(word) > 1]
    found: list[int] = []
    for index in (SURNAME, NAME):
        found += matches.limit.load(partial(index.beginning, starts, MAX_NAMES, len(starts) * MAX_NAMES))
    rows = Order.objects.filter(pk__in=set(found)).values_list("pk", "billing_name")
    for pk, name in matches.limit.load(lambda: rows) if found else []:
        parts = fold_name(name).split()
        slips = [word for word in words if not any(part.startswith(word) for part in parts)]
        if not slips or (reason is Reason.NAME_SLIP and len(slips) == 1 and _has_similar(slips[0], parts)):
            matches.add([pk], reason if slips else Reason.NAME_BEGINNING)


def _has_similar(word: str, parts: Sequence[str]) -> bool:
    return len(word) >= MIN_SIMILAR - 2 and any(is_one_slip_apart(word, part) for part in parts)


# --- Cards, amounts, postcodes --------------------------------------------------------------------------------------


def _match_purchase(term: Term, matches: OrderMatches) -> None:
    """Look up last 4 digits, an amount or a postcode. All other words must be part of the order, too."""
    newest = Order.objects.order_by("-placed_at")
    if term.last4:
        words = term.other_words(term.last4)
        # The database would have to read all orders of the card to sort them.
        _add_filtered(Order.objects.filter(card_last4=term.last4, card_last4__gt=""), words, Reason.CARD, matches, True)
        _add_filtered(newest.filter(device_last4=term.last4, device_last4__gt=""), words, Reason.CARD, matches)
    if term.amount is not None:
        _add_filtered(newest.filter(total=term.amount), term.words_beside_amount, Reason.AMOUNT, matches)
    for postcode in term.postcodes:
        words = term.other_words(postcode)
        ids = matches.limit.load(partial(POSTCODE.equal, [postcode], MAX_FILTERED, _read_limit(words)))
        if ids:
            _add_filtered(Order.objects.filter(pk__in=ids), words, Reason.POSTCODE, matches)


def _read_limit(words: list[str]) -> int:
    return MAX_FILTERED if words else MAX_SIMILAR


def _add_filtered(
    rows: QuerySet[Order], words: list[str], reason: Reason, matches: OrderMatches, reads_all: bool = False
) -> None:
    """Add the newest of these orders that have all words."""
    limit = MAX_FILTERED if reads_all else _read_limit(words)
    found = matches.limit.load(lambda: rows.values_list(*_FILTERED_COLUMNS)[:limit])
    found.sort(key=lambda row: row[1], reverse=True)
    fitting = [row[0] for row in found if _has_words(row[2:], words)]
    matches.has_more = matches.has_more or len(found) == limit or len(fitting) > MAX_SIMILAR
    matches.add(fitting[:MAX_SIMILAR], reason)


def _has_words(values: tuple[str, ...], words: list[str]) -> bool:
    if not words:
        return True
    parts = fold_name(" ".join(values)).replace("-", " ").split()
    return all(any(part.startswith(word) for part in parts) or _has_similar(word, parts) for word in words)


def load_orders(term: Term, matches: OrderMatches) -> list[Order]:
    """Load the best orders that were found, best first, and distinguish complete names from beginnings."""
    best = sorted(matches.reasons, key=lambda pk: matches.reasons[pk].tier)[:MAX_LOADED]
    matches.has_more = matches.has_more or len(matches.reasons) > MAX_LOADED
    rows = Order.objects.filter(pk__in=best).only(*_SHOWN_COLUMNS)
    orders = matches.limit.load(lambda: rows)
    for order in orders:
        if sorted(fold_name(order.billing_name).split()) == sorted(term.name_words) != []:
            matches.add([order.pk], Reason.NAME)
    return sorted(orders, key=lambda order: (matches.reasons[order.pk].tier, -order.placed_at.timestamp(), -order.pk))
