"""Numbers that look like card numbers but aren't: dates, amounts, hashes, IBANs, serial and phone numbers."""

import re
from bisect import bisect_right
from collections.abc import Iterator

from stdnum import iban

from orders.card_numbers.reading import DIGITS, IGNORED, MASK

_BEFORE, _AFTER = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
_UUID = re.compile(rf"{_BEFORE}[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}{_AFTER}", re.I)
# Hashes, tokens and keys: long, with frequent changes between digits and letters. A card number has only a few of
# these.
_TOKEN = re.compile(rf"{_BEFORE}[0-9A-Za-z]{{32,}}")
_HASH_LENGTHS = frozenset({32, 40, 56, 64, 96, 128})  # of MD5 and the SHA family, in hexadecimal digits
_HEXADECIMAL = re.compile(r"[0-9a-f]+", re.I)
_FEWEST_PARTS_OF_HASH, _FEWEST_PARTS_OF_TOKEN = 5, 9  # digits, letters, digits are 3 parts
_PART = re.compile(r"[0-9]+|[A-Za-z]+")
_MASKED = re.compile(rf"{MASK}[0-9]{{4}}")
_AMAZON_ORDER = re.compile(rf"{_BEFORE}[0-9]{{3}}-[0-9]{{7}}-[0-9]{{7}}{_AFTER}")
_HOUR, _MINUTE, _SECONDS = "(?:[01][0-9]|2[0-4])", "[0-5][0-9]", "[0-6][0-9](?:[.,][0-9]{1,9})?"
# Without a colon, digits after a date are a time only after a T, because a card number may begin with 2223.
_CLOCK = (
    rf"(?:[ T]{{1,2}}{_HOUR}:{_MINUTE}(?::{_SECONDS})?|T{_HOUR}{_MINUTE}(?:{_SECONDS})?)"
    rf"(?: ?[+-][01][0-9]:?{_MINUTE})?"
)
_MONTH, _DAY, _YEAR = "(?:0?[1-9]|1[0-2])", "(?:0?[1-9]|[12][0-9]|3[01])", "(?:19|20)[0-9]{2}"


def _date_pattern(dash: str) -> str:
    """Return a pattern for a date with these separators, in any order, that isn't part of something longer."""
    orders = ((_YEAR, _MONTH, _DAY), (_DAY, _MONTH, _YEAR), (_MONTH, _DAY, _YEAR))
    written = "|".join(dash.join(parts) for parts in orders)
    return rf"(?<![0-9])(?<![0-9]{dash})(?:{written})(?:{_CLOCK})?(?![0-9])(?!{dash}[0-9])"


_DATE = re.compile("|".join(map(_date_pattern, (r"\.", "/", "-"))))
_AMOUNT = "[0-9]{1,6}[.,][0-9]{2}"
_AMOUNTS = re.compile(rf"(?<![0-9.,]){_AMOUNT}(?: {{1,3}}{_AMOUNT}(?![0-9])(?![.,][0-9])){{2,}}")
_IN_PAIRS = re.compile(r"(?:[0-9]{2}[., ]+)+[0-9]{2}")
# International phone numbers (ITU-T E.164) have at most 15 digits.
_PHONE = re.compile(r"(?<![0-9A-Za-z+])\+ ?\(?[1-9](?:[ ./()-]{0,3}[0-9]){6,14}(?![0-9])")
_IBAN_START = re.compile(rf"{_BEFORE}[A-Z]{{2}}[0-9]{{2}}", re.I)
_IBAN_LENGTHS = range(15, 35)
_WORD = re.compile(r"[0-9A-Za-z]+")
# The first group of a serial number: it contains a letter, and all others have its length, separated by dashes.
_SERIAL_START = re.compile(rf"{_BEFORE}(?=[0-9]*[A-Za-z])[0-9A-Za-z]{{3,8}}(?=-[0-9A-Za-z])")
_FEWEST_GROUPS_OF_SERIAL = 4
# Words that people write before a card number, separated by a dash.
_CARD_WORDS_LIST = (
    "amex banca banco bank banque card cards carta carte ccard ccnr ccno ccnum cred credit credito dank debit "
    "debito debt diners dinr disc elo exp from giro hiper jcb kaart karte kort kredit maes maestro mast master "
    "mcard mein meine mine mstr nomor num numb number numer numero nummer numr nums paid pago pan rupay tarj troy "
    "used verve visa vpay with zahl"
)
_CARD_WORDS = frozenset(_CARD_WORDS_LIST.split())


class OtherNumbers:
    """The positions of numbers in a text that look like card numbers but aren't. Calculated on demand."""

    def __init__(self, folded: str) -> None:
        plain = folded.replace(IGNORED, " ") if IGNORED in folded else folded
        self._spans = _join(plain, sorted(_find_others(plain)))
        self._masked = [match.span() for match in _MASKED.finditer(plain)]
        self._phones = [match.span() for match in _PHONE.finditer(plain)]

    def include(self, start: int, end: int) -> bool:
        """Whether all of these digits belong to such numbers, or some to a number that is already masked."""
        for spans in (self._spans, self._phones):
            span_start, span_end = _last_before(spans, end)
            if span_start <= start and end <= span_end:
                return True
        return _last_before(self._masked, end)[1] > start

    def overlap(self, start: int, end: int) -> bool:
        """Whether some of these digits belong to such a number, other than a phone number."""
        return _last_before(self._spans, end)[1] > start


def _last_before(spans: list[tuple[int, int]], end: int) -> tuple[int, int]:
    """Return the last of these sorted spans that begins before this position, or an empty one."""
    index = bisect_right(spans, (end,))
    return spans[index - 1] if index else (0, 0)


def _join(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join sorted spans that overlap or have no digits between them."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and not DIGITS.search(text, joined[-1][1], start):
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _find_others(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_UUID, _AMAZON_ORDER, _DATE):
        for match in pattern.finditer(text):
            yield match.span()
    for match in _AMOUNTS.finditer(text):
        if not _IN_PAIRS.fullmatch(match[0]):  # 42.42 42.42 42.42 42.42
            yield match.span()
    for match in _TOKEN.finditer(text):
        is_hash = len(match[0]) in _HASH_LENGTHS and _HEXADECIMAL.fullmatch(match[0])
        if len(_PART.findall(match[0])) >= (_FEWEST_PARTS_OF_HASH if is_hash else _FEWEST_PARTS_OF_TOKEN):
            yield match.span()
    for match in _IBAN_START.finditer(text):
        yield from _iban_at(text, match.start())
    for match in _SERIAL_START.finditer(text):
        yield from _serial_at(text, match)


def _iban_at(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Yield the span of a valid IBAN. Other words may follow it."""
    compact = ""
    for word in _WORD.finditer(text, start, start + 2 * _IBAN_LENGTHS.stop):
        compact += word[0].upper()
        if len(compact) in _IBAN_LENGTHS and iban.is_valid(compact, check_country=False):
            yield start, word.end()
            return


def _serial_at(text: str, first: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Yield the span of a serial number that begins with this group, unless more digits follow it."""
    if first[0].lower() in _CARD_WORDS:
        return
    size, end, count = len(first[0]), first.end(), 1
    group = re.compile(rf"-[0-9A-Za-z]{{{size}}}{_AFTER}")
    while following := group.match(text, end):
        end, count = following.end(), count + 1
    if count >= _FEWEST_GROUPS_OF_SERIAL and not re.compile(rf"[ -][0-9]{{{size}}}{_AFTER}").match(text, end):
        yield first.start(), end
