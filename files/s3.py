"""Private files in an S3-compatible store, where the portal runs on more than one machine."""

from typing import Any

from botocore.config import Config
from storages.backends.s3 import S3Storage

CONNECT_WITHIN = 3  # seconds; a store that does not answer must not hold a page up
ANSWER_WITHIN = 15  # seconds
TRIES = 2


class PrivateBucket(S3Storage):
    """django-storages' S3 with time limits. Takes its options, but `client_config`, which is made here."""

    def __init__(self, *, addressing_style: str = "auto", **options: Any) -> None:
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": addressing_style},
            connect_timeout=CONNECT_WITHIN,
            read_timeout=ANSWER_WITHIN,
            retries={"total_max_attempts": TRIES},
            # Sums that only Amazon's own store wants are refused by many others.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        super().__init__(client_config=config, **options)
