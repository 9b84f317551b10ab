"""Find card numbers in a text, with any separators between their digits."""

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import NamedTuple

from orders.card_numbers.brands import DOUBLED_DIGIT_SUMS, LENGTHS_BY_PREFIX, PREFIX_LENGTH, is_card_number
from orders.card_numbers.other_numbers import OtherNumbers
from orders.card_numbers.reading import COMMON, DIGITS, IGNORED, MASK, FoldedText, fold_text

# More symbols than this between two digits separate two numbers. Consecutive spaces count as one.
MAX_SYMBOLS_BETWEEN_DIGITS = 6


class CardNumber(NamedTuple):
    """The position of a card number, or of several that overlap, in the text."""

    start: int
    end: int
    last4: str  # in ASCII


# --- Separators ------------------------------------------------------------------------------------------

_ENDS_A_NUMBER = re.compile(rf"[A-Za-z$]|{MASK}")
_SPACES = re.compile(rf"[ {IGNORED}]+")
_SEPARATE = None  # two numbers


def _separator(gap: str) -> str | None:
    """Return the unusual characters between two digits, or an empty string; `_SEPARATE` if these are two numbers.

    Spaces, periods, slashes, dashes, underscores and invisible characters are usual.
    """
    if not gap.strip(COMMON) and len(gap) <= MAX_SYMBOLS_BETWEEN_DIGITS:
        return ""
    if _ENDS_A_NUMBER.search(gap):
        return _SEPARATE
    symbols = _SPACES.sub("", gap)
    if len(symbols) + (" " in gap) > MAX_SYMBOLS_BETWEEN_DIGITS:
        return _SEPARATE
    return symbols if symbols.strip(COMMON) else ""


def _is_usual_grouping(sizes: list[int]) -> bool:
    """Whether digits are grouped as on a card: by fours, or as 4-6-5 or 4-6-4."""
    by_fours = all(size == 4 for size in sizes[:-1]) and sizes[-1] <= 4
    return by_fours or sizes in ([4, 6, 5], [4, 6, 4])


# --- Finding ---------------------------------------------------------------------------------------------

# 16 digits. Only for these brands, because parcels and SIM cards have numbers of 19 and 20 digits, too.
_VISA_OR_MASTERCARD = re.compile(r"4|5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720")


class _Groups(NamedTuple):
    """The groups of digits of a text. Digits are numbered through the whole text."""

    digits: str
    spans: list[tuple[int, int]]  # the position of each group in the folded text
    firsts: list[int]  # the index in `digits` of the first digit of each group, and the number of digits
    separators: list[str | None]  # before each group


def _split_into_groups(text: str) -> _Groups:
    spans = [span for match in DIGITS.finditer(text) for span in _split_off_security_code(match)]
    separators = [_separator(text[end:start]) for (_start, end), (start, _end) in pairwise(spans)]
    firsts = [0, *accumulate(end - start for start, end in spans)]
    return _Groups("".join([text[start:end] for start, end in spans]), spans, firsts, [_SEPARATE, *separators])


def _split_off_security_code(group: re.Match[str]) -> list[tuple[int, int]]:
    """Return the spans of a Visa or Mastercard number and the 3 or 4 digits after it; otherwise of the whole group."""
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
    # Luhn sums up to each digit, with every second digit doubled: those at even or at odd positions.
    values = [ord(digit) - 48 for digit in digits]
    sums = [
        list(accumulate((DOUBLED_DIGIT_SUMS[v] if i % 2 == doubled else v for i, v in enumerate(values)), initial=0))
        for doubled in (0, 1)
    ]
    for first, start in enumerate(firsts[:-1]):
        prefix = digits[start : start + PREFIX_LENGTH]
        for length in LENGTHS_BY_PREFIX[int(prefix)] if len(prefix) == PREFIX_LENGTH else ():
            end = start + length
            last = group_ending_at.get(end)
            if last is None or run_of[last] != run_of[first]:
                continue
            luhn = sums[end % 2]  # the last digit is at `end - 1` and is not doubled
            if (luhn[end] - luhn[start]) % 10 == 0 and _is_one_number(groups, first, last):
                yield first, last


def _is_one_number(groups: _Groups, first: int, last: int) -> bool:
    """Whether the separators between the groups are usual or all the same, or the groups are as on a card."""
    separators = groups.separators[first + 1 : last + 1]
    if not any(separators) or len(set(separators)) == 1:
        return True
    return _is_usual_grouping([end - start for start, end in groups.spans[first : last + 1]])


def find_card_numbers(text: str) -> list[CardNumber]:
    folded = fold_text(text)
    groups = _split_into_groups(folded.text)
    candidates = list(_candidates(groups))
    if not candidates:
        return []
    others = OtherNumbers(folded.text)
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


def _merge(folded: FoldedText, groups: _Groups, candidates: list[tuple[int, int]]) -> CardNumber:
    """Return the position of overlapping numbers. All their digits are masked, since any of them can be the card's."""
    first, last = candidates[0][0], max(last for _first, last in candidates)
    if groups.spans[last][1] == groups.spans[min(last + 1, len(groups.spans) - 1)][0]:
        last += 1  # the security code or expiry date written directly after the number
    start, last_digit = groups.spans[first][0], groups.spans[last][1] - 1
    likely = max(candidates, key=lambda candidate: _likelihood(groups, *candidate))
    end = groups.firsts[likely[1] + 1]
    return CardNumber(folded.places[start], folded.places[last_digit] + 1, groups.digits[end - 4 : end])


def _likelihood(groups: _Groups, first: int, last: int) -> tuple[bool, bool]:
    """Return a sort key: cards are grouped by fours or not at all, and have 16 or 15 digits. The first of equals is
    used.
    """
    sizes = [end - start for start, end in groups.spans[first : last + 1]]
    return len(sizes) == 1 or _is_usual_grouping(sizes), sum(sizes) in (15, 16)
