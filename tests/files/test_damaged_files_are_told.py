"""However a file is damaged, it is read or told to be unreadable; no decoder's own error comes through."""

import random
from contextlib import suppress

import pytest

from files.cleaning.documents import clean_document
from files.cleaning.pictures import clean_picture
from files.kinds import Kind
from files.reasons import Unfit
from tests.files import made

TIMES = 200


def damaged(content: bytes, chance: random.Random) -> bytes:
    """With some bytes changed, missing or too many; its first four stay, for they say what it is."""
    bytes_ = bytearray(content)
    for _damage in range(chance.randint(1, 6)):
        place = chance.randrange(4, len(bytes_))
        length = chance.choice([0, 1, chance.randrange(20)])
        bytes_[place : place + length] = chance.randbytes(chance.choice([0, 1, 8]))
    return bytes(bytes_)


@pytest.mark.filterwarnings("ignore")  # of decoders, about what they skip
@pytest.mark.parametrize("kind", Kind)
def test_damaged(kind: Kind) -> None:
    whole = {
        Kind.PDF: made.pdf_bytes(made.pdf(pages=3)),
        Kind.JPEG: made.jpeg(exif=made.phone_exif(6)),
        Kind.PNG: made.png(exif=made.phone_exif(3)),
        Kind.HEIC: made.heic(6),
    }[kind]
    chance = random.Random(kind.value)
    clean = clean_document if kind == Kind.PDF else clean_picture
    for _time in range(TIMES):
        with suppress(Unfit):
            clean(damaged(whole, chance), kind)
