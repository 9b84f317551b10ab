"""Storage of private files in an S3-compatible object store, for portals that run on more than one machine."""

from typing import Any

from botocore.config import Config
from storages.backends.s3 import S3Storage

CONNECT_TIMEOUT = 3  # seconds; an unresponsive store must not block a page
READ_TIMEOUT = 15  # seconds
MAX_ATTEMPTS = 2


class PrivateS3Storage(S3Storage):
    """S3Storage with timeouts. Takes the options of django-storages, except `client_config`."""

    def __init__(self, *, addressing_style: str = "auto", **options: Any) -> None:
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": addressing_style},
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retries={"total_max_attempts": MAX_ATTEMPTS},
            # Many S3-compatible stores refuse the checksums that only Amazon requires.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        super().__init__(client_config=config, **options)
