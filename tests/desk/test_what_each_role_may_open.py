"""Each role opens the pages of the admin that its permissions name, and no others.

The pages are read from the admin itself: a page without a row in OWN_PAGES fails.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import URLPattern, reverse

from desk.roles import AGENT, AUDITOR, EDITOR, EXPORT_LISTS, FINANCE, PERMISSIONS, ROLES, SUPERVISOR
from portal.demo.content_loading import load_demo_content
from tests.desk.staff import staff_with_role

pytestmark = pytest.mark.django_db

# One of these permissions opens the page.
OWN_PAGES = {
    "orders_order_action": ["orders.change_order", "orders.add_addresscorrection", "notifications.change_message"],
    "orders_order_return": ["refunds.change_return"],
    "orders_order_as_buyer": ["notifications.view_message"],
    "orders_order_buyers_page": ["notifications.view_message"],
    "intake_importrun_rejects": ["intake.download_importreject"],
    "intake_importrun_undo": ["intake.undo_importrun"],
    "intake_importupload_map": ["intake.add_importupload"],
    "intake_importupload_read": ["intake.add_importupload"],
    "intake_importupload_preview": ["intake.add_importupload"],
    "intake_importupload_order": ["intake.add_importupload"],
    "intake_importupload_import": ["intake.add_importupload"],
    "intake_importupload_discard": ["intake.add_importupload"],
    "intake_storeevent_retry": ["intake.retry_storeevent"],
    "intake_storeevent_content": ["intake.read_storeevent"],
    "licenses_linewithoutserial_assign": ["licenses.change_linewithoutserial"],
    "licenses_linewithoutserial_unassign": ["licenses.change_linewithoutserial"],
    "licenses_release_publish": ["licenses.change_release"],
    "support_thread_decide": ["support.change_thread"],
    "support_thread_template": ["support.change_thread"],
    "support_article_texts": ["support.add_articleversion"],
    "support_article_preview": ["support.add_articleversion"],
    "support_article_edit_texts": ["support.view_articleversion"],
    "refunds_returnpolicy_copy": ["refunds.add_returnpolicy"],
    "refunds_return_decide": ["refunds.change_return"],
    "refunds_withdrawal_decide": ["refunds.change_withdrawal"],
    "refunds_swap_decide": ["refunds.change_swap"],
    "refunds_cashbackclaim_decide": [
        "refunds.change_cashbackclaim",
        "refunds.pay_cashbackclaim",
        "refunds.reveal_payoutdetails",
    ],
    "refunds_refundtransaction_send": ["refunds.change_refundtransaction"],
    "auth_user_password_change": ["auth.change_user"],
}
# Pages whose model has no permission of its own.
VIEWERS = {"support.chargeclaim": "support.view_thread", "intake.importupload": "intake.add_importupload"}
READ = (
    "intake_importupload_preview",
    "intake_importupload_order",
    "orders_order_return",
    "orders_order_as_buyer",
    "orders_order_buyers_page",
)
VIEWED = ("changelist", "change", "history")


def _pages() -> Iterator[tuple[str, list[str], type[Model], int]]:
    """All pages of the admin: their names, the permissions that open them, their models and numbers of arguments."""
    for model, model_admin in admin.site._registry.items():
        label = model._meta.label_lower
        for pattern in model_admin.get_urls():
            if not isinstance(pattern, URLPattern) or pattern.name is None:
                continue
            kind = pattern.name.rsplit("_", 1)[-1]
            if pattern.name in OWN_PAGES:
                needed = OWN_PAGES[pattern.name]
            elif kind in VIEWED:
                viewer = VIEWERS.get(label, f"{model._meta.app_label}.view_{model._meta.model_name}")
                needed = [viewer]
            else:
                assert kind in ("add", "delete"), f"{pattern.name} has no row in OWN_PAGES"
                needed = [f"{model._meta.app_label}.{kind}_{model._meta.model_name}"]
            yield pattern.name, needed, model, len(pattern.pattern.converters)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_what_its_permissions_name_and_nothing_else(role: str, tmp_path: Path) -> None:
    load_demo_content(tmp_path / "orders.jsonl")
    browser = staff_with_role(role)
    wrong, opened, refused = [], 0, 0
    for name, needed, model, arguments in _pages():
        row = model._default_manager.first()
        values = [1 if row is None else row.pk, 1][:arguments]
        url = reverse(f"admin:{name}", args=values)
        is_allowed = not PERMISSIONS[role].isdisjoint(needed)
        is_read = name not in OWN_PAGES or name in READ
        status = (browser.get(url, follow=row is not None) if is_read else browser.post(url)).status_code
        if not is_allowed:
            refused += 1
            # Django redirects everyone to the home page if the row does not exist.
            if status != 403 and (row is not None or status not in (302, 404)):
                wrong.append((name, "open", status))
        elif name.rsplit("_", 1)[-1] in VIEWED and row is not None:
            opened += 1
            if status != 200:
                wrong.append((name, "closed", status))
        elif name in OWN_PAGES and status == 403:
            wrong.append((name, "closed", status))
    assert not wrong, wrong
    assert opened > 10
    assert refused > 30


def test_the_roles_differ_where_the_documentation_says_so() -> None:
    def may(role: str, permission: str) -> bool:
        return permission in PERMISSIONS[role]

    assert [role for role in ROLES if may(role, "refunds.reveal_payoutdetails")] == [FINANCE]
    assert [role for role in ROLES if may(role, "licenses.view_license")] == [AGENT, SUPERVISOR, AUDITOR]
    assert [role for role in ROLES if may(role, "support.view_thread")] == [AGENT, SUPERVISOR, AUDITOR]
    assert [role for role in ROLES if may(role, "intake.undo_importrun")] == [SUPERVISOR]
    assert [role for role in ROLES if may(role, "support.change_article")] == [EDITOR]
    assert [role for role in ROLES if may(role, EXPORT_LISTS)] == [SUPERVISOR, FINANCE, AUDITOR]
    assert all(each.split(".")[1].startswith("view_") for each in PERMISSIONS[AUDITOR] - {EXPORT_LISTS})
    assert not any(may(role, "auth.change_user") for role in ROLES)
