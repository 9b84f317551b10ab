"""Images are stored upright and without metadata."""

import pytest
from PIL.PngImagePlugin import PngInfo

from files.validation import clean_upload
from tests.files import factories

RED, BLUE = 0, 2


def strongest_channel(pixel: object) -> int:
    """Return the index of the largest of red, green and blue."""
    assert isinstance(pixel, tuple)
    return max(range(3), key=lambda number: int(pixel[number]))


def test_a_jpeg_loses_its_metadata() -> None:
    photo = factories.jpeg(exif=factories.phone_exif(), comment=b"taken at home", icc_profile=b"a profile" * 20)
    assert b"Secret Phone Maker" in photo
    clean = clean_upload(factories.upload(photo))
    assert clean.media_type == "image/jpeg"
    assert not factories.open_image(clean.content).getexif()
    for metadata in (b"Exif", b"Secret", b"taken at home", b"a profile"):
        assert metadata not in clean.content


def test_a_rotated_jpeg_is_turned_upright() -> None:
    clean = factories.open_image(
        clean_upload(factories.upload(factories.jpeg(exif=factories.phone_exif(orientation=6)))).content
    )
    assert clean.size == (40, 60)
    assert strongest_channel(clean.getpixel((35, 30))) == RED  # the upper half, now on the right
    assert strongest_channel(clean.getpixel((5, 30))) == BLUE


def test_a_heic_from_a_phone_becomes_an_upright_jpeg() -> None:
    clean = clean_upload(factories.upload(factories.heic(orientation=6), "IMG_0815.HEIC"))
    assert (clean.media_type, clean.name) == ("image/jpeg", "IMG_0815.jpg")
    shown = factories.open_image(clean.content)
    assert shown.size == (80, 120)
    assert strongest_channel(shown.getpixel((70, 60))) == RED
    assert not shown.getexif()
    assert b"Secret" not in clean.content


def test_a_png_stays_a_png_and_loses_its_metadata() -> None:
    texts = PngInfo()
    texts.add_text("Comment", "taken at home")
    texts.add_itxt("XML:com.adobe.xmp", "<xmp>my name</xmp>")
    clean = clean_upload(factories.upload(factories.png(pnginfo=texts, exif=factories.phone_exif())))
    assert clean.media_type == "image/png"
    for metadata in (b"taken at home", b"my name", b"Secret", b"tEXt", b"iTXt", b"eXIf"):
        assert metadata not in clean.content


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_images_of_every_mode_are_accepted(mode: str) -> None:
    picture = factories.Image.new("I;16", factories.WIDE, 40_000) if mode == "I;16" else factories.picture(mode=mode)
    clean = factories.open_image(clean_upload(factories.upload(factories.encode(picture, "PNG"))).content)
    assert clean.size == factories.WIDE
    if mode == "I;16":
        assert clean.getpixel((1, 1)) == 40_000 // 256


def test_a_cmyk_jpeg_becomes_rgb() -> None:
    clean = clean_upload(factories.upload(factories.encode(factories.picture(mode="CMYK"), "JPEG")))
    assert factories.open_image(clean.content).mode == "RGB"


def test_transparency_is_kept() -> None:
    glass = factories.Image.new("RGBA", factories.WIDE, (255, 0, 0, 0))
    clean = factories.open_image(clean_upload(factories.upload(factories.encode(glass, "PNG"))).content)
    assert clean.getpixel((1, 1))[3] == 0


def test_an_animated_image_becomes_its_first_frame() -> None:
    moving = factories.encode(
        factories.picture(), "PNG", save_all=True, append_images=[factories.picture().rotate(180)]
    )
    clean = factories.open_image(clean_upload(factories.upload(moving)).content)
    assert getattr(clean, "n_frames", 1) == 1


def test_a_large_photo_is_scaled_down_in_proportion() -> None:
    clean = factories.open_image(
        clean_upload(
            factories.upload(factories.jpeg_of((8000, 6000), exif=factories.phone_exif(orientation=6)))
        ).content
    )
    assert clean.width * clean.height <= 16_100_000
    assert clean.height / clean.width == pytest.approx(8000 / 6000, rel=0.01)
    assert strongest_channel(clean.getpixel((clean.width - 9, 99))) == RED
