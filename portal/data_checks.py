"""Checks of `manage.py doctor` that only read the database. The admin's home page shows their results, too.

Each function returns a short description or raises CheckFailed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.utils import timezone
from django.utils.translation import gettext as _

from desk.roles import ROLES, compare_groups
from intake.models import WebhookSecret
from intake.services.store_events import can_read_secret
from notifications.models import Message, OutgoingHold
from orders.models import OrderPasswordKey, Store
from orders.passwords import key_fingerprint
from orders.suppression import has_unreadable_entries
from portal.models import Heartbeat
from refunds.gateways import is_configured
from refunds.models import ApprovalLimit, CashbackClaim, StoreGateway
from refunds.payout_details import UndecryptablePayoutDetails, decrypt
from refunds.services.approvals import APPROVE_ABOVE_LIMIT

MAX_EMAIL_DELAY = timedelta(minutes=10)
MIN_APPROVERS = 2
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


class CheckFailed(Exception):
    """A check found a problem. `problem` describes it, `remedy` says what to do. Both are shown to the operator."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


class CheckWarning(CheckFailed):
    """Everything works, but something needs attention. The exit status of `doctor` stays 0."""


@dataclass(frozen=True)
class Check:
    """A named check. `needs` names the checks that must succeed before it can run."""

    name: str
    run: Callable[[], str]
    needs: tuple[str, ...] = ()


def check_beat() -> str:
    age = Heartbeat.age()
    if age is None or age > Heartbeat.STALE_AFTER:
        text = _("never seen") if age is None else _("last seen %(ago)s ago") % {"ago": format_age(age)}
        raise CheckFailed(text, _("Start beat: `celery -A portal.celery beat`. It also needs a running worker."))
    return _("last seen %(ago)s ago") % {"ago": format_age(age)}


def check_outbox() -> str:
    due = Message.objects.waiting().filter(due_at__lte=timezone.now()).order_by("due_at").first()
    if due is None:
        return _("no email is late")
    age = timezone.now() - due.due_at
    if age > MAX_EMAIL_DELAY:
        text = _("the oldest due email has been waiting for %(time)s") % {"time": format_age(age)}
        error = due.last_error or _("no attempt yet")
        raise CheckFailed(f"{text} ({error})", _("Check the lines above, then the messages in the admin."))
    return _("the oldest due email has been waiting for %(time)s") % {"time": format_age(age)}


def check_hold() -> str:
    held = OutgoingHold.objects.first()
    if held is not None:
        raise CheckFailed(
            _("since a restore, emails, refunds and store events are held (%(since)s UTC)") % {"since": held},
            _("Look at what waits, and run `manage.py after_restore --release`. See docs/operate.md."),
        )
    return _("nothing is held")


def check_keys() -> str:
    remedy = _(
        "See docs/security.md and `manage.py rotate_keys --help`. If you lost a key, restore it from your backup."
    )
    on_record = OrderPasswordKey.objects.on_record()
    if on_record is None:
        raise CheckFailed(_("no key for order passwords is recorded"), _("Run `manage.py migrate`."))
    current = key_fingerprint(settings.ORDER_PASSWORD_KEY)
    if OrderPasswordKey.objects.filter(replaced_at=None, fingerprint=current).exists():
        raise CheckFailed(
            _("replacing the passwords of an old ORDER_PASSWORD_KEY was interrupted"),
            _("Run the same `manage.py rotate_keys …` again."),
        )
    earlier = [key_fingerprint(key) for key in settings.ORDER_PASSWORD_KEY_FALLBACKS]
    if on_record.fingerprint not in (current, *earlier):
        raise CheckFailed(_("the order passwords were made with another ORDER_PASSWORD_KEY"), remedy)
    stored = CashbackClaim.objects.exclude(payout_details=b"").order_by("-pk").values_list("payout_details", flat=True)
    if (details := stored.first()) is not None:
        try:
            decrypt(details)
        except UndecryptablePayoutDetails:
            text = _("bank details are encrypted with another SECRET_KEY")
            raise CheckFailed(text, _("Add the old key to SECRET_KEY_FALLBACKS. See docs/security.md.")) from None
    if not all(map(can_read_secret, WebhookSecret.objects.all())):
        text = _("secrets of webhooks are encrypted with another SECRET_KEY")
        raise CheckFailed(text, _("Add the earlier key to SECRET_KEY_FALLBACKS, or replace them in the admin."))
    if has_unreadable_entries():
        text = _("the list of erased addresses was made with another SECRET_KEY")
        remedy = _(
            "Add the earlier key to SECRET_KEY_FALLBACKS, unless it leaked. Without it, imports of old files bring "
            "erased persons back. See docs/security.md."
        )
        raise CheckWarning(text, remedy)
    if on_record.fingerprint != current:
        return _("match the stored data; a planned change of ORDER_PASSWORD_KEY is in progress")
    return _("match the stored data")


def check_gateways() -> str:
    gateways = list(StoreGateway.objects.select_related("store").order_by("store__slug"))
    for each in gateways:
        if not is_configured(each.gateway, each.store):
            text = _("the store “%(store)s” refunds through %(gateway)s, but the settings have no key for it")
            raise CheckFailed(
                text % {"store": each.store.slug, "gateway": each.get_gateway_display()},
                _("Add its key to STRIPE_SECRET_KEYS, or choose another gateway for the store in the admin."),
            )
    unknown = set(settings.STRIPE_SECRET_KEYS) - set(Store.objects.values_list("slug", flat=True))
    if unknown:
        raise CheckWarning(
            _("STRIPE_SECRET_KEYS names stores that don’t exist: %(stores)s") % {"stores": ", ".join(sorted(unknown))},
            _("Use the short names of *Stores* in the admin. A store that will be imported later is fine."),
        )
    return _("%(count)d stores have one, all with a key") % {"count": len(gateways)}


def check_stores() -> str:
    """Stores created by an import have no name for buyers and no time zone until staff set both."""
    unnamed = list(Store.objects.unnamed().order_by("slug").values_list("slug", flat=True))
    without_zone = list(Store.objects.without_time_zone().order_by("slug").values_list("slug", flat=True))
    problems = []
    if unnamed:
        problems.append(_("without a name: %(stores)s") % {"stores": ", ".join(unnamed)})
    if without_zone:
        problems.append(_("without a time zone: %(stores)s") % {"stores": ", ".join(without_zone)})
    if problems:
        remedy = _("Open Stores in the admin. Until then, buyers see no name of the store, or dates without times.")
        raise CheckWarning("; ".join(problems), remedy)
    return _("all have a name and a time zone")


def check_roles() -> str:
    differences = compare_groups(Group)
    if differences:
        raise CheckWarning(
            _("the permissions of %(roles)s differ from docs/staff.md") % {"roles": ", ".join(differences)},
            _("See the differences with manage.py restore_roles --dry-run. Without --dry-run, it removes them."),
        )
    return _("%(count)d staff roles have their permissions") % {"count": len(ROLES)}


def check_approvals() -> str:
    """Limits of approvals, and whether there are two people where two are needed."""
    limits = list(ApprovalLimit.objects.all())
    if not limits:
        raise CheckWarning(
            _("every agent approves any amount alone"), _("Add limits in the admin, under Approval limits.")
        )
    if any(limit.two_people_above is not None for limit in limits):
        may_approve = User.objects.with_perm(APPROVE_ABOVE_LIMIT, backend=MODEL_BACKEND).filter(is_staff=True)
        if may_approve.count() < MIN_APPROVERS:
            raise CheckWarning(
                _("high amounts need two people, but fewer than two supervisors can sign in"),
                _("Create another one with manage.py create_staff, or remove the amount under Approval limits."),
            )
    return _("limits in %(currencies)s") % {"currencies": ", ".join(limit.currency for limit in limits)}


def format_age(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
