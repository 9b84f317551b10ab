"""Codes that people read, say and type: 12 characters (60 bits) in three groups, such as 7K3M-9Q2P-4TXA.

The alphabet is Crockford's base 32, without I, L, O and U. Characters that are mistaken for others are corrected.
"""

import secrets
import unicodedata

CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 12
CODE_GROUP = 4
BITS_PER_CHARACTER = 5
_LOOK_ALIKES = str.maketrans("OILU", "011V")


def make_code() -> str:
    """Return a random code."""
    return "".join(secrets.choice(CODE_ALPHABET) for _position in range(CODE_LENGTH))


def encode_code(data: bytes) -> str:
    """Return the first 60 bits of at least 8 bytes as a code."""
    number = int.from_bytes(data) >> (8 * len(data) - BITS_PER_CHARACTER * CODE_LENGTH)
    shifts = range(BITS_PER_CHARACTER * (CODE_LENGTH - 1), -1, -BITS_PER_CHARACTER)
    return "".join(CODE_ALPHABET[number >> shift & 31] for shift in shifts)


def grouped(code: str) -> str:
    """Format a code for display: 7K3M-9Q2P-4TXA."""
    return "-".join(code[start : start + CODE_GROUP] for start in range(0, len(code), CODE_GROUP))


def read_code(typed: str) -> str:
    """Normalize a typed code: without case, spaces and dashes, and with look-alike characters corrected.

    An invalid code stays invalid: the result may have any length, and contain other characters.
    """
    normalized = unicodedata.normalize("NFKC", typed).upper()
    return "".join(character for character in normalized if character.isalnum()).translate(_LOOK_ALIKES)
