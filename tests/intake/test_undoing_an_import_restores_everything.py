"""After any import on top of an earlier one is undone, all tables contain what they did before."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intake.ingest import run
from intake.services import undo as undo_service
from licenses.models import License, SerialPrefix
from tests.factories import make_product
from tests.intake.exports import Importer, portal_order
from tests.intake.import_runs import content, differences, undo

pytestmark = pytest.mark.django_db

_SERIALS = ["XAAA-1", "XAAA-2", "PBBB-3"]
_license = st.fixed_dictionaries(
    {"serial": st.sampled_from(_SERIALS)},
    optional={
        "devices": st.sampled_from([1, 3, None]),
        "starts_on": st.sampled_from(["2026-10-01", None]),
        "expires_on": st.sampled_from(["2027-11-01", "2028-11-01", None]),
        "activated_at": st.sampled_from(["2026-11-02T10:00:00Z", "2026-12-02T10:00:00Z", None]),
    },
)


def _line(line_id: str) -> st.SearchStrategy[dict[str, Any]]:
    required = {
        "id": st.just(line_id),
        "name": st.sampled_from(["Suite", "Antivirus"]),
        "quantity": st.sampled_from([2, 3]),
        "sku": st.sampled_from(["S-1", "S-2", None]),
        "total": st.sampled_from(["10.00", "1234567890123.456"]),
        "licenses": st.lists(_license, max_size=2, unique_by=lambda license: license["serial"]),
    }
    new = st.fixed_dictionaries(required)
    renewal = st.fixed_dictionaries(
        required | {"kind": st.sampled_from(["renewal", "upgrade"]), "extends": st.sampled_from(_SERIALS)}
    )
    return st.one_of(new, renewal)


_lines = st.lists(st.sampled_from("123"), min_size=1, max_size=3, unique=True).flatmap(
    lambda ids: st.tuples(*map(_line, ids)).map(list)
)
_refund = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["R-1", "R-2"]),
        "amount": st.sampled_from(["1.00", "5.50"]),
        "at": st.just("2026-11-05T09:00:00Z"),
    }
)


def _with_units(order: dict[str, Any]) -> dict[str, Any]:
    """The first refund returns a unit of the first line."""
    for refund in (order.get("refunds") or [])[:1]:
        refund["lines"] = [{"id": order["lines"][0]["id"], "quantity": 1}]
    return order


_order = st.fixed_dictionaries(
    {
        "number": st.sampled_from(["A", "B", "C"]),
        "store": st.sampled_from(["one", "two"]),
        "email": st.sampled_from([None, "ann@example.com", "bea@example.com"]),
        "placed_at": st.sampled_from(["2026-03-01T10:00:00Z", "2026-04-01T10:00:00Z"]),
        "lines": _lines,
    },
    optional={
        "updated_at": st.sampled_from(["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"]),
        "status": st.sampled_from(["pending", "completed", "refunded", "cancelled", "charged_back"]),
        "password": st.sampled_from(["open sesame", None]),
        "payment": st.sampled_from([{"last4": "1111"}, {"brand": "visa"}, None]),
        "totals": st.sampled_from([{"total": "20.00"}, None]),
        "refunds": st.lists(_refund, max_size=2, unique_by=lambda refund: refund["id"]),
    },
).map(_with_units)
_orders = st.lists(_order, min_size=1, max_size=5)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=_orders, second=_orders, known_license=st.booleans(), batch=st.sampled_from([1, 2, 100]))
def test_undoing_a_second_import_leaves_what_the_first_one_did(
    tmp_path: Path, first: list[Any], second: list[Any], known_license: bool, batch: int
) -> None:
    importer = Importer(tmp_path)
    base = {"currency": "EUR"}
    with (
        patch.object(run, "BATCH_SIZE", batch),
        patch.object(undo_service, "BATCH_SIZE", batch),
        transaction.atomic(),
    ):
        SerialPrefix.objects.create(product=make_product(), prefix="X")
        if known_license:
            License.objects.create(serial="PBBB-3", devices=7)
        importer.orders(*[portal_order(**base | order) for order in first])
        before = content()
        imported = importer.orders(*[portal_order(**base | order) for order in second])
        undone = undo(imported)
        assert undone.exit_status == 0, undone.said
        assert differences(before, content()) == {}
        assert undone.result["state"] == "undone"
        transaction.set_rollback(True)
