"""A damaged file is cleaned or rejected. Decoders raise no other exceptions."""

import random
from contextlib import suppress

import pytest

from files.cleaning.images import clean_image
from files.cleaning.pdfs import clean_pdf
from files.file_types import FileType
from files.rejection_reasons import ContentRejected
from tests.files import factories

ROUNDS = 200


def damage(content: bytes, chance: random.Random) -> bytes:
    """Change, remove or insert some bytes, except the first four, which determine the type."""
    bytes_ = bytearray(content)
    for _damage in range(chance.randint(1, 6)):
        place = chance.randrange(4, len(bytes_))
        length = chance.choice([0, 1, chance.randrange(20)])
        bytes_[place : place + length] = chance.randbytes(chance.choice([0, 1, 8]))
    return bytes(bytes_)


@pytest.mark.filterwarnings("ignore")  # from decoders, about skipped data
@pytest.mark.parametrize("kind", FileType)
def test_a_damaged_file_is_cleaned_or_rejected(kind: FileType) -> None:
    whole = {
        FileType.PDF: factories.pdf_bytes(factories.pdf(pages=3)),
        FileType.JPEG: factories.jpeg(exif=factories.phone_exif(6)),
        FileType.PNG: factories.png(exif=factories.phone_exif(3)),
        FileType.HEIC: factories.heic(6),
    }[kind]
    chance = random.Random(kind.value)
    clean = clean_pdf if kind == FileType.PDF else clean_image
    for _time in range(ROUNDS):
        with suppress(ContentRejected):
            clean(damage(whole, chance), kind)
