"""Nothing that a stranger writes into a header appears in a page, or is trusted."""

import pytest

from orders.models import Attempt
from tests.production.shop import make_order
from tests.production.stack import HOST, SITE, Stack
from tests.production.visitors import Headers, Visitor

pytestmark = pytest.mark.xdist_group("production")

FIND = "/orders/find/"
FORGED: list[tuple[str, str]] = [
    ("SCRIPT_NAME", "/evil"),
    ("Script-Name", "/evil"),
    ("X-Script-Name", "/evil"),
    ("PATH_INFO", "/evil"),
    ("X-Forwarded-Prefix", "/evil"),
    ("X-Forwarded-Host", "evil.example"),
    ("X_Forwarded_Host", "evil.example"),
    ("X-Host", "evil.example"),
    ("X-Forwarded-Server", "evil.example"),
    ("X-Forwarded-Port", "6666"),
    ("Forwarded", "host=evil.example;proto=http"),
    ("X-Original-URL", "/admin/evil/"),
    ("X-Rewrite-URL", "/admin/evil/"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("Remote-User", "admin"),
    ("X-Remote-User", "admin"),
]


@pytest.mark.parametrize(("name", "value"), FORGED, ids=[name for name, _value in FORGED])
def test_a_header_is_in_no_page_of_this_or_a_later_visitor(
    stack: Stack, visitor: Visitor, name: str, value: str
) -> None:
    assert visitor.get("/evil/orders/find/", headers=[(name, value)]).status == 404
    forged = [visitor.get(path, headers=[(name, value)]) for path in ("/", FIND, "/help/")]
    later = [Visitor(stack).get(FIND) for _visit in range(4)]  # more than there are processes
    for page in (*forged, *later):
        assert page.status == 200
        assert "evil" not in page.text
        assert "6666" not in page.text
        assert all(link.startswith(("/", "#", "https://", "mailto:")) for link in page.links("href", "src"))


@pytest.mark.parametrize(
    "hosts",
    [["evil.example"], [f"{HOST}.evil.example"], [f"evil@{HOST}"], [f"{HOST}, evil.example"], ["127.0.0.1"], [""]],
)
def test_a_host_that_is_not_ours_gets_no_page(visitor: Visitor, hosts: list[str]) -> None:
    assert visitor.get(FIND, headers=[("Host", host) for host in hosts]).status == 400


def test_two_hosts_get_no_page(visitor: Visitor) -> None:
    assert visitor.get(FIND, headers=[("Host", HOST), ("Host", "evil.example")]).status == 400


def test_a_request_that_did_not_come_over_https_is_redirected(visitor: Visitor) -> None:
    answer = visitor.request("GET", FIND, through_proxy=False)
    assert (answer.status, answer.headers["Location"]) == (301, SITE + FIND)


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Forwarded-Proto", "http"), ("X-Forwarded-Proto", "https")],
        [("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")],
        [("X_Forwarded_Proto", "https")],
        [("X-Forwarded-Ssl", "on")],
        [("X-Forwarded-Protocol", "https")],
        [("X-Url-Scheme", "https")],
        [("Front-End-Https", "on")],
    ],
    ids=str,
)
def test_a_scheme_is_not_believed_where_it_is_in_doubt(visitor: Visitor, headers: Headers) -> None:
    assert visitor.request("GET", FIND, headers=headers, through_proxy=False).status == 301


def recorded_client(stack: Stack, visitor: Visitor, headers: Headers) -> str:
    """Return the client recorded for a wrong password of this visitor."""
    order = make_order(stack)
    token = visitor.csrf_token()
    fields = {"order_number": order.number, "password": "wrong", "csrfmiddlewaretoken": token}
    assert visitor.post("/orders/find/number/", fields, headers=headers).status == 422
    with stack.orm():
        return Attempt.objects.latest("pk").client


@pytest.mark.parametrize(
    "name", ["X-Forwarded-For", "X_Forwarded_For", "X-Real-IP", "X-Client-IP", "True-Client-IP", "Forwarded"]
)
def test_a_client_cannot_choose_its_address(stack: Stack, visitor: Visitor, name: str) -> None:
    forged = "for=192.0.2.66" if name == "Forwarded" else "192.0.2.66"
    assert recorded_client(stack, visitor, [(name, forged)]) == visitor.address


def test_all_addresses_of_an_ipv6_network_are_one_client(stack: Stack) -> None:
    assert recorded_client(stack, Visitor(stack, "2001:db8:9:9::5"), []) == "2001:db8:9:9::/64"


@pytest.mark.parametrize("variables", [{"BEHIND_PROXY": ""}, {"TRUSTED_PROXIES": "203.0.113.7"}], ids=str)
def test_without_our_proxy_no_header_counts(stack: Stack, variables: dict[str, str]) -> None:
    with stack.another_web_server(**variables) as port:
        assert Visitor(stack, port=port).get(FIND).status == 301
