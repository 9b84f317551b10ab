"""Versions of a store's return policy: a new one begins as a copy of an earlier one."""

from datetime import date, datetime, time, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible
from refunds.models import AutoApprovalLimit, ReturnException, ReturnPolicy

NOT_EARLIER = _("Choose a later day: what buyers were promised for orders placed until now stays as it was.")
LONGEST_AHEAD = timedelta(days=3650)
TOO_FAR = _("Choose a day within the next ten years.")
THAT_DAY_IS_TAKEN = _("A version of this store begins on that day already. Change that one, or choose another day.")


def begins_too_early(policy: ReturnPolicy) -> bool:
    """Whether a version would change what orders were promised: only the first of a store may begin in the past."""
    earlier = ReturnPolicy.objects.filter(store_id=policy.store_id, in_force_from__lte=timezone.now())
    return policy.in_force_from <= timezone.now() and earlier.exclude(pk=policy.pk).exists()


def copy(policy: ReturnPolicy, first_day: date) -> ReturnPolicy:
    """A new version with the same rules, exceptions and limits, from the start of that day in the store's zone.

    Raises NotPossible for a day that has begun, or that another version begins on.
    """
    moment = datetime.combine(first_day, time.min, tzinfo=policy.store.tzinfo)
    if moment <= timezone.now():
        raise NotPossible(NOT_EARLIER)
    if moment > timezone.now() + LONGEST_AHEAD:
        raise NotPossible(TOO_FAR)
    parts: list[ReturnException | AutoApprovalLimit] = [*policy.exceptions.all(), *policy.auto_approval_limits.all()]
    new = ReturnPolicy(
        store=policy.store,
        in_force_from=moment,
        days=policy.days,
        activated_may_return=policy.activated_may_return,
        revokes_serials=policy.revokes_serials,
    )
    try:
        with transaction.atomic():
            new.save()
            for part in parts:
                part.pk = None
                part._state.adding = True
                part.policy = new
                part.save()
    except IntegrityError as error:
        raise NotPossible(THAT_DAY_IS_TAKEN) from error
    return new
