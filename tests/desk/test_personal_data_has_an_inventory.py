"""Every field that can hold text is known as personal data, or as none, with the reason."""

from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from desk.privacy.inventory import (
    HOLDINGS,
    NOT_PERSONAL,
    Erased,
    impersonal_fields,
    personal_fields,
    text_fields,
)
from desk.privacy.retention import RULES
from desk.privacy.sections import SECTIONS
from tests.desk.held_data import HeldPerson, traces

# Enforced elsewhere, because they last for hours: sessions expire, and counters are cleaned every hour.
SHORT_LIVED = {"sessions", "rate_limits"}
DOCUMENTATION = Path(settings.BASE_DIR, "docs", "privacy.md")


def test_every_text_field_is_in_exactly_one_table() -> None:
    fields, personal, impersonal = set(text_fields()), personal_fields(), impersonal_fields()
    assert fields - personal - impersonal == set(), "add new fields to desk/privacy/inventory.py and docs/privacy.md"
    assert personal & impersonal == set()


def test_the_tables_name_no_field_that_is_gone() -> None:
    fields = set(text_fields())
    named = {name for names in NOT_PERSONAL.values() for name in names}
    assert {name for name in named if not name.endswith(".*")} - fields == set()
    models = {name.rpartition(".")[0] for name in fields}
    assert {name.removesuffix(".*") for name in named if name.endswith(".*")} - models == set()
    for holding in HOLDINGS:
        known = {field.name for field in apps.get_model(holding.model)._meta.concrete_fields}
        assert {*holding.personal, *holding.secret} <= known


def test_everything_personal_is_exported() -> None:
    exported = {model._meta.label for model in SECTIONS}
    held = {each.model for each in HOLDINGS if each.personal and each.erased is not Erased.STAFF}
    assert held <= exported


def test_everything_that_is_kept_for_a_time_has_a_period_and_a_rule() -> None:
    assert {each.period for each in HOLDINGS if each.period} - settings.KEPT_FOR.keys() == SHORT_LIVED
    assert {rule.kind for rule in RULES} == settings.RETENTION_PERIODS.keys()


def test_the_documentation_lists_every_period_and_every_table() -> None:
    text = DOCUMENTATION.read_text(encoding="utf-8")
    for kind, period in settings.RETENTION_PERIODS.items():
        assert f"| `{kind}` | {period.what} | {period.days} | {period.since} | {period.reason} |" in text
    assert [each.model for each in HOLDINGS if f"`{each.model}`" not in text] == []


@pytest.mark.django_db
def test_the_data_of_these_tests_is_in_every_table(tmp_path: Path) -> None:
    """So that the tests of the erasure look everywhere."""
    HeldPerson("zyxwv", tmp_path).fill()
    emptied = {each.model for each in HOLDINGS if each.personal and each.erased is not Erased.STAFF}
    without_text = {
        "licenses.License",
        "orders.Attempt",
        "licenses.Download",
        "intake.ImportReject",
        "intake.StoreEvent",
    }
    assert emptied - set(traces("zyxwv")) - without_text == set()
