"""Texts that differ from a typed one by a single slip, to be looked up with an ordinary index."""

import string
from collections.abc import Iterator

MAX_VARIED_LENGTH = 64  # characters; longer texts have too many variants
# Without the "@": other characters are only removed or swapped.
ADDRESS_CHARACTERS = f"{string.ascii_lowercase}{string.digits}._-+"


def one_slip_apart(text: str, characters: str) -> Iterator[str]:
    """Yield the texts with one character removed, added or changed, or with two neighboring characters swapped.

    Only characters of `characters` are added. May yield a text twice, and yields none for a long text.
    """
    if not text or len(text) > MAX_VARIED_LENGTH:
        return
    for index in range(len(text) + 1):
        before, after = text[:index], text[index:]
        yield from (f"{before}{character}{after}" for character in characters)
        if after:
            yield f"{before}{after[1:]}"
            yield from (f"{before}{character}{after[1:]}" for character in characters)
        if len(after) > 1:
            yield f"{before}{after[1]}{after[0]}{after[2:]}"


def is_one_slip_apart(text: str, other: str) -> bool:
    """Whether `one_slip_apart` of the text, with all characters, yields the other."""
    if abs(len(text) - len(other)) > 1 or text == other:
        return False
    start = 0
    while start < min(len(text), len(other)) and text[start] == other[start]:
        start += 1
    end = 0
    while end < min(len(text), len(other)) - start and text[-1 - end] == other[-1 - end]:
        end += 1
    rest, other_rest = text[start : len(text) - end], other[start : len(other) - end]
    return max(len(rest), len(other_rest)) == 1 or (len(rest) == 2 and rest == other_rest[::-1])
