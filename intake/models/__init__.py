"""Settings for imports, the import history with its undo data, and store events."""

from intake.models.mappings import (
    UPLOADS_KEPT,
    ImportUpload,
    TableMapping,
    header_fingerprint,
    normalize_column,
)
from intake.models.runs import (
    DETAILS_KEPT,
    Change,
    ImportChange,
    ImportedObject,
    ImportFile,
    ImportReject,
    ImportRun,
    ImportRunQuerySet,
)
from intake.models.skus import COUNTED_LINES, SkuMapping, SkuMappingQuerySet, SkuUsage, load_usage
from intake.models.statuses import MAX_STATUS_LENGTH, StatusMeaning, normalize_status
from intake.models.webhooks import BODY_KEPT, EVENT_KEPT, MAX_SECRETS, StoreEvent, StoreEventQuerySet, WebhookSecret

__all__ = [
    "BODY_KEPT",
    "COUNTED_LINES",
    "DETAILS_KEPT",
    "EVENT_KEPT",
    "MAX_SECRETS",
    "MAX_STATUS_LENGTH",
    "UPLOADS_KEPT",
    "Change",
    "ImportChange",
    "ImportFile",
    "ImportReject",
    "ImportRun",
    "ImportRunQuerySet",
    "ImportUpload",
    "ImportedObject",
    "SkuMapping",
    "SkuMappingQuerySet",
    "SkuUsage",
    "StatusMeaning",
    "StoreEvent",
    "StoreEventQuerySet",
    "TableMapping",
    "WebhookSecret",
    "header_fingerprint",
    "load_usage",
    "normalize_column",
    "normalize_status",
]
