"""Detection and masking of full card numbers, so that they are never stored.

A card number is a number that an issuer could have given out: its first digits belong to a card brand, it has one of
the lengths of that brand, and its check digit is right. It may be written in the digits of any script, with a few signs
between two digits, also as in a URL or in HTML, and with letters directly before and after it.

Left alone are serial numbers in groups, UUIDs, hashes, IBANs, dates and times, and international phone numbers. Order
numbers that look like card numbers can't be told apart by their shape: the fields for them decide (`orders.forms`).

All of it takes time proportional to the length of the text.
"""

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple
from urllib.parse import unquote

from stdnum import iban

MASK = "••••"
MIN_DIGITS, MAX_DIGITS = 12, 19  # of card numbers
# More symbols than this between two digits separate two numbers. Spaces count as one, however many there are.
MAX_SYMBOLS_BETWEEN_DIGITS = 6

# First digits of card brands, as ranges of equal length, and the number of digits of their cards (ISO/IEC 7812, and
# the lists that the brands publish).
_BRANDS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("4", "4", (13, 16, 19)),  # Visa; also Dankort and Elo
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),  # Mastercard
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),  # American Express
    ("300", "305", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("3095", "3095", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("36", "36", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("38", "39", (14, 15, 16, 17, 18, 19)),  # Diners Club; also Hipercard
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("1800", "1800", (15,)),  # JCB
    ("2131", "2131", (15,)),  # JCB
    ("50", "50", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro, Verve, Elo, RuPay
    ("56", "58", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro
    ("6", "6", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro, Discover, UnionPay, RuPay, Hipercard, Elo
    ("81", "82", (16, 17, 18, 19)),  # UnionPay, RuPay
    ("2200", "2205", (16, 17, 18, 19)),  # Mir, BORICA
    ("8600", "8600", (16,)),  # Uzcard
    ("9704", "9704", (16, 17, 18, 19)),  # Napas
    ("9792", "9792", (16,)),  # Troy
    ("9860", "9860", (16,)),  # Humo
)
_PREFIX_LENGTH = 4
_DOUBLED_DIGIT_SUMS = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _lengths_by_prefix() -> list[tuple[int, ...]]:
    """The lengths of cards, by their first 4 digits as a number."""
    lengths: list[tuple[int, ...]] = [()] * 10**_PREFIX_LENGTH
    for first, last, brand_lengths in _BRANDS:
        missing = _PREFIX_LENGTH - len(first)
        for prefix in range(int(first + "0" * missing), int(last + "9" * missing) + 1):
            lengths[prefix] = brand_lengths
    return lengths


_LENGTHS_BY_PREFIX = _lengths_by_prefix()


def passes_luhn(digits: str) -> bool:
    """Whether the check digit is right by the Luhn algorithm (ISO/IEC 7812-1, annex B)."""
    total = 0
    for index, character in enumerate(reversed(digits)):
        digit = ord(character) - 48
        total += _DOUBLED_DIGIT_SUMS[digit] if index % 2 else digit
    return total % 10 == 0


def is_card_number(digits: str) -> bool:
    """Whether these ASCII digits, without anything else, are a full card number."""
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS:
        return False
    return len(digits) in _LENGTHS_BY_PREFIX[int(digits[:_PREFIX_LENGTH])] and passes_luhn(digits)


def contains_card_number(text: str) -> bool:
    """Whether the text contains a full card number, however it is written."""
    return _may_contain(text) and bool(_find_card_numbers(text))


def mask_card_numbers(text: str) -> str:
    """Return the text with all but the last 4 digits of each card number replaced by bullets."""
    if not _may_contain(text) or not (found := _find_card_numbers(text)):
        return text
    parts, position = [], 0
    for number in found:
        parts += [text[position : number.start], MASK, number.last4]
        position = number.end
    return "".join([*parts, text[position:]])


def mask_all_strings(value: Any) -> Any:
    """Return a value of JSON with the card numbers in all its strings masked."""
    if isinstance(value, str):
        return mask_card_numbers(value)
    if isinstance(value, dict):
        return {mask_all_strings(key): mask_all_strings(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [mask_all_strings(inner) for inner in value]
    return value


class _CardNumber(NamedTuple):
    """A card number, or several that overlap, by its place in the text."""

    start: int
    end: int
    last4: str  # in ASCII


# --- Reading the text ------------------------------------------------------------------------------------

# A character as in a URL (%20, %C2%A0; %2520 if encoded twice) or in HTML (&nbsp; &#32; &amp;nbsp;).
_ESCAPE = re.compile(
    r"%(?:25)?(?:[0-7][0-9a-f]|[c-f][0-9a-f](?:%(?:25)?[89ab][0-9a-f]){1,3})"
    r"|&(?:amp;)?(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,20});",
    re.IGNORECASE | re.ASCII,
)
_TWELVE_DIGITS = re.compile(r"[0-9](?:[^0-9A-Za-z]*+[0-9]){11}")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_FEWEST_CHARACTERS = MIN_DIGITS // 2  # a character such as ㊷ stands for two digits


def _may_contain(text: str) -> bool:
    """A cheap check that rules out almost every text."""
    if _TWELVE_DIGITS.search(text) or _ESCAPE.search(text):
        return True
    if text.isascii() or not any(map(str.isnumeric, _BEYOND_ASCII.findall(text))):
        return False
    return sum(map(str.isnumeric, text)) >= _FEWEST_CHARACTERS


_DIGITS = re.compile(r"[0-9]+")
_IGNORED = "\u200b"  # stands for everything that nobody sees
_COMMON = " ./_-" + _IGNORED  # between digits
_LETTER = "x"  # stands for letters beyond ASCII, and for what ends a number as letters do
_DASHES = frozenset("−˗⁃⁻₋➖─━ーｰㅡ~～∼")  # those that Unicode does not call dashes (Pd)
_DOTS = frozenset("·‧∙⋅・･●")
_SLASHES = frozenset("∕⁄⧸╱\\")
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # what looks like a space and is none


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    """Return ASCII with the same meaning for the search: digits, letters, and what separates them."""
    if character in _SLASHES:
        return "/"
    if character in _DASHES:
        return "-"
    if character in _DOTS:
        return "."
    if character.isspace() or character in _BLANKS:
        return " "
    category = unicodedata.category(character)
    if character.isascii():
        return _IGNORED if category == "Cc" else character
    value = unicodedata.numeric(character, None)
    if value is not None and value in range(10):
        return str(int(value))
    if category in ("Pd", "Lm"):
        return "-"
    if category in ("Cf", "Cc", "Mn", "Me", "Mc"):
        return _IGNORED
    if category == "Pc":
        return "_"
    if category == "Sc":
        return _LETTER  # amounts next to each other are not one number
    compatible = unicodedata.normalize("NFKC", character)
    if compatible != character:
        return "".join(map(_fold, compatible))
    return _LETTER if category[0] in "LN" else character


class _Folded(NamedTuple):
    """A text in which digits are ASCII. `places` has the index in the original text for each character."""

    text: str
    places: range | list[int]


@lru_cache(maxsize=1024)
def _fold_escape(escape: str) -> str:
    """Return what the escaped character is folded to, or an empty string if it doesn't commonly separate digits."""
    decode = unquote if escape[0] == "%" else html.unescape
    decoded = decode(decode(escape))
    folded = "".join(map(_fold, decoded))
    return "" if folded.strip(_COMMON + "+,") else folded


def _fold_text(text: str) -> _Folded:
    escapes = {
        match.start(): (match.end(), folded) for match in _ESCAPE.finditer(text) if (folded := _fold_escape(match[0]))
    }
    if not escapes and text.isascii() and text.isprintable():
        return _Folded(text.replace("\\", "/").replace("~", "-"), range(len(text) + 1))
    characters: list[str] = []
    places: list[int] = []
    end_of_escape = 0
    for index, character in enumerate(text):
        if index < end_of_escape:
            continue
        if index in escapes:
            end_of_escape, folded = escapes[index]
        else:
            folded = _fold(character)
        characters.append(folded)
        places += [index] * len(folded)
    return _Folded("".join(characters), [*places, len(text)])


# --- What stands between digits --------------------------------------------------------------------------

_ENDS_A_NUMBER = re.compile(rf"[A-Za-z$]|{MASK}")
_SPACES = re.compile(rf"[ {_IGNORED}]+")
_SEPARATE = None  # two numbers


def _separator(gap: str) -> str | None:
    """Return what is unusual between two digits, or an empty string; `_SEPARATE` if these are two numbers.

    Spaces, dots, slashes, dashes, underscores and invisible characters are common.
    """
    if not gap.strip(_COMMON) and len(gap) <= MAX_SYMBOLS_BETWEEN_DIGITS:
        return ""
    if _ENDS_A_NUMBER.search(gap):
        return _SEPARATE
    symbols = _SPACES.sub("", gap)
    if len(symbols) + (" " in gap) > MAX_SYMBOLS_BETWEEN_DIGITS:
        return _SEPARATE
    return symbols if symbols.strip(_COMMON) else ""


def _is_usual_grouping(sizes: list[int]) -> bool:
    """Whether digits are grouped as on a card: by fours, or 4-6-5 and 4-6-4."""
    by_fours = all(size == 4 for size in sizes[:-1]) and sizes[-1] <= 4
    return by_fours or sizes in ([4, 6, 5], [4, 6, 4])


# --- Finding ---------------------------------------------------------------------------------------------


# 16 digits. Of these brands only, because parcels and SIM cards have numbers of 19 and 20 digits, too.
_VISA_OR_MASTERCARD = re.compile(r"4|5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720")


class _Groups(NamedTuple):
    """The groups of digits of a text. Digits are counted through the whole text."""

    digits: str
    spans: list[tuple[int, int]]  # the place of each group in the folded text
    firsts: list[int]  # the index in `digits` of the first digit of each group, and the number of digits
    separators: list[str | None]  # before each group


def _split_into_groups(text: str) -> _Groups:
    spans = [span for match in _DIGITS.finditer(text) for span in _split_off_security_code(match)]
    separators = [_separator(text[end:start]) for (_start, end), (start, _end) in pairwise(spans)]
    firsts = [0, *accumulate(end - start for start, end in spans)]
    return _Groups("".join([text[start:end] for start, end in spans]), spans, firsts, [_SEPARATE, *separators])


def _split_off_security_code(group: re.Match[str]) -> list[tuple[int, int]]:
    """Return the spans of a Visa or Mastercard number and of the 3 or 4 digits after it; else of the whole group."""
    start, end = group.span()
    if end - start in (19, 20) and _VISA_OR_MASTERCARD.match(group[0]) and not is_card_number(group[0]):
        number_end = start + 16
        if is_card_number(group[0][:16]):
            return [(start, number_end), (number_end, end)]
    return [(start, end)]


def _candidates(groups: _Groups) -> Iterator[tuple[int, int]]:
    """Yield the first and the last group of each sequence of groups that is a card number."""
    digits, firsts = groups.digits, groups.firsts
    group_ending_at = {end: index for index, end in enumerate(firsts[1:])}
    run_of: list[int] = list(accumulate(int(separator is _SEPARATE) for separator in groups.separators))
    # Sums for the Luhn algorithm up to each digit, with every second one doubled: those at even or at odd places.
    values = [ord(digit) - 48 for digit in digits]
    sums = [
        list(accumulate((_DOUBLED_DIGIT_SUMS[v] if i % 2 == doubled else v for i, v in enumerate(values)), initial=0))
        for doubled in (0, 1)
    ]
    for first, start in enumerate(firsts[:-1]):
        prefix = digits[start : start + _PREFIX_LENGTH]
        for length in _LENGTHS_BY_PREFIX[int(prefix)] if len(prefix) == _PREFIX_LENGTH else ():
            end = start + length
            last = group_ending_at.get(end)
            if last is None or run_of[last] != run_of[first]:
                continue
            luhn = sums[end % 2]  # the last digit is at `end - 1` and is not doubled
            if (luhn[end] - luhn[start]) % 10 == 0 and _is_one_number(groups, first, last):
                yield first, last


def _is_one_number(groups: _Groups, first: int, last: int) -> bool:
    """Whether nothing unusual is between the groups, or always the same, or they are grouped as on a card."""
    separators = groups.separators[first + 1 : last + 1]
    if not any(separators) or len(set(separators)) == 1:
        return True
    return _is_usual_grouping([end - start for start, end in groups.spans[first : last + 1]])


def _find_card_numbers(text: str) -> list[_CardNumber]:
    folded = _fold_text(text)
    groups = _split_into_groups(folded.text)
    candidates = list(_candidates(groups))
    if not candidates:
        return []
    others = _OtherNumbers(folded.text)
    overlapping: list[list[tuple[int, int]]] = []
    end = -1  # the last group of those in the last list
    for first, last in candidates:
        start, end_of_digits = groups.spans[first][0], groups.spans[last][1]
        if others.include(start, end_of_digits) or (
            others.overlap(start, end_of_digits)
            and not _is_usual_grouping([end - start for start, end in groups.spans[first : last + 1]])
        ):
            continue
        if first > end:
            overlapping.append([])
        overlapping[-1].append((first, last))
        end = max(end, last)
    return [_merge(folded, groups, candidates) for candidates in overlapping]


def _merge(folded: _Folded, groups: _Groups, candidates: list[tuple[int, int]]) -> _CardNumber:
    """Return the place of numbers that overlap. All their digits are masked, since any of them can be the card's."""
    first, last = candidates[0][0], max(last for _first, last in candidates)
    if groups.spans[last][1] == groups.spans[min(last + 1, len(groups.spans) - 1)][0]:
        last += 1  # the security code or expiry date written directly after the number
    start, last_digit = groups.spans[first][0], groups.spans[last][1] - 1
    likely = max(candidates, key=lambda candidate: _likelihood(groups, *candidate))
    end = groups.firsts[likely[1] + 1]
    return _CardNumber(folded.places[start], folded.places[last_digit] + 1, groups.digits[end - 4 : end])


def _likelihood(groups: _Groups, first: int, last: int) -> tuple[bool, bool]:
    """A sort key: cards are grouped by fours or not at all, and have 16 or 15 digits. The first of equals counts."""
    sizes = [end - start for start, end in groups.spans[first : last + 1]]
    return len(sizes) == 1 or _is_usual_grouping(sizes), sum(sizes) in (15, 16)


# --- Numbers that are no card numbers --------------------------------------------------------------------

_BEFORE, _AFTER = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
_UUID = re.compile(rf"{_BEFORE}[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}{_AFTER}", re.I)
# Hashes, tokens and keys: long, and digits and letters change often. Around a card number they change a few times.
_TOKEN = re.compile(rf"{_BEFORE}[0-9A-Za-z]{{32,}}")
_HASH_LENGTHS = frozenset({32, 40, 56, 64, 96, 128})  # of MD5 and the SHA family, in hexadecimal digits
_HEXADECIMAL = re.compile(r"[0-9a-f]+", re.I)
_FEWEST_PARTS_OF_HASH, _FEWEST_PARTS_OF_TOKEN = 5, 9  # digits, letters, digits are 3 parts
_PART = re.compile(r"[0-9]+|[A-Za-z]+")
_MASKED = re.compile(rf"{MASK}[0-9]{{4}}")
_AMAZON_ORDER = re.compile(rf"{_BEFORE}[0-9]{{3}}-[0-9]{{7}}-[0-9]{{7}}{_AFTER}")
_HOUR, _MINUTE, _SECONDS = "(?:[01][0-9]|2[0-4])", "[0-5][0-9]", "[0-6][0-9](?:[.,][0-9]{1,9})?"
# Without a colon, digits after a date are a time only after a T: a card number may begin with 2223.
_CLOCK = (
    rf"(?:[ T]{{1,2}}{_HOUR}:{_MINUTE}(?::{_SECONDS})?|T{_HOUR}{_MINUTE}(?:{_SECONDS})?)"
    rf"(?: ?[+-][01][0-9]:?{_MINUTE})?"
)
_MONTH, _DAY, _YEAR = "(?:0?[1-9]|1[0-2])", "(?:0?[1-9]|[12][0-9]|3[01])", "(?:19|20)[0-9]{2}"


def _date_pattern(dash: str) -> str:
    """A date with these separators, whatever the order of its parts, that is not a part of something longer."""
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
# The first group of a serial number: it has a letter, and all others have its length, with a dash between.
_SERIAL_START = re.compile(rf"{_BEFORE}(?=[0-9]*[A-Za-z])[0-9A-Za-z]{{3,8}}(?=-[0-9A-Za-z])")
_FEWEST_GROUPS_OF_SERIAL = 4
# What people write before the number of a card, with a dash between.
_CARD_WORDS_LIST = (
    "amex banca banco bank banque card cards carta carte ccard ccnr ccno ccnum cred credit credito dank debit "
    "debito debt diners dinr disc elo exp from giro hiper jcb kaart karte kort kredit maes maestro mast master "
    "mcard mein meine mine mstr nomor num numb number numer numero nummer numr nums paid pago pan rupay tarj troy "
    "used verve visa vpay with zahl"
)
_CARD_WORDS = frozenset(_CARD_WORDS_LIST.split())


class _OtherNumbers:
    """The places in a text with numbers that may look like card numbers and are none. Looked for when needed."""

    def __init__(self, folded: str) -> None:
        plain = folded.replace(_IGNORED, " ") if _IGNORED in folded else folded
        self._spans = _join(plain, sorted(_find_others(plain)))
        self._masked = [match.span() for match in _MASKED.finditer(plain)]
        self._phones = [match.span() for match in _PHONE.finditer(plain)]

    def include(self, start: int, end: int) -> bool:
        """Whether all of these digits belong to such numbers, or some to a number that is masked already."""
        for spans in (self._spans, self._phones):
            span_start, span_end = _last_before(spans, end)
            if span_start <= start and end <= span_end:
                return True
        return _last_before(self._masked, end)[1] > start

    def overlap(self, start: int, end: int) -> bool:
        """Whether some of these digits belong to such a number, phone numbers aside."""
        return _last_before(self._spans, end)[1] > start


def _last_before(spans: list[tuple[int, int]], end: int) -> tuple[int, int]:
    """The last of these sorted spans that begins before this place, or an empty one."""
    index = bisect_right(spans, (end,))
    return spans[index - 1] if index else (0, 0)


def _join(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join sorted spans that overlap or have no digits between them."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and not _DIGITS.search(text, joined[-1][1], start):
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
    """Yield the span of a serial number that begins with this group, unless the digits go on after it."""
    if first[0].lower() in _CARD_WORDS:
        return
    size, end, count = len(first[0]), first.end(), 1
    group = re.compile(rf"-[0-9A-Za-z]{{{size}}}{_AFTER}")
    while following := group.match(text, end):
        end, count = following.end(), count + 1
    if count >= _FEWEST_GROUPS_OF_SERIAL and not re.compile(rf"[ -][0-9]{{{size}}}{_AFTER}").match(text, end):
        yield first.start(), end
