"""What staff decide about imports, and the history of imports with what is needed to undo them."""

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

__all__ = [
    "COUNTED_LINES",
    "DETAILS_KEPT",
    "MAX_STATUS_LENGTH",
    "Change",
    "ImportChange",
    "ImportFile",
    "ImportReject",
    "ImportRun",
    "ImportRunQuerySet",
    "ImportedObject",
    "SkuMapping",
    "SkuMappingQuerySet",
    "SkuUsage",
    "StatusMeaning",
    "load_usage",
    "normalize_status",
]
