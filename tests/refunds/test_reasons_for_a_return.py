"""The list of return reasons: defaults, changes by staff, translations."""

import pytest
from django.core.management import call_command
from django.utils import translation

from refunds.default_reasons import DEFAULT_REASONS
from refunds.models import ReturnReason
from tests.factories import make_reason


@pytest.mark.django_db
def test_a_new_installation_has_the_default_reasons() -> None:
    assert list(ReturnReason.objects.values_list("name", flat=True)) == DEFAULT_REASONS
    assert ReturnReason.objects.get(offers_swap=True).name == "Bought the wrong product"


@pytest.mark.django_db
def test_changes_by_staff_are_kept() -> None:
    ReturnReason.objects.exclude(name=DEFAULT_REASONS[0]).delete()
    ReturnReason.objects.update(name="Ours", is_active=False)
    call_command("migrate", verbosity=0)
    assert list(ReturnReason.objects.values_list("name", flat=True)) == ["Ours"]


@pytest.mark.django_db
def test_reasons_are_shown_in_the_language_of_the_page() -> None:
    reason = make_reason(name="Wrong one", translations={"de": "Das falsche"})
    for language, label in [("de", "Das falsche"), ("de-at", "Das falsche"), ("en", "Wrong one"), ("fr", "Wrong one")]:
        with translation.override(language):
            assert reason.label == label
