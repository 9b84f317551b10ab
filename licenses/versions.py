"""The sequence of version numbers, as people read them."""

import re
from itertools import zip_longest

_PARTS = re.compile(r"[0-9]+|[a-z]+")
# 2.0-beta1 comes before 2.0.
_BEFORE_RELEASE = frozenset({"alpha", "beta", "dev", "pre", "preview", "rc"})
_BEFORE, _NUMBER, _AFTER = range(3)
_END = (_NUMBER, 0, "")  # 17.8 is the same as 17.8.0


def compare_versions(first: str, second: str) -> int:
    """Return -1 if `first` is the older version, 1 if it is newer, and 0 if they mean the same. Any text is accepted.

    Numbers are compared as numbers: 17.10 is newer than 17.9.
    """
    for one, other in zip_longest(_parts(first), _parts(second), fillvalue=_END):
        if one != other:
            return -1 if one < other else 1
    return 0


def _parts(version: str) -> list[tuple[int, int, str]]:
    found = _PARTS.findall(version.lower())
    if found[:1] == ["v"]:  # v17.8
        found = found[1:]
    return [_part(text) for text in found]


def _part(text: str) -> tuple[int, int, str]:
    if text.isdecimal():
        return _NUMBER, int(text), ""
    return (_BEFORE if text in _BEFORE_RELEASE else _AFTER), 0, text
