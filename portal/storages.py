"""Entries of the setting STORAGES: a folder, or a bucket of an S3-compatible store."""

from typing import Any

BUFFERED_BYTES = 8 * 1024 * 1024  # larger files read from a bucket use a temporary file


def folder(location: str, *, files: int, folders: int) -> dict[str, Any]:
    """A storage in a folder, with the permissions of its files and subfolders."""
    options = {"location": location, "file_permissions_mode": files, "directory_permissions_mode": folders}
    return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}


def bucket(name: str, **options: str) -> dict[str, Any]:
    """Return a storage in a bucket. Empty options are left to Amazon's library, which may use the machine's role."""
    return {
        "BACKEND": "files.s3.PrivateS3Storage",
        "OPTIONS": {
            "bucket_name": name,
            "max_memory_size": BUFFERED_BYTES,
            **{option: value for option, value in options.items() if value},
        },
    }
