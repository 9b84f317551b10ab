"""Images: decoded, turned upright, and re-encoded without metadata."""

import math
import warnings
from io import BytesIO

from PIL import Image, ImageOps, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin
from pillow_heif import register_heif_opener

from files.cleaning.child_process import run_cleaner
from files.cleaning.limits import MAX_PIXELS, MAX_STORED_PIXELS
from files.file_types import FileType
from files.rejection_reasons import ContentRejected, RejectionReason

JPEG_QUALITY = 88

Image.MAX_IMAGE_PIXELS = MAX_PIXELS
PILLOW_FORMATS = {FileType.JPEG: "JPEG", FileType.PNG: "PNG", FileType.HEIC: "HEIF"}
ALPHA_MODES = {"LA", "La", "PA", "RGBA", "RGBa"}
SIXTEEN_BIT_MODES = {"I;16", "I;16B", "I;16L", "I"}
# Pillow imports these on first use, but then files can no longer be opened. TIFF reads EXIF data.
PLUGINS = (JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin)
Image.preinit()


def clean_image(content: bytes, file_type: FileType) -> tuple[str, bytes]:
    """Return the media type and the content of the re-encoded image: PNG stays PNG, the others become JPEG.

    Location, time, camera, thumbnails and all other metadata are dropped. Raises ContentRejected.
    """
    if file_type == FileType.HEIC:
        register_heif_opener(thumbnails=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = _decode(content, PILLOW_FORMATS[file_type])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ContentRejected(RejectionReason.TOO_MANY_PIXELS) from error
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError) as error:
        # The errors that Pillow's decoders raise for damaged content.
        raise ContentRejected(RejectionReason.UNREADABLE) from error
    return _encode(image, as_png=file_type == FileType.PNG)


def _decode(content: bytes, pillow_format: str) -> Image.Image:
    """Return the image, upright and with at most MAX_STORED_PIXELS."""
    image: Image.Image = Image.open(BytesIO(content), formats=[pillow_format])
    size = _stored_size(image.size)
    image.draft(None, size)  # lets the JPEG decoder scale down while it decodes
    image.load()
    if image.width > size[0]:
        image = _convert_to_8_bits(image).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return ImageOps.exif_transpose(image)


def _stored_size(size: tuple[int, int]) -> tuple[int, int]:
    pixels = size[0] * size[1]
    if pixels > MAX_PIXELS:
        raise ContentRejected(RejectionReason.TOO_MANY_PIXELS)  # some decoders ignore Image.MAX_IMAGE_PIXELS
    if pixels <= MAX_STORED_PIXELS:
        return size
    factor = math.sqrt(MAX_STORED_PIXELS / pixels)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _convert_to_8_bits(image: Image.Image) -> Image.Image:
    """Convert to mode L, RGB, or RGBA where the image has transparency."""
    if image.mode in ("L", "RGB", "RGBA"):
        return image
    if image.mode in ALPHA_MODES or "transparency" in image.info:
        converted = image.convert("RGBA")
    elif image.mode in SIXTEEN_BIT_MODES:
        converted = image.point(lambda value: value * (1 / 256)).convert("L")  # convert() alone would clip, not scale
    else:
        converted = image.convert("L" if image.mode == "1" else "RGB")
    converted.info.setdefault("exif", image.info.get("exif", b""))  # holds the orientation
    return converted


def _encode(image: Image.Image, *, as_png: bool) -> tuple[str, bytes]:
    image = _convert_to_8_bits(image)
    if not as_png and image.mode == "RGBA":
        image = image.convert("RGB")
    image.info.clear()  # encoders write comments and profiles from there
    out = BytesIO()
    if as_png:
        image.save(out, "PNG")
        return "image/png", out.getvalue()
    image.save(out, "JPEG", quality=JPEG_QUALITY)
    return "image/jpeg", out.getvalue()


if __name__ == "__main__":
    run_cleaner(clean_image)
