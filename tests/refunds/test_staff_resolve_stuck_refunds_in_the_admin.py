"""The pages on which staff resolve stuck refunds, as agent, auditor and stranger."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from refunds.models import CashbackClaim, RefundTransaction, Return
from refunds.services import cashback
from refunds.services.recovery import WayOut
from tests.pages import marks, text
from tests.refunds.cashback import make_claim, make_promotion, make_purchased_license
from tests.refunds.stuck_refunds import newest, signed_in

pytestmark = pytest.mark.django_db
Status = RefundTransaction.Status
TRANSACTIONS = "/admin/refunds/refundtransaction/"


def make_auditor() -> User:
    """Create a staff user who may view everything about refunds, and change nothing."""
    auditor = User.objects.create(username="vera", is_staff=True)
    auditor.user_permissions.add(
        *Permission.objects.filter(content_type__app_label="refunds", codename__startswith="view_")
    )
    return auditor


def page_of(row: Any) -> str:
    return f"/admin/refunds/{row._meta.model_name}/{row.pk}/change/"


def send(client: Client, row: RefundTransaction, action: str, **fields: str) -> str:
    response = client.post(f"{TRANSACTIONS}{row.pk}/send/", {"action": action} | fields, follow=True)
    assert response.status_code == 200
    row.refresh_from_db()
    return text(response)


def test_an_agent_takes_an_approval_back_on_the_case_page(case: Return, agent: User) -> None:
    client = signed_in(agent)
    assert "take_back" in marks(client.get(page_of(case)), "data-action")
    url = page_of(case).replace("change/", "decide/")
    client.post(url, {"action": "take_back", "take_back-text": " "})
    assert newest(case).status == Status.WAITING
    client.post(url, {"action": "take_back", "take_back-text": "It was used."})
    case.refresh_from_db()
    assert case.status == Return.Status.DECLINED
    assert "take_back" not in marks(client.get(page_of(case)), "data-action")


def test_an_agent_takes_approved_cashback_back(agent: User) -> None:
    license = make_purchased_license()
    make_promotion(license.product)
    claim = make_claim(license)
    cashback.approve(claim, agent)
    url = page_of(claim).replace("change/", "decide/")
    signed_in(agent).post(url, {"action": "take_back", "take_back-text": "The receipt is of another order."})
    claim.refresh_from_db()
    assert claim.status == CashbackClaim.Status.DECLINED


def test_an_agent_gets_a_stuck_refund_out(case: Return, unclear: RefundTransaction, agent: User) -> None:
    client = signed_in(agent)
    assert case.reference in text(client.get(f"{TRANSACTIONS}?todo=unclear"))
    assert case.reference in text(client.get("/admin/refunds/return/?refund=stuck"))
    assert marks(client.get(page_of(unclear)), "data-action") == ["look_up", "done"]
    assert "The gateway has no record of this refund." in send(client, unclear, "look_up")
    assert marks(client.get(page_of(unclear)), "data-action") == ["look_up", "done", "not_sent"]
    send(client, unclear, "not_sent", reason="The server was down.")
    assert unclear.status == Status.REFUSED
    assert case.reference in text(client.get(f"{TRANSACTIONS}?todo=refused"))
    send(client, unclear, "retry", note="once more")
    assert newest(case).status == Status.WAITING
    assert case.reference not in text(client.get(f"{TRANSACTIONS}?todo=refused"))
    assert case.reference not in text(client.get("/admin/refunds/return/?refund=stuck"))


def test_an_agent_marks_an_unclear_refund_as_done(case: Return, unclear: RefundTransaction, agent: User) -> None:
    client = signed_in(agent)
    send(client, unclear, "done", reference=" ")
    assert unclear.status == Status.UNCLEAR
    send(client, unclear, "done", reference="re_77")
    assert unclear.status == Status.DONE


def test_an_agent_takes_a_refused_refund_back(case: Return, refused: RefundTransaction, agent: User) -> None:
    send(signed_in(agent), refused, "take_back", reason="We cannot refund this.")
    case.refresh_from_db()
    assert (case.status, refused.status) == (Return.Status.DECLINED, Status.CANCELLED)


def test_who_may_not_decide_returns_takes_no_approval_back(case: Return, refused: RefundTransaction) -> None:
    user = make_auditor()
    user.user_permissions.add(Permission.objects.get(codename="change_refundtransaction"))
    client = signed_in(user)
    assert marks(client.get(page_of(refused)), "data-action") == ["done", "retry", "by_hand"]
    url = f"{TRANSACTIONS}{refused.pk}/send/"
    assert client.post(url, {"action": "take_back", "reason": "No."}).status_code == 403


@pytest.mark.parametrize("make_row", ["refused", "unclear"])
def test_an_auditor_sees_stuck_refunds_and_changes_nothing(
    case: Return, make_row: str, request: pytest.FixtureRequest
) -> None:
    row: RefundTransaction = request.getfixturevalue(make_row)
    client = signed_in(make_auditor())
    for page in (page_of(row), page_of(case)):
        response = client.get(page)
        assert response.status_code == 200
        assert marks(response, "data-action") == []
    for way_out in WayOut:
        typed = {"action": way_out, "reason": "No.", "reference": "re_1", "note": ""}
        assert client.post(f"{TRANSACTIONS}{row.pk}/send/", typed).status_code == 403
    decide = page_of(case).replace("change/", "decide/")
    assert client.post(decide, {"action": "take_back", "take_back-text": "No."}).status_code == 403
    assert (newest(case), newest(case).status) == (row, row.status)


def sign_in_stranger() -> Client:
    return signed_in(User.objects.create(username="stan"))


@pytest.mark.parametrize("make_client", [Client, sign_in_stranger])
def test_a_stranger_reaches_nothing(
    case: Return, refused: RefundTransaction, make_client: Callable[[], Client]
) -> None:
    client = make_client()
    for way_out in WayOut:
        response = client.post(f"{TRANSACTIONS}{refused.pk}/send/", {"action": way_out, "reason": "No."})
        assert response["Location"].startswith("/admin/login/")
    response = client.post(page_of(case).replace("change/", "decide/"), {"action": "take_back"})
    assert response["Location"].startswith("/admin/login/")
    assert newest(case).status == Status.REFUSED
