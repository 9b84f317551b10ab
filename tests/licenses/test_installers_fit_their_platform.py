"""A release is accepted only if its content and the ending of its name fit the platform."""

import io
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from licenses.installer_types import FileType, WrongType, detect_installer_type, require_installer
from licenses.models import Release
from tests.factories import make_agent, make_product
from tests.pages import text


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return content.getvalue()


DISK_IMAGE = b"\0" * 600 + b"koly".ljust(512, b"\0")
INSTALLERS = [
    ("windows", "Setup.exe", b"MZ\x90\0"),
    ("windows", "SETUP.EXE", b"MZ\x90\0"),
    ("windows", "Setup.msi", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("windows", "Setup.msix", zipped("AppxManifest.xml")),
    ("windows", "Setup.zip", zipped("Product/Setup.exe")),
    ("macos", "Product.dmg", DISK_IMAGE),
    ("macos", "Product.pkg", b"xar!\0\x1c"),
    ("macos", "Product.zip", zipped("Product.app/Contents/Info.plist")),
    ("linux", "product.deb", b"!<arch>\ndebian-binary   "),
    ("linux", "product.rpm", b"\xed\xab\xee\xdb\x03"),
    ("linux", "product.run", b"#!/bin/sh\n"),
    ("linux", "product", b"\x7fELF\x02"),
    ("linux", "product.tar.gz", b"\x1f\x8b\x08"),
    ("android", "product.apk", zipped("AndroidManifest.xml", "classes.dex")),
    ("ios", "product.ipa", zipped("Payload/Product.app/Info.plist")),
    ("other", "anything.bin", b"anything"),
]


@pytest.mark.parametrize(("platform", "name", "content"), INSTALLERS, ids=lambda value: str(value)[:20])
def test_an_installer_of_the_platform_is_accepted(platform: str, name: str, content: bytes) -> None:
    require_installer(io.BytesIO(content), platform, name)


@pytest.mark.parametrize(("platform", "name", "content"), INSTALLERS[:-1], ids=lambda value: str(value)[:20])
def test_an_installer_of_another_platform_is_refused(platform: str, name: str, content: bytes) -> None:
    for other in {"windows", "macos", "linux", "android", "ios"} - {platform}:
        with pytest.raises(WrongType, match="isn’t an installer for"):
            require_installer(io.BytesIO(content), other, name)


@pytest.mark.parametrize(
    "content",
    [b"", b"M", b"PK\x03\x04", b"PK\x03\x04" + b"\xff" * 500, b"koly", b"<html>", b"%PDF-1.7", b"\0" * 2000],
)
def test_any_other_content_is_of_no_known_type(content: bytes) -> None:
    assert detect_installer_type(io.BytesIO(content)) == FileType.UNKNOWN
    with pytest.raises(WrongType, match="or it’s incomplete"):
        require_installer(io.BytesIO(content), "macos", "Product.dmg")


def test_a_zip_file_needs_an_installer_in_it() -> None:
    assert detect_installer_type(io.BytesIO(zipped("notes.txt"))) == FileType.OTHER_ZIP
    with pytest.raises(WrongType, match="ZIP file without a known installer"):
        require_installer(io.BytesIO(zipped("notes.txt")), "windows", "Setup.zip")


def test_a_name_that_systems_would_open_as_another_type_is_refused() -> None:
    with pytest.raises(WrongType, match=r"The file name Setup.dmg doesn’t fit the content.*Use a name that ends in"):
        require_installer(io.BytesIO(b"MZ\x90"), "windows", "Setup.dmg")


@pytest.mark.django_db
def test_the_form_says_what_is_wrong_and_stores_nothing(releases_folder: Path) -> None:
    browser = Client()
    browser.force_login(make_agent())
    fields = {
        "product": make_product().pk,
        "version": "1",
        "platform": "windows",
        "file": SimpleUploadedFile("Product.dmg", DISK_IMAGE),
        "file_name": "Setup.exe",
    }
    page = text(browser.post("/admin/licenses/release/add/", fields))
    assert "isn’t an installer for Windows. Its content is: Mac disk image (.dmg). Choose the right platform" in page
    assert not Release.objects.exists()
    assert not releases_folder.exists()


@pytest.mark.django_db
def test_the_command_refuses_it_with_status_1(tmp_path: Path, releases_folder: Path) -> None:
    make_product(slug="maximum")
    file = tmp_path / "Setup.exe"
    file.write_bytes(b"not found")  # what a server sent instead of the file
    with pytest.raises(CommandError, match="isn’t an installer for Windows") as refused:
        call_command("add_release", str(file), product="maximum", version="1", platform="windows")
    assert refused.value.returncode == 1
    assert not Release.objects.exists()
    assert not releases_folder.exists()
