"""Decoders run in a process with little memory and time and no secrets; its end is a sentence, not ours."""

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


def refused(content: bytes) -> RejectionReason:
    with pytest.raises(FileRejected) as refusal:
        clean_upload(factories.upload(content))
    return refusal.value.reason


def instead(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let another program judge."""
    run = subprocess.run

    def other(_command: list[str], **options: object) -> object:
        return run([sys.executable, "-c", program], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(validation.subprocess, "run", other)


@pytest.mark.parametrize("size", [(50_000, 50_000), (8_000, 8_000), (2_000_000, 100)])
def test_a_bomb_of_pixels_is_refused(size: tuple[int, int]) -> None:
    bomb = factories.png_bomb(*size)
    assert len(bomb) < 1024**2
    assert refused(bomb) == RejectionReason.TOO_MANY_PIXELS


def test_the_largest_picture_that_is_taken_fits_into_the_memory_allowed() -> None:
    largest = factories.saved(factories.picture((7700, 7700), "RGBA"), "PNG", compress_level=1)
    clean = factories.opened(clean_upload(factories.upload(largest)).content)
    assert clean.width * clean.height <= 16_100_000


def test_a_page_that_unpacks_a_thousandfold_costs_nothing() -> None:
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
def test_a_picture_cut_short_is_told(kind: str) -> None:
    whole: bytes = getattr(factories, kind)()
    assert refused(whole[: len(whole) // 2]) == RejectionReason.UNREADABLE


def test_a_picture_with_noise_in_it_is_told_or_kept() -> None:
    whole = bytearray(factories.heic())
    for place in range(50, len(whole), 7):
        whole[place] ^= 0x5A
    with pytest.raises(FileRejected):
        clean_upload(factories.upload(bytes(whole)))


def test_one_that_crashes_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    instead(monkeypatch, "import os; os.abort()")
    assert refused(factories.jpeg()) == RejectionReason.TOO_MUCH_WORK
    assert "ended with status -6" in caplog.text


def test_one_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "PROCESS_TIMEOUT", 0.5)
    instead(monkeypatch, "while True: pass")
    assert refused(factories.jpeg()) == RejectionReason.TOO_MUCH_WORK


def test_it_sees_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    instead(monkeypatch, "import os; print('clean image/png'); print(sorted(os.environ))")
    seen = clean_upload(factories.upload(factories.png())).content.decode()
    for secret in ("SECRET_KEY", "ORDER_PASSWORD_KEY", "DATABASE_URL", "EMAIL_URL"):
        assert secret not in seen


def test_a_crowd_is_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "SLOT_TIMEOUT", 0.01)
    slots = [validation._slots.acquire() for _slot in range(validation.MAX_PROCESSES)]
    assert all(slots)
    try:
        assert refused(factories.jpeg()) == RejectionReason.BUSY
    finally:
        for _slot in slots:
            validation._slots.release()
    assert clean_upload(factories.upload(factories.jpeg()))


def test_one_byte_too_many_is_too_many(settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = len(factories.jpeg())
    assert clean_upload(factories.upload(factories.jpeg()))
    assert refused(factories.jpeg() + b"\x00") == RejectionReason.TOO_LARGE
