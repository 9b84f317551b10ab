"""Files are decoded in a subprocess with little memory, little time and no secrets; its failure is a rejection."""

import subprocess
import sys
import time

import pytest
from pytest_django.fixtures import Settings

from files import validation
from files.rejection_reasons import RejectionReason
from files.rejections import FileRejected
from files.validation import clean_upload
from tests.files import factories


def rejection(content: bytes) -> RejectionReason:
    with pytest.raises(FileRejected) as refusal:
        clean_upload(factories.upload(content))
    return refusal.value.reason


def replace_subprocess(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Run another Python program instead of the cleaner."""
    run = subprocess.run

    def other(_command: list[str], **options: object) -> object:
        return run([sys.executable, "-c", program], **options)

    monkeypatch.setattr(validation.subprocess, "run", other)


@pytest.mark.parametrize("size", [(50_000, 50_000), (8_000, 8_000), (2_000_000, 100)])
def test_a_decompression_bomb_is_rejected(size: tuple[int, int]) -> None:
    bomb = factories.png_bomb(*size)
    assert len(bomb) < 1024**2
    assert rejection(bomb) == RejectionReason.TOO_MANY_PIXELS


def test_the_largest_accepted_image_fits_into_the_memory_limit() -> None:
    largest = factories.encode(factories.picture((7700, 7700), "RGBA"), "PNG", compress_level=1)
    clean = factories.open_image(clean_upload(factories.upload(largest)).content)
    assert clean.width * clean.height <= 16_100_000


def test_a_pdf_with_a_huge_compressed_stream_is_cheap() -> None:
    bomb = factories.pdf()
    packer = factories.zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * 1024**2) for _megabyte in range(256)) + packer.flush()
    content = factories.pikepdf.Stream(bomb, b"")
    content.write(packed, filter=factories.pikepdf.Name.FlateDecode)
    bomb.pages[0].Contents = bomb.make_indirect(content)
    began = time.monotonic()
    assert len(clean_upload(factories.upload(factories.pdf_bytes(bomb))).content) < 2 * 1024**2
    assert time.monotonic() - began < validation.PROCESS_TIMEOUT / 2


@pytest.mark.parametrize("kind", ["jpeg", "png", "heic"])
def test_a_truncated_image_is_rejected(kind: str) -> None:
    whole: bytes = getattr(factories, kind)()
    assert rejection(whole[: len(whole) // 2]) == RejectionReason.UNREADABLE


def test_a_corrupted_image_is_rejected() -> None:
    whole = bytearray(factories.heic())
    for place in range(50, len(whole), 7):
        whole[place] ^= 0x5A
    with pytest.raises(FileRejected):
        clean_upload(factories.upload(bytes(whole)))


def test_a_crash_of_the_subprocess_is_a_rejection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    replace_subprocess(monkeypatch, "import os; os.abort()")
    assert rejection(factories.jpeg()) == RejectionReason.TOO_MUCH_WORK
    assert "ended with status -6" in caplog.text


def test_the_subprocess_is_killed_after_its_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "PROCESS_TIMEOUT", 0.5)
    replace_subprocess(monkeypatch, "while True: pass")
    assert rejection(factories.jpeg()) == RejectionReason.TOO_MUCH_WORK


def test_the_subprocess_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_subprocess(monkeypatch, "import os; print('clean image/png'); print(sorted(os.environ))")
    seen = clean_upload(factories.upload(factories.png())).content.decode()
    for secret in ("SECRET_KEY", "ORDER_PASSWORD_KEY", "DATABASE_URL", "EMAIL_URL"):
        assert secret not in seen


def test_too_many_simultaneous_uploads_are_asked_to_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "SLOT_TIMEOUT", 0.01)
    slots = [validation._slots.acquire() for _slot in range(validation.MAX_PROCESSES)]
    assert all(slots)
    try:
        assert rejection(factories.jpeg()) == RejectionReason.BUSY
    finally:
        for _slot in slots:
            validation._slots.release()
    assert clean_upload(factories.upload(factories.jpeg()))


def test_one_byte_over_the_size_limit_is_rejected(settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = len(factories.jpeg())
    assert clean_upload(factories.upload(factories.jpeg()))
    assert rejection(factories.jpeg() + b"\x00") == RejectionReason.TOO_LARGE
