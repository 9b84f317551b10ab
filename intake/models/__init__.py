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
from intake.models.statuses import MAX_STATUS_LENGTH, StatusMeaning, normalize_status

__all__ = [
    "DETAILS_KEPT",
    "MAX_STATUS_LENGTH",
    "Change",
    "ImportChange",
    "ImportFile",
    "ImportReject",
    "ImportRun",
    "ImportRunQuerySet",
    "ImportedObject",
    "StatusMeaning",
    "normalize_status",
]
