"""Versions of an order with `updated_at` end in the same state in any sequence."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.models import Order
from tests.intake.exports import Importer, portal_order

pytestmark = pytest.mark.django_db

_lines = st.lists(st.sampled_from("123"), min_size=1, max_size=3, unique=True).map(
    lambda ids: [
        {"id": line_id, "name": f"Item {line_id}", "quantity": 2, "licenses": [{"serial": f"X{line_id}", "devices": 1}]}
        for line_id in ids
    ]
)
_optional: dict[str, st.SearchStrategy[Any]] = {
    "status": st.sampled_from(["pending", "completed", "refunded", "cancelled"]),
    "language": st.sampled_from([None, "de", "en"]),
    "payment": st.one_of(
        st.none(), st.fixed_dictionaries({}, optional={"last4": st.sampled_from([None, "1111", "2222"])})
    ),
    "billing": st.one_of(
        st.none(), st.fixed_dictionaries({}, optional={"name": st.sampled_from([None, "Ann"]), "city": st.just("Köln")})
    ),
    "totals": st.one_of(st.none(), st.fixed_dictionaries({}, optional={"total": st.sampled_from(["1", "2"])})),
    "refunds": st.one_of(
        st.none(),
        st.lists(
            st.sampled_from(["R1", "R2"]).map(lambda name: {"id": name, "amount": "1", "at": "2026-11-05T09:00:00Z"}),
            max_size=2,
            unique_by=lambda refund: refund["id"],
        ),
    ),
}
_version = st.fixed_dictionaries(
    {"email": st.sampled_from([None, "a@example.com", "b@example.com"]), "lines": _lines}, optional=_optional
)


def state(number: str) -> dict[str, Any]:
    order = Order.objects.get(number=number)
    columns = ("status", "language", "store_email", "card_last4", "billing_name", "billing_city", "subtotal", "total")
    return {
        **{column: getattr(order, column) for column in columns},
        "lines": sorted(order.lines.values_list("store_line_id", "position", "quantity", "quantity_returned")),
        "licenses": sorted(order.licensed_lines.values_list("line__store_line_id", "license__serial")),
        "refunds": sorted(order.refunds.values_list("store_refund_id", "amount")),
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(_version, min_size=2, max_size=4), one_by_one=st.booleans())
def test_every_permutation_ends_in_the_same_state(tmp_path: Path, versions: list[Any], one_by_one: bool) -> None:
    importer = Importer(tmp_path)
    dated = [
        json.loads(json.dumps(version)) | {"updated_at": f"2026-11-{day:02d}T00:00:00Z"}
        for day, version in enumerate(versions, start=1)
    ]
    base = {key: portal_order()[key] for key in ("store", "placed_at", "currency")}
    states = []
    with transaction.atomic():
        for permutation in itertools.islice(itertools.permutations(dated), 6):
            with transaction.atomic():
                orders = [base | {"number": "P"} | version for version in permutation]
                for chunk in [[order] for order in orders] if one_by_one else [orders]:
                    assert importer.orders(*chunk).exit_status == 0
                states.append(state("P"))
                transaction.set_rollback(True)
    assert all(each == states[0] for each in states), states
