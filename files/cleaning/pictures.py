"""Pictures: decoded, turned upright, and written anew without anything but their pixels."""

import math
import warnings
from io import BytesIO

from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

from files.cleaning.child import serve
from files.cleaning.limits import KEPT_PIXELS, MOST_PIXELS
from files.kinds import Kind
from files.reasons import Reason, Unfit

JPEG_QUALITY = 88

Image.MAX_IMAGE_PIXELS = MOST_PIXELS
FORMATS = {Kind.JPEG: "JPEG", Kind.PNG: "PNG", Kind.HEIC: "HEIF"}
WITH_ALPHA = {"LA", "La", "PA", "RGBA", "RGBa"}
SIXTEEN_BITS = {"I;16", "I;16B", "I;16L", "I"}


def clean_picture(content: bytes, kind: Kind) -> tuple[str, bytes]:
    """Media type and content of the same picture: PNG stays PNG, all else becomes JPEG.

    Place, time, camera, thumbnails and whatever else came along are gone. Raises Unfit.
    """
    if kind == Kind.HEIC:
        register_heif_opener(thumbnails=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = _decode(content, FORMATS[kind])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unfit(Reason.TOO_MANY_PIXELS) from error
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError) as error:
        # Whatever a decoder finds wrong with what it reads; Pillow's have many ways to say so.
        raise Unfit(Reason.UNREADABLE) from error
    return _encode(picture, as_png=kind == Kind.PNG)


def _decode(content: bytes, name: str) -> Image.Image:
    """The picture, upright and of a size that is kept."""
    picture: Image.Image = Image.open(BytesIO(content), formats=[name])
    size = _kept_size(picture.size)
    picture.draft(None, size)  # a JPEG is decoded smaller at once
    picture.load()
    if picture.width > size[0]:
        picture = _plain(picture).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return ImageOps.exif_transpose(picture)


def _kept_size(size: tuple[int, int]) -> tuple[int, int]:
    pixels = size[0] * size[1]
    if pixels > MOST_PIXELS:
        raise Unfit(Reason.TOO_MANY_PIXELS)  # some decoders do not ask Pillow's own limit
    if pixels <= KEPT_PIXELS:
        return size
    shrink = math.sqrt(KEPT_PIXELS / pixels)
    return max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))


def _plain(picture: Image.Image) -> Image.Image:
    """In greys or colors of 8 bits, with transparency where there is some."""
    if picture.mode in ("L", "RGB", "RGBA"):
        return picture
    if picture.mode in WITH_ALPHA or "transparency" in picture.info:
        plain = picture.convert("RGBA")
    elif picture.mode in SIXTEEN_BITS:
        plain = picture.point(lambda value: value * (1 / 256)).convert("L")  # converting alone would cut, not scale
    else:
        plain = picture.convert("L" if picture.mode == "1" else "RGB")
    plain.info.setdefault("exif", picture.info.get("exif", b""))  # says which side is up
    return plain


def _encode(picture: Image.Image, *, as_png: bool) -> tuple[str, bytes]:
    plain = _plain(picture)
    if not as_png and plain.mode == "RGBA":
        plain = plain.convert("RGB")
    plain.info.clear()  # encoders take comments and profiles from there
    out = BytesIO()
    if as_png:
        plain.save(out, "PNG")
        return "image/png", out.getvalue()
    plain.save(out, "JPEG", quality=JPEG_QUALITY)
    return "image/jpeg", out.getvalue()


if __name__ == "__main__":
    serve(clean_picture)
