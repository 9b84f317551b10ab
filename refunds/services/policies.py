"""Versions of a store's return policy. A new version starts as a copy of an earlier one."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.refusals import NotPossible
from orders.models import Store
from refunds.models import AutoApprovalLimit, ReturnException, ReturnPolicy

RULES = ("days", "activated_may_return", "revokes_serials")
# A store's first version applies to all orders that are imported later, however old they are.
FIRST_DAY = date(2000, 1, 1)
MUST_START_LATER = _("Choose a later date. The policy for existing orders can’t be changed.")
MAX_LEAD_TIME = timedelta(days=3650)
TOO_FAR_AHEAD = _("Choose a date within the next 10 years.")
DAY_ALREADY_TAKEN = _("This store already has a version from that date. Change that version, or choose another date.")


def starts_too_early(policy: ReturnPolicy) -> bool:
    """Whether a version would change the terms of existing orders. Only a store's first may start in the past."""
    earlier = ReturnPolicy.objects.filter(store_id=policy.store_id, in_force_from__lte=timezone.now())
    return policy.in_force_from <= timezone.now() and earlier.exclude(pk=policy.pk).exists()


def copy_policy(policy: ReturnPolicy, first_day: date) -> ReturnPolicy:
    """Create a version with the same rules, in force from the start of `first_day` in the store's time zone.

    Raises NotPossible for a day that has already begun, that is too far ahead, or on which another version starts.
    """
    in_force_from = datetime.combine(first_day, time.min, tzinfo=policy.store.tzinfo)
    if in_force_from <= timezone.now():
        raise NotPossible(MUST_START_LATER)
    if in_force_from > timezone.now() + MAX_LEAD_TIME:
        raise NotPossible(TOO_FAR_AHEAD)
    parts: list[ReturnException | AutoApprovalLimit] = [*policy.exceptions.all(), *policy.auto_approval_limits.all()]
    new = ReturnPolicy(
        store=policy.store,
        in_force_from=in_force_from,
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
        raise NotPossible(DAY_ALREADY_TAKEN) from error
    return new


def change_rules(store: Store, rules: dict[str, Any]) -> ReturnPolicy | None:
    """Change the store's return rules. Returns the version that has them from now on; None if nothing changes.

    `rules` are values of RULES by name. The terms of existing orders don't change: if there are any, a new version
    starts tomorrow in the store's time zone. Raises ValidationError, and NotPossible if another version starts then.
    """
    has_orders = store.orders.exists()
    tomorrow = timezone.now().astimezone(store.tzinfo).date() + timedelta(days=1)
    policy = store.return_policies.newest_first().first()
    if policy is None:
        first_day = tomorrow if has_orders else FIRST_DAY
        policy = ReturnPolicy(store=store, in_force_from=datetime.combine(first_day, time.min, tzinfo=store.tzinfo))
    elif all(getattr(policy, name) == value for name, value in rules.items()):
        return None
    elif has_orders and policy.in_force_from <= timezone.now():
        policy = copy_policy(policy, tomorrow)
    for name, value in rules.items():
        setattr(policy, name, value)
    policy.full_clean()
    policy.save()
    return policy
