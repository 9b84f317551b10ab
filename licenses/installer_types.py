"""Whether a file is an installer for a platform, by its content and the ending of its name."""

import zipfile
from collections.abc import Iterator
from typing import IO, Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from licenses.models.downloads import Platform

HEAD_BYTES = 64
DMG_TRAILER_BYTES = 512  # Apple's disk images end with a block of this size that starts with "koly"
MAX_ZIP_ENTRIES = 20_000  # that are looked at


class FileType(models.TextChoices):
    """A type of installer, and the name that staff know it by."""

    WINDOWS_PROGRAM = "windows_program", _("Windows program (.exe)")
    WINDOWS_INSTALLER = "windows_installer", _("Windows Installer package (.msi)")
    WINDOWS_APP = "windows_app", _("Windows app package (.msix, .appx)")
    DISK_IMAGE = "disk_image", _("Mac disk image (.dmg)")
    MAC_PACKAGE = "mac_package", _("Mac installer package (.pkg)")
    LINUX_PROGRAM = "linux_program", _("Linux program (.run, .bin, .AppImage)")
    SCRIPT = "script", _("script (.sh, .run)")
    DEBIAN_PACKAGE = "debian_package", _("Debian package (.deb)")
    RPM_PACKAGE = "rpm_package", _("RPM package (.rpm)")
    TAR_ARCHIVE = "tar_archive", _("compressed archive (.tar.gz, .tar.xz)")
    ANDROID_APP = "android_app", _("Android app (.apk)")
    IOS_APP = "ios_app", _("iOS app (.ipa)")
    WINDOWS_ZIP = "windows_zip", _("ZIP file with a Windows program")
    MAC_ZIP = "mac_zip", _("ZIP file with a Mac app")
    OTHER_ZIP = "other_zip", _("ZIP file without a known installer")
    UNKNOWN = "unknown", _("unknown")


TYPES_BY_PLATFORM: dict[str, frozenset[FileType]] = {
    Platform.WINDOWS: frozenset(
        {FileType.WINDOWS_PROGRAM, FileType.WINDOWS_INSTALLER, FileType.WINDOWS_APP, FileType.WINDOWS_ZIP}
    ),
    Platform.MACOS: frozenset({FileType.DISK_IMAGE, FileType.MAC_PACKAGE, FileType.MAC_ZIP}),
    Platform.LINUX: frozenset(
        {
            FileType.LINUX_PROGRAM,
            FileType.SCRIPT,
            FileType.DEBIAN_PACKAGE,
            FileType.RPM_PACKAGE,
            FileType.TAR_ARCHIVE,
        }
    ),
    Platform.ANDROID: frozenset({FileType.ANDROID_APP}),
    Platform.IOS: frozenset({FileType.IOS_APP}),
}
# Endings that systems need to open a file of this type. Linux programs need none.
ENDINGS: dict[FileType, tuple[str, ...]] = {
    FileType.WINDOWS_PROGRAM: (".exe",),
    FileType.WINDOWS_INSTALLER: (".msi",),
    FileType.WINDOWS_APP: (".msix", ".msixbundle", ".appx", ".appxbundle"),
    FileType.DISK_IMAGE: (".dmg",),
    FileType.MAC_PACKAGE: (".pkg", ".mpkg"),
    FileType.DEBIAN_PACKAGE: (".deb",),
    FileType.RPM_PACKAGE: (".rpm",),
    FileType.ANDROID_APP: (".apk",),
    FileType.IOS_APP: (".ipa",),
    FileType.WINDOWS_ZIP: (".zip",),
    FileType.MAC_ZIP: (".zip",),
}
_SIGNATURES: tuple[tuple[bytes, FileType], ...] = (
    (b"MZ", FileType.WINDOWS_PROGRAM),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileType.WINDOWS_INSTALLER),
    (b"xar!", FileType.MAC_PACKAGE),
    (b"encrcdsa", FileType.DISK_IMAGE),  # encrypted
    (b"\x7fELF", FileType.LINUX_PROGRAM),
    (b"#!", FileType.SCRIPT),
    (b"!<arch>\ndebian-binary", FileType.DEBIAN_PACKAGE),
    (b"\xed\xab\xee\xdb", FileType.RPM_PACKAGE),
    (b"\x1f\x8b", FileType.TAR_ARCHIVE),
    (b"\xfd7zXZ\x00", FileType.TAR_ARCHIVE),
)


class WrongType(Exception):
    """The file isn't an installer for the platform, or its name has the wrong ending. `sentence` says what to do."""

    def __init__(self, sentence: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def detect_installer_type(content: IO[bytes]) -> FileType:
    """Return the type of a file by its content alone. `content` must be seekable. Any content is accepted."""
    content.seek(0)
    head = content.read(HEAD_BYTES)
    if head.startswith(b"PK\x03\x04"):
        return _zip_type(content)
    for signature, file_type in _SIGNATURES:
        if head.startswith(signature):
            return file_type
    size = content.seek(0, 2)
    if size < DMG_TRAILER_BYTES:
        return FileType.UNKNOWN
    content.seek(size - DMG_TRAILER_BYTES)
    return FileType.DISK_IMAGE if content.read(4) == b"koly" else FileType.UNKNOWN


def _zip_type(content: IO[bytes]) -> FileType:
    """Return what is in a ZIP file, by the names of its entries. Nothing is extracted."""
    try:
        with zipfile.ZipFile(content) as archive:
            names = [entry.filename.lower() for entry in archive.infolist()[:MAX_ZIP_ENTRIES]]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeError):
        return FileType.UNKNOWN
    if "androidmanifest.xml" in names:
        return FileType.ANDROID_APP
    if "appxmanifest.xml" in names or "appxmetadata/appxbundlemanifest.xml" in names:
        return FileType.WINDOWS_APP
    if any(name.startswith("payload/") and ".app/" in name for name in names):
        return FileType.IOS_APP
    if any(".app/contents/" in name or name.endswith((".dmg", ".pkg")) for name in names):
        return FileType.MAC_ZIP
    if any(name.endswith((".exe", ".msi")) for name in names):
        return FileType.WINDOWS_ZIP
    return FileType.OTHER_ZIP


def require_installer(content: IO[bytes], platform: str, file_name: str) -> None:
    """Raise WrongType unless this is an installer for the platform. Any file is accepted for the platform *other*."""
    if platform == Platform.OTHER:
        return
    file_type = detect_installer_type(content)
    expected = TYPES_BY_PLATFORM[platform]
    values = {"platform": Platform(platform).label, "expected": ", ".join(_labels(expected)), "type": file_type.label}
    if file_type not in expected:
        if file_type == FileType.UNKNOWN:
            sentence = _(
                "This file isn’t an installer for %(platform)s, or it’s incomplete. Upload one of these: %(expected)s."
            )
        else:
            sentence = _(
                "This file isn’t an installer for %(platform)s. Its content is: %(type)s. Choose the right platform, "
                "or upload one of these: %(expected)s."
            )
        raise WrongType(sentence % values)
    endings = ENDINGS.get(file_type, ())
    if endings and not file_name.lower().endswith(endings):
        values |= {"name": file_name, "endings": ", ".join(endings)}
        raise WrongType(
            _(
                "The file name %(name)s doesn’t fit the content, which is: %(type)s. Use a name that ends in: "
                "%(endings)s."
            )
            % values
        )


def _labels(types: frozenset[FileType]) -> Iterator[str]:
    return (str(file_type.label) for file_type in FileType if file_type in types)
