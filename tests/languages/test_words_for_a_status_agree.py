"""A word for a status agrees with what it is about: a French order is feminine, a return masculine."""

import pytest
from django.utils import translation

from cases.progress import status_badge
from notifications import kinds
from orders.models import Order
from orders.statuses import describe_status
from refunds.models import CashbackClaim, Return, Swap, Withdrawal


@pytest.mark.parametrize(
    ("language", "status", "order", "case"),
    [
        ("fr", "cancelled", "Annulée", "Annulé"),
        ("fr", "refunded", "Remboursée", "Remboursé"),
        ("sv", "cancelled", "Annullerad", "Annullerat"),
        ("sv", "refunded", "Återbetald", "Återbetalt"),
    ],
)
def test_orders_and_returns_have_words_of_their_own(language: str, status: str, order: str, case: str) -> None:
    with translation.override(language):
        assert str(describe_status(status).name) == order
        assert str(status_badge(status).label) == case


def test_every_status_of_a_french_order_is_feminine() -> None:
    with translation.override("fr"):
        names = {str(describe_status(status).name) for status in Order.Status.values}
    assert names - {"Paiement en attente", "Paiement annulé par la banque"} == {
        "Terminée",
        "Annulée",
        "Remboursée",
        "Partiellement remboursée",
    }


@pytest.mark.parametrize("case_type", [Return, Withdrawal, Swap, CashbackClaim])
def test_each_email_about_a_case_has_a_label_of_its_own(case_type: type) -> None:
    names = [f"{case_type.EMAIL_PREFIX}_{status}" for status in case_type.Status.values]
    assert all(kinds.find(name) for name in names)
    assert len({str(kinds.label(name)) for name in names}) == len(names)
