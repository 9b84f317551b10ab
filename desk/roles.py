"""The roles of staff: Django groups and their permissions.

`desk/migrations/0001_roles.py` creates the groups; `doctor` compares them with this table. If the permissions of a
group are changed under *Groups*, doctor reports the differences.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

AGENT, SUPERVISOR, FINANCE, EDITOR, AUDITOR = "agent", "supervisor", "finance", "editor", "auditor"

EXPORT_LISTS = "desk.export_lists"  # of the lists that the role sees
EXPORT_PERSON, ERASE_PERSON = "desk.export_person", "desk.erase_person"


def _permissions(verbs_by_model: Mapping[str, str]) -> frozenset[str]:
    """Expand {"app.model": "view change"} to the names of permissions, such as "app.view_model"."""
    expanded = set()
    for label, verbs in verbs_by_model.items():
        app, model = label.split(".")
        expanded |= {f"{app}.{verb}_{model}" for verb in verbs.split()}
    return frozenset(expanded)


_BUYERS_ORDERS = {
    "orders.order": "view",
    "orders.orderline": "view",
    "orders.refund": "view",
    "orders.store": "view",
}
_LICENSES = {
    "licenses.product": "view",
    "licenses.serialprefix": "view",
    "licenses.sku": "view",
    "licenses.license": "view",
    "licenses.licensedline": "view",
    "licenses.device": "view",
    "licenses.devicerelease": "view",
    "licenses.release": "view",
    "licenses.installguide": "view",
    "licenses.download": "view",
    "licenses.downloadwindow": "view",
    "licenses.downloadextension": "view",
    "licenses.linewithoutserial": "view",
}
_REFUND_RULES = {
    "refunds.returnpolicy": "view",
    "refunds.returnexception": "view",
    "refunds.autoapprovallimit": "view",
    "refunds.approvallimit": "view",
    "refunds.withdrawalperiod": "view",
    "refunds.returnreason": "view",
    "refunds.swapoffer": "view",
    "refunds.cashbackpromotion": "view",
}
_CASES = {
    "refunds.return": "view",
    "refunds.returnline": "view",
    "refunds.withdrawal": "view",
    "refunds.swap": "view",
    "refunds.cashbackclaim": "view",
    "refunds.refundtransaction": "view",
    "support.thread": "view",
    "support.chargeclaim": "view",
    "files.upload": "view",
}
_EMAILS = {
    "notifications.message": "view",
    "notifications.followup": "view",
    "notifications.optout": "view",
}
_HELP = {
    "support.article": "view",
    "support.articleversion": "view",
    "support.answertemplate": "view",
    "support.cardregion": "view",
    "support.storeregion": "view",
    "support.phonenumber": "view",
}
_ALL_CONTENT = "add change delete view"
_SUPPORT = _permissions(_BUYERS_ORDERS | _LICENSES | _REFUND_RULES | _CASES | _EMAILS | _HELP) | _permissions(
    {
        "orders.addresscorrection": "view add change",
        "orders.attempt": "view",
        "licenses.linewithoutserial": "change",
        "licenses.downloadwindow": "add change",
        "licenses.downloadextension": "add",
        "licenses.devicerelease": "add",
        "orders.order": "change",
        "notifications.message": "change",
        "refunds.return": "change",
        "refunds.withdrawal": "change",
        "refunds.swap": "change",
        "refunds.cashbackclaim": "change",
        "support.thread": "change",
        "support.chargeclaim": "change",
    }
)
_IMPORTS = {
    "intake.importrun": "view",
    "intake.importfile": "view",
    "intake.importreject": "view",
    "intake.tablemapping": "view",
    "intake.skumapping": "view",
    "intake.statusmeaning": "view",
    "intake.storeevent": "view",
}
_RECORDS = {
    "files.downloadrecord": "view",
    "desk.lookrecord": "view",
    "desk.erasure": "view",
    "desk.personrequest": "view",
    "desk.staffsession": "view",
    "auth.user": "view",
    "auth.group": "view",
    "admin.logentry": "view",
    "axes.accessattempt": "view",
    "axes.accesslog": "view",
}

PERMISSIONS: dict[str, frozenset[str]] = {
    AGENT: _SUPPORT,
    SUPERVISOR: _SUPPORT
    | _permissions(_IMPORTS | _RECORDS)
    | _permissions(
        {
            "licenses.license": "change",
            "licenses.sku": "change",
            "refunds.returnpolicy": _ALL_CONTENT,
            "refunds.returnexception": _ALL_CONTENT,
            "refunds.autoapprovallimit": _ALL_CONTENT,
            "refunds.approvallimit": _ALL_CONTENT,
            "refunds.withdrawalperiod": _ALL_CONTENT,
            "refunds.returnreason": _ALL_CONTENT,
            "refunds.swapoffer": _ALL_CONTENT,
            "refunds.cashbackpromotion": _ALL_CONTENT,
            "refunds.refundtransaction": "change",
            "orders.store": "change",
            "support.answertemplate": _ALL_CONTENT,
            "notifications.optout": "add delete",
            "intake.importupload": "add",
            "intake.importrun": "undo",
            "intake.skumapping": "change",
            "intake.statusmeaning": _ALL_CONTENT,
            "intake.storeevent": "read retry",
        }
    )
    | {
        "intake.download_importreject",
        EXPORT_LISTS,
        "desk.end_staffsession",
        "desk.reset_second_factor",
        EXPORT_PERSON,
        ERASE_PERSON,
        "refunds.approve_above_limit",
    },
    FINANCE: _permissions(_BUYERS_ORDERS | _REFUND_RULES)
    | _permissions(
        {
            "refunds.return": "view",
            "refunds.returnline": "view",
            "refunds.withdrawal": "view",
            "refunds.swap": "view",
            "refunds.cashbackclaim": "view pay",
            "refunds.refundtransaction": "view change",
            "refunds.storegateway": "view",
        }
    )
    | {"refunds.reveal_payoutdetails", EXPORT_LISTS},
    EDITOR: _permissions(
        {
            "support.article": _ALL_CONTENT,
            "support.articleversion": "add view",
            "support.answertemplate": _ALL_CONTENT,
            "support.cardregion": _ALL_CONTENT,
            "support.storeregion": _ALL_CONTENT,
            "support.phonenumber": _ALL_CONTENT,
            "support.searchsynonyms": _ALL_CONTENT,
            "support.failedsearch": "view delete",
            "licenses.product": "view change",
            "licenses.serialprefix": "view",
            "licenses.installguide": _ALL_CONTENT,
            "licenses.release": "view add change",
        }
    ),
    AUDITOR: _permissions(_BUYERS_ORDERS | _LICENSES | _REFUND_RULES | _CASES | _EMAILS | _HELP | _IMPORTS | _RECORDS)
    | _permissions(
        {
            "orders.addresscorrection": "view",
            "orders.attempt": "view",
            "refunds.storegateway": "view",
            "support.searchsynonyms": "view",
            "support.failedsearch": "view",
        }
    )
    | {EXPORT_LISTS},
}
ROLES = tuple(PERMISSIONS)


@dataclass(frozen=True)
class Difference:
    """The difference between a role's group and the table."""

    missing: list[str]
    additional: list[str]


def create_groups(group_model: Any, permission_model: Any) -> None:
    """Create missing groups, and add the permissions of the table to all of them.

    Permissions of models that don't exist yet are skipped. The migration that adds such a model calls this again.
    """
    ids = _permission_ids(permission_model)
    for name, permissions in PERMISSIONS.items():
        group, _created = group_model.objects.get_or_create(name=name)
        group.permissions.add(*(ids[each] for each in permissions if each in ids))


def restore_groups(group_model: Any, permission_model: Any) -> None:
    """Create missing groups, and give all of them exactly the permissions of the table."""
    ids = _permission_ids(permission_model)
    with transaction.atomic():
        for name, permissions in PERMISSIONS.items():
            group, _created = group_model.objects.get_or_create(name=name)
            group.permissions.set([ids[each] for each in permissions])


def compare_groups(group_model: Any) -> dict[str, Difference]:
    """Return the roles whose groups differ from the table."""
    groups = {
        group.name: {f"{each.content_type.app_label}.{each.codename}" for each in group.permissions.all()}
        for group in group_model.objects.filter(name__in=ROLES).prefetch_related("permissions__content_type")
    }
    differences = {}
    for name, expected in PERMISSIONS.items():
        granted = groups.get(name, set())
        if granted != expected or name not in groups:
            differences[name] = Difference(sorted(expected - granted), sorted(granted - expected))
    return differences


def _permission_ids(permission_model: Any) -> dict[str, int]:
    rows = permission_model.objects.values_list("content_type__app_label", "codename", "pk")
    return {f"{app}.{codename}": pk for app, codename, pk in rows}
