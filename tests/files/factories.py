"""Files for tests: photos, PDFs, and hostile ones."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pikepdf
import pillow_heif
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

WIDE = (60, 40)
GPS = 0x8825


def upload(content: bytes, name: str = "receipt.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/html")  # must be ignored


def picture(size: tuple[int, int] = WIDE, mode: str = "RGB") -> Image.Image:
    """Return an image that is red above and blue below, so that tests see which side is up."""
    made = Image.new("RGB", size, "red")
    made.paste("blue", (0, size[1] // 2, size[0], size[1]))
    return made.convert(mode)


def phone_exif(orientation: int = 1) -> bytes:
    """Return EXIF data as phones write it: maker, orientation and location."""
    exif = Image.Exif()
    exif[0x010F] = "Secret Phone Maker"
    exif[0x0112] = orientation
    exif[0x9286] = "a note"
    gps = exif.get_ifd(GPS)
    gps[1], gps[2] = "N", (52.0, 31.0, 12.0)
    gps[3], gps[4] = "E", (13.0, 24.0, 18.0)
    return exif.tobytes()


def encode(made: Image.Image, name: str, **options: Any) -> bytes:
    out = io.BytesIO()
    made.save(out, name, **options)
    return out.getvalue()


def jpeg(**options: Any) -> bytes:
    return encode(picture(), "JPEG", **options)


def png(**options: Any) -> bytes:
    return encode(picture(), "PNG", **options)


def heic(orientation: int = 1) -> bytes:
    pillow_heif.register_heif_opener()
    return encode(picture((120, 80)), "HEIF", exif=phone_exif(orientation), quality=80)


def pdf(pages: int = 1) -> pikepdf.Pdf:
    made = pikepdf.new()
    for _number in range(pages):
        made.add_blank_page(page_size=(200, 200))
    return made


def pdf_bytes(made: pikepdf.Pdf | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    (made or pdf()).save(out, **options)
    return out.getvalue()


def pdf_with_action(**action: Any) -> bytes:
    """Return a PDF with an open action, such as `S="/Launch"`."""
    made = pdf()
    made.Root.OpenAction = pikepdf.Dictionary(
        {f"/{key}": pikepdf.Name(value) if str(value).startswith("/") else value for key, value in action.items()}
    )
    return pdf_bytes(made)


def png_bomb(width: int, height: int) -> bytes:
    """Return a small PNG that decodes to an enormous image of one color."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packer = zlib.compressobj(9)
    row = b"\x00" * (1 + (width + 7) // 8)
    body = b"".join(packer.compress(row) for _number in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def open_image(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def jpeg_of(size: tuple[int, int], **options: Any) -> bytes:
    return encode(picture(size), "JPEG", **options)
