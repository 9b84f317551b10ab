"""Made-up references, tokens and search terms don't open a page or cause an error."""

import pytest
from django.test import Client

from orders.models import AccessLink, LinkState
from portal.logs import token_routes
from support.models import ThreadLink
from tests.cases.test_case_transitions import make_return, make_thread
from tests.factories import make_agent
from tests.support.submissions import logged_in

pytestmark = pytest.mark.django_db

MADE_UP = [
    "R-İİİİİİİİ",
    "R-\uff11\uff12\uff13",
    "R-1234567",
    "r" * 300,
    "R\uff0d7K3M9Q2P",
    "R-7K3M9Q2P%00",
    "..%2fadmin",
    "R-ſſſſſſſſ",
]
QUEUES = ["refunds/return", "refunds/withdrawal", "refunds/swap", "refunds/cashbackclaim", "support/thread"]
TOKENS = ["1", "1.abc", "x" * 300, "1\uff0eabc", "İ.abc", "1.%00", "٣.abc", "-1.abc", "99999999999999999999.abc"]


@pytest.mark.parametrize("reference", MADE_UP)
@pytest.mark.parametrize("page", ["returns", "swaps", "cashback", "withdraw", "help/threads"])
def test_a_made_up_reference_opens_no_page(client: Client, page: str, reference: str) -> None:
    responses = (client.get(f"/{page}/{reference}/"), client.post(f"/{page}/{reference}/answer/", {"answer": "Hello"}))
    for response in responses:
        assert response.status_code in (302, 403, 404)


@pytest.mark.parametrize("suffix", ["answer/", "cancel/"])
def test_strangers_can_neither_answer_nor_cancel(client: Client, suffix: str) -> None:
    case = make_return()
    response = client.post(f"{case.path}{suffix}", {"answer": "Hello"})
    assert response["Location"].startswith("/orders/find/?next=")
    case.refresh_from_db()
    assert (case.status, case.events.count()) == ("received", 1)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("route", sorted(set(token_routes())))
def test_a_made_up_token_opens_nothing(client: Client, route: str, token: str) -> None:
    path = f"/{route.replace('<token:token>', token)}"
    for response in (client.get(path), client.post(path)):
        assert response.status_code in (302, 403, 404, 405)


def test_a_token_is_valid_only_for_its_kind_of_link() -> None:
    thread = make_thread()
    link = ThreadLink.objects.filter(thread=thread).latest("pk")
    AccessLink.objects.create(pk=link.pk, email_key="bea@example.com").make_token()
    assert AccessLink.get_by_token(link.make_token()) is None
    assert AccessLink.get_state(AccessLink.get_by_token(link.make_token()), thread.created_at) == LinkState.INVALID


@pytest.mark.parametrize("queue", QUEUES)
def test_searching_a_queue_for_any_text_works(queue: str) -> None:
    staff_client = logged_in(make_agent())
    for typed in [*MADE_UP, *TOKENS, "victim@gmaİl.com", "%", "\\", "'", "a" * 3000]:
        assert staff_client.get(f"/admin/{queue}/", {"q": typed}).status_code == 200
