"""Finding the case that a form's submission created, so that a second click or a reload creates no second one."""

from collections.abc import Collection
from typing import TypeVar
from uuid import UUID, uuid4, uuid5

from django.db.models import QuerySet

from cases.models import Case

AnyCase = TypeVar("AnyCase", bound=Case)
# Namespace for ids of forms that are sent again after the case of their first submission was canceled or declined.
SENT_AGAIN = UUID("0d3b5c0e-64a4-4f0b-9a55-3c2f6f1c7be2")


def find_submission(
    cases: QuerySet[AnyCase], submission_id: UUID | None, called_off: Collection[str]
) -> tuple[AnyCase | None, UUID]:
    """Return the case that this submission created, or None, and the id to store with a new case.

    A case in a status of `called_off` doesn't count: sending the same form again after canceling is a new request. Its
    id is derived from the earlier one, so that a second click finds the new case, too.
    """
    if submission_id is None:
        return None, uuid4()
    case = cases.filter(submission_id=submission_id).first()
    while case is not None and case.status in called_off:
        submission_id = uuid5(SENT_AGAIN, str(submission_id))
        case = cases.filter(submission_id=submission_id).first()
    return case, submission_id
