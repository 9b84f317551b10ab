"""The command `replay_policy`."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from licenses.models import License, Sku
from orders.models import Order
from refunds.management.commands import replay_policy
from refunds.models import Return, ReturnReason
from refunds.services import returns
from refunds.services.returns import RequestedLine
from tests.factories import make_license, make_line, make_order, make_product, make_reason, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def reason() -> ReturnReason:
    return make_reason()


def make_sent_return(reason: ReturnReason, days_after: int = 0, order: Order | None = None, **line: Any) -> Return:
    """A return that was sent this many days after the purchase."""
    order = order or make_order(placed_at=timezone.now() - timedelta(days=days_after), total=Decimal("79.95"))
    item = make_line(order, **line)
    make_license(item)
    return returns.request_return(order, [RequestedLine(item.pk, 1)], reason)


def replay(tmp_path: Path, policy: dict[str, Any], *options: str) -> dict[str, Any]:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy))
    output = StringIO()
    call_command("replay_policy", str(file), "--json", *options, stdout=output)
    report: dict[str, Any] = json.loads(output.getvalue())
    return report


def outcomes(report: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {flip["reference"]: (flip["before"], flip["after"]) for flip in report["flips"]}


def test_a_shorter_period_refuses_returns_sent_later(tmp_path: Path, reason: ReturnReason) -> None:
    early, late = make_sent_return(reason, 14), make_sent_return(reason, 15)
    report = replay(tmp_path, {"days": 14})
    assert outcomes(report) == {late.reference: ("decided by people", "refused")}
    assert report["judged"] == 2
    assert report["money"] == [
        {"before": "decided by people", "after": "refused", "currency": "EUR", "amount": "79.950"}
    ]
    assert early.reference not in outcomes(report)


def test_the_same_policy_changes_no_outcome(tmp_path: Path, reason: ReturnReason) -> None:
    make_sent_return(reason, 30)
    assert replay(tmp_path, {})["flips"] == []


def test_exceptions_by_product_and_kind_apply(tmp_path: Path, reason: ReturnReason) -> None:
    product, store = make_product(slug="maximum"), make_store()
    Sku.objects.create(store=store, code="MAX-3D-1Y", product=product)
    order = make_order(store=store, placed_at=timezone.now() - timedelta(days=20))
    by_product = make_sent_return(reason, order=order)
    by_kind = make_sent_return(reason, 1, kind="renewal")
    exceptions = [{"product": "maximum", "days": 7}, {"kind": "renewal", "days": None}]
    assert set(outcomes(replay(tmp_path, {"exceptions": exceptions}))) == {by_product.reference, by_kind.reference}


def test_activated_licenses_can_be_excluded(tmp_path: Path, reason: ReturnReason) -> None:
    untouched, used, renewed = (make_sent_return(reason, days_after=2) for _return in range(3))
    License.objects.filter(pk=renewed.lines.get().licenses.get().pk).update(
        activated_at=renewed.order.placed_at - timedelta(hours=1)  # with an earlier order
    )
    license = used.lines.get().licenses.get()
    license.activated_at = used.created_at - timedelta(hours=1)
    license.save()
    after = untouched.lines.get().licenses.get()
    after.activated_at = untouched.created_at + timedelta(hours=1)  # later than it was sent
    after.save()
    assert set(outcomes(replay(tmp_path, {"activated_may_return": False}))) == {used.reference}


def test_auto_approval_limits_change_the_outcome(tmp_path: Path, reason: ReturnReason) -> None:
    case = make_sent_return(reason)
    found = outcomes(replay(tmp_path, {"auto_approve": {"EUR": "79.95", "USD": "1000"}}))
    assert found == {case.reference: ("decided by people", "approved by itself")}
    assert outcomes(replay(tmp_path, {"auto_approve": {"EUR": "79.94"}})) == {}


def test_a_file_with_a_store_replays_only_that_store(tmp_path: Path, reason: ReturnReason) -> None:
    mine, other = make_sent_return(reason, 20), make_sent_return(reason, 20)
    found = outcomes(replay(tmp_path, {"store": mine.order.store.slug, "days": 1}))
    assert set(found) == {mine.reference}
    assert other.reference not in found


def test_returns_older_than_since_are_left_out(tmp_path: Path, reason: ReturnReason) -> None:
    case = make_sent_return(reason, 20)
    Return.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert replay(tmp_path, {"days": 1}, "--since", "1w")["judged"] == 0
    assert case.reference in outcomes(replay(tmp_path, {"days": 1}, "--since", "9d"))


def test_the_table_shows_the_same_and_nothing_is_written(tmp_path: Path, reason: ReturnReason) -> None:
    case = make_sent_return(reason, 20)
    before = list(Return.objects.values())
    file = tmp_path / "policy.json"
    file.write_text('{"days": 1}')
    output = StringIO()
    call_command("replay_policy", str(file), stdout=output)
    assert case.reference in output.getvalue()
    assert "1 returns checked, 1 would be decided differently." in output.getvalue()
    assert list(Return.objects.values()) == before


def test_long_lists_are_written_as_several_tables(
    tmp_path: Path, reason: ReturnReason, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_policy, "TABLE_ROWS", 2)
    cases = [make_sent_return(reason, 20) for _number in range(5)]
    file = tmp_path / "policy.json"
    file.write_text('{"days": 1}')
    output = StringIO()
    call_command("replay_policy", str(file), stdout=output)
    assert all(output.getvalue().count(case.reference) == 1 for case in cases)
    assert output.getvalue().count("Reference") + output.getvalue().count("Before") == 3
    assert len(replay(tmp_path, {"days": 1})["flips"]) == 5


def test_queries_do_not_grow_with_the_returns(
    tmp_path: Path, reason: ReturnReason, django_assert_max_num_queries: Any
) -> None:
    for _number in range(12):
        make_sent_return(reason, 20)
    with django_assert_max_num_queries(13):
        assert replay(tmp_path, {"days": 1})["judged"] == 12


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no json",
        b"[]",
        b'{"days": -1}',
        b'{"days": "many"}',
        b'{"dais": 3}',
        b'{"store": "nowhere"}',
        b'{"exceptions": [{"days": 3}]}',
        b'{"exceptions": [{"product": "none", "days": 3}]}',
        b'{"exceptions": [{"kind": "gift", "days": 3}]}',
        b'{"auto_approve": {"eur": "1"}}',
        b'{"auto_approve": {"EUR": "-1"}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_an_invalid_file_exits_with_a_message_and_status_2(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "policy.json"
    file.write_bytes(content)
    with pytest.raises(CommandError) as refused:
        call_command("replay_policy", str(file))
    assert refused.value.returncode == 2
    assert str(file) in str(refused.value)


def test_a_missing_file_and_an_invalid_age_are_reported(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can’t be read"):
        call_command("replay_policy", str(tmp_path / "none.json"))
    with pytest.raises(CommandError, match="90d"):
        call_command("replay_policy", str(tmp_path / "none.json"), "--since", "soon")
