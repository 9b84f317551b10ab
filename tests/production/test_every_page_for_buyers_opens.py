"""Every buyer page is opened, and each of its forms sent, by strangers and by an owner of orders,
without an error 500.
"""

from collections.abc import Iterator

import pytest
from django.db.models import Q

from licenses.models import Device
from orders.models import Order
from support.models import Thread, ThreadLink
from tests.production.addresses import ADDRESSES, Shop, names_of_urls
from tests.production.shop import open_order
from tests.production.stack import Stack
from tests.production.visitors import Page, Visitor, new_address
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("production")

STRICT = "script-src 'self';"
MARK = "<script>alert(1)</script>"
# Input for every form that may break databases, templates, headers or file names.
HOSTILE = [
    f"{MARK}'\"><img src=x onerror=alert(1)>{{{{7*7}}}}%s%n",
    "\x00",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "9" * 5000,
    "-1",
    "../../etc/passwd\r\nSet-Cookie: a=b",
]
QUERY = "?next=//evil.example&page=-1&q=%00%ff&order=%00&subject=%3Cscript%3E&country=%00&lang=xx&serial=%00&code=%FF"


@pytest.fixture(scope="module")
def owner(shop: Stack) -> Visitor:
    """Has one order of each status open, all orders with a case or a device, and all threads."""
    visitor = Visitor(shop)
    with shop.orm():
        openable = Order.objects.filter(password_hash="")
        by_status = {order.status: order for order in openable}
        has_case = Q(returns__isnull=False) | Q(swaps__isnull=False) | Q(cashback_claims__isnull=False)
        has_device = Q(licensed_lines__license__in=Device.objects.values("license"))
        wanted = {*by_status.values(), *openable.filter(has_case | has_device).distinct()}
        links = [ThreadLink.objects.create(thread=thread).make_token() for thread in Thread.objects.all()]
    for order in wanted:
        visitor.address = new_address()
        open_order(visitor, order)
    for token in links:
        assert visitor.post_form(f"/help/threads/open/{token}/").status == 302
    return visitor


@pytest.fixture(scope="module")
def order(shop: Stack, owner: Visitor) -> Order:
    """An order with licenses, downloads and remaining days for a return, opened by its owner."""
    with shop.orm():
        completed = Order.objects.filter(password_hash="", status=Order.Status.COMPLETED, returns=None)
        order = completed.filter(licensed_lines__product__isnull=False).newest_first().select_related("store")[0]
    owner.address = new_address()
    open_order(owner, order)
    return order


@pytest.fixture(scope="module")
def addresses(shop: Stack, order: Order) -> dict[str, list[str]]:
    with shop.orm():
        return {name: paths(Shop(order)) for name, paths in ADDRESSES.items()}


def test_no_url_is_left_out() -> None:
    assert set(ADDRESSES) == names_of_urls()


def pages(visitor: Visitor, addresses: dict[str, list[str]], query: str = "") -> Iterator[Page]:
    for paths in addresses.values():
        for path in paths:
            visitor.address = new_address()  # no rate limit interrupts the test
            yield visitor.get(path + query, headers=[("Accept-Language", "de" if query else "en")])


@pytest.mark.parametrize("query", ["", QUERY], ids=["", "with a hostile query"])
def test_a_stranger_opens_every_page(shop: Stack, addresses: dict[str, list[str]], query: str) -> None:
    assert_well(pages(Visitor(shop), addresses, query))


@pytest.mark.parametrize("query", ["", QUERY], ids=["", "with a hostile query"])
def test_an_owner_opens_every_page(shop: Stack, owner: Visitor, addresses: dict[str, list[str]], query: str) -> None:
    opened = {name: paths for name, paths in addresses.items() if name != "orders:sign_out"}
    assert_well(pages(owner, opened, query))


def test_what_pages_need_is_there(shop: Stack, owner: Visitor, addresses: dict[str, list[str]]) -> None:
    needed: set[str] = set()
    for page in pages(owner, {name: paths for name, paths in addresses.items() if name != "orders:sign_out"}):
        if is_html(page):
            needed |= {link for link in page.links("href", "src") if link.startswith(("/static/", "/theme-"))}
    assert len(needed) > 5
    answers = {path: Visitor(shop).get(path) for path in needed}
    assert {path for path, answer in answers.items() if answer.status != 200} == set()
    assert all("max-age" in (answer.headers["Cache-Control"] or "") for answer in answers.values())


@pytest.fixture(scope="module")
def field_names(shop: Stack, owner: Visitor, addresses: dict[str, list[str]]) -> set[str]:
    """The names of all fields of all forms."""
    opened = {name: paths for name, paths in addresses.items() if name != "orders:sign_out"}
    return {name for page in pages(owner, opened) if is_html(page) for form in page.forms for name in form.names}


@pytest.mark.parametrize(
    "value",
    ["", HOSTILE[0], *(pytest.param(each, marks=pytest.mark.stress) for each in HOSTILE[1:])],
    ids=["empty", *(f"hostile {number}" for number in range(len(HOSTILE)))],
)
@pytest.mark.parametrize("who", ["stranger", "owner"])
def test_every_form_is_sent(
    shop: Stack, owner: Visitor, addresses: dict[str, list[str]], field_names: set[str], who: str, value: str
) -> None:
    assert len(field_names) > 25
    visitor = owner if who == "owner" else Visitor(shop)
    token = visitor.csrf_token()
    fields = dict.fromkeys(field_names, value) if value else {}
    fields |= {"csrfmiddlewaretoken": token}
    answers = []
    for path in [path for name, paths in addresses.items() if name != "orders:sign_out" for path in paths]:
        visitor.address = new_address()
        answers.append(visitor.post(path, fields))
    assert_well(answers)


def test_the_worker_sends_what_was_asked_for_without_errors(shop: Stack) -> None:
    wait_until(lambda: len(shop.mail.emails) > 5, "emails")
    for name in ("worker", "beat"):
        assert "Traceback" not in shop.log(name)


def is_html(page: Page) -> bool:
    return (page.headers["Content-Type"] or "").startswith("text/html")


def assert_well(answers: Iterator[Page] | list[Page]) -> None:
    """No server error, no script from a visitor, no weaker policy, and no redirect to another site."""
    for page in answers:
        assert page.status < 500, f"{page.path}: {page.status}"
        assert MARK not in page.content.decode("latin-1"), page.path
        assert "//" not in page.location.partition("?")[0], page.path
        if is_html(page):
            policy = page.headers["Content-Security-Policy"]
            assert STRICT in f"{policy};", page.path
            assert "unsafe" not in policy, page.path
