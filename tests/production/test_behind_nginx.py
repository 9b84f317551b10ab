"""deploy/nginx.conf before the real web server: HTTPS, addresses, downloads, slow clients, and no token in its log."""

import concurrent.futures
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.utils import timezone

from licenses.download_links import download_path
from licenses.models import Download, Release
from orders.models import Attempt
from portal.logs import token_routes
from tests.factories import make_license, make_line, make_order, make_product, make_release
from tests.portal.running_demo import free_port
from tests.production import shop
from tests.production.nginx import Nginx, NginxVisitor, running_nginx
from tests.production.stack import HOST, SITE, Stack
from tests.production.visitors import Upload, Visitor

pytestmark = pytest.mark.xdist_group("production")

FIND = "/orders/find/"
CONTENT = b"MZ" + bytes(range(256)) * 64_000  # 16 MB: more than the buffers of all sockets on the way
HALF_SENT_FORMS = 40
SLOW_DOWNLOADS = 12
QUICK = 5.0  # seconds for a page, on a machine that runs other tests; a blocked page takes until the timeout


@pytest.fixture(scope="module")
def web_port(stack: Stack) -> Iterator[int]:
    with stack.another_web_server(ACCEL_REDIRECT_PREFIX="/installers/") as port:
        yield port


@pytest.fixture(scope="module")
def nginx(web_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with running_nginx(tmp_path_factory.mktemp("nginx"), web_port) as started:
        yield started


@pytest.fixture
def guest(stack: Stack, nginx: Nginx) -> NginxVisitor:
    return NginxVisitor(stack, nginx)


@pytest.fixture(scope="module")
def release(stack: Stack) -> Release:
    """An installer where the web server and nginx look for it. (Those that a test creates are in its own folder.)"""
    with stack.orm():
        return make_release(make_product(), CONTENT, platform="linux")  # not what load_shop creates


def test_metrics_are_not_for_the_internet(guest: NginxVisitor) -> None:
    response = guest.get("/metrics", headers=[("Authorization", "Bearer a-token-of-20-characters")])
    assert response.status == 404
    assert "portal_" not in response.text


def test_the_id_of_a_request_is_made_by_nginx(guest: NginxVisitor) -> None:
    forged = "0123456789abcdef0123456789abcdef"
    assert guest.get(FIND, headers=[("X-Request-ID", forged)]).headers["X-Request-ID"] not in ("", forged)


@pytest.fixture
def link(stack: Stack, release: Release) -> str:
    with stack.orm():
        order = make_order(placed_at=timezone.now())
        make_license(make_line(order), product=release.product)
        return download_path(Download.objects.create(order=order, release=release))


# --- HTTPS and addresses -----------------------------------------------------------------------------------


def test_a_page_comes_over_https(guest: NginxVisitor) -> None:
    page = guest.get(FIND)
    assert page.status == 200
    assert page.headers["Strict-Transport-Security"]
    assert "csrfmiddlewaretoken" in page.text
    assert page.cookies  # with the prefix __Host-, which needs HTTPS


def test_http_is_redirected_to_https(stack: Stack, nginx: Nginx) -> None:
    page = Visitor(stack, port=nginx.http_port).get("/orders/find/?next=/")
    assert (page.status, page.headers["Location"]) == (301, f"{SITE}/orders/find/?next=/")


@pytest.mark.parametrize("host", ["evil.example", f"{HOST}.evil.example", "127.0.0.1"])
def test_another_host_gets_no_answer(guest: NginxVisitor, host: str) -> None:
    with pytest.raises((ConnectionError, OSError)):
        guest.get(FIND, headers=[("Host", host)])


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_versions_of_tls_are_refused(nginx: Nginx) -> None:
    context = nginx.tls
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", nginx.https_port), 10) as connection, pytest.raises(ssl.SSLError):
        context.wrap_socket(connection, server_hostname=HOST)


@pytest.mark.parametrize(
    "forged",
    [("X-Forwarded-For", "192.0.2.66"), ("X_Forwarded_For", "192.0.2.66"), ("X-Real-IP", "192.0.2.66")],
    ids=lambda header: header[0],
)
def test_the_portal_knows_the_address_of_the_client_and_believes_no_other(
    stack: Stack, nginx: Nginx, forged: tuple[str, str]
) -> None:
    guest = NginxVisitor(stack, nginx, "127.0.0.77")
    order = shop.make_order(stack)
    fields = {"order_number": order.number, "password": "wrong", "csrfmiddlewaretoken": guest.csrf_token()}
    assert guest.post("/orders/find/number/", fields, headers=[forged]).status == 422
    with stack.orm():
        assert Attempt.objects.latest("pk").client == "127.0.0.77"


def test_the_portal_itself_refuses_a_file_that_is_too_large(guest: NginxVisitor) -> None:
    """It explains the problem; nginx, whose default is 1 MB, would only show an error."""
    token = guest.csrf_token()
    file = Upload("photo.png", b"x" * 20_000_000, "image/png")
    page = guest.post("/help/charged/claim/", {"csrfmiddlewaretoken": token}, files={"files": file})
    assert page.status == 413
    assert 'lang="en"' in page.text  # the portal's page


def test_a_request_larger_than_any_form_is_refused_before_it_is_sent(nginx: Nginx) -> None:
    request = f"POST /orders/find/card/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 200000000\r\n\r\n"
    with open_connection(nginx, request) as connection:
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_pages_are_not_compressed_and_static_files_stay_cached(guest: NginxVisitor) -> None:
    page = guest.get(FIND, headers=[("Accept-Encoding", "gzip, br")])
    assert page.headers["Content-Encoding"] is None
    style = next(link for link in page.links("href") if "bootstrap" in link and link.endswith(".css"))
    answer = guest.get(style, headers=[("Accept-Encoding", "gzip")])
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "immutable" in answer.headers["Cache-Control"]


# --- Downloads ---------------------------------------------------------------------------------------------


def test_nginx_sends_an_installer_with_all_headers_of_the_portal(
    stack: Stack, guest: NginxVisitor, link: str, release: Release
) -> None:
    page = guest.get(link)
    assert page.status == 200
    assert page.content == CONTENT
    assert page.headers["Content-Disposition"] == 'attachment; filename="Setup.exe"'
    assert page.headers["Content-Type"] == "application/octet-stream"
    assert page.headers["Cache-Control"] == "no-store, private"
    assert page.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert page.headers["Strict-Transport-Security"]
    assert "X-Accel-Redirect" not in page.headers
    with stack.orm():
        assert Download.objects.filter(release=release, started_at__isnull=False).count() == 1


def test_an_interrupted_download_is_resumed(guest: NginxVisitor, link: str) -> None:
    whole = guest.get(link)
    rest = guest.get(link, headers=[("Range", "bytes=1000000-"), ("If-Range", whole.headers["ETag"])])
    assert rest.status == 206
    assert rest.headers["Content-Range"] == f"bytes 1000000-{len(CONTENT) - 1}/{len(CONTENT)}"
    assert rest.content == CONTENT[1_000_000:]


def test_no_one_can_request_the_folder_of_installers(guest: NginxVisitor, release: Release) -> None:
    for path in (
        f"/installers/{release.stored_name}",
        f"/x/../installers/{release.stored_name}",
        "/installers../private/",
        "/installers/",
    ):
        page = guest.get(path)
        assert page.status in (400, 404), path
        assert CONTENT[:100] not in page.content


# --- Slow clients ------------------------------------------------------------------------------------------


def open_connection(nginx: Nginx, request: str, *, receive_bytes: int = 0) -> ssl.SSLSocket:
    connection = socket.socket()
    if receive_bytes:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.settimeout(30)
    connection.bind(("127.0.0.9", 0))
    connection.connect(("127.0.0.1", nginx.https_port))
    wrapped = nginx.tls.wrap_socket(connection, server_hostname=HOST)
    wrapped.sendall(request.encode())
    return wrapped


def seconds_for_pages(stack: Stack, nginx: Nginx) -> float:
    """Return how long the slowest of eight visitors waits who open a page at the same time."""

    def visit(_number: int) -> float:
        began = time.monotonic()
        assert NginxVisitor(stack, nginx).get(FIND).status == 200
        return time.monotonic() - began

    with concurrent.futures.ThreadPoolExecutor(8) as visitors:
        return max(visitors.map(visit, range(8)))


def half_sent_form(stack: Stack, nginx: Nginx) -> str:
    """A form whose token is valid, so that the portal would wait for the rest of it."""
    guest = NginxVisitor(stack, nginx)
    token = guest.csrf_token()
    cookies = "; ".join(f"{name}={value}" for name, value in guest.cookies.items())
    return (
        f"POST /orders/find/card/ HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookies}\r\nOrigin: {SITE}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n"
        f"csrfmiddlewaretoken={token}&email=bu"
    )


def test_half_sent_forms_delay_no_one(stack: Stack, nginx: Nginx) -> None:
    request = half_sent_form(stack, nginx)
    with ExitStack() as slow:
        for _form in range(HALF_SENT_FORMS):
            slow.enter_context(open_connection(nginx, request))
        assert seconds_for_pages(stack, nginx) < QUICK


def test_slow_downloads_delay_no_one_and_none_is_refused(stack: Stack, nginx: Nginx, link: str) -> None:
    request = f"GET {link} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
    with ExitStack() as slow:
        downloads = [
            slow.enter_context(open_connection(nginx, request, receive_bytes=4096)) for _number in range(SLOW_DOWNLOADS)
        ]
        assert {download.recv(12) for download in downloads} == {b"HTTP/1.1 200"}
        assert seconds_for_pages(stack, nginx) < QUICK


def test_a_web_host_that_is_down_costs_no_page(stack: Stack, web_port: int, tmp_path: Path) -> None:
    with running_nginx(tmp_path, free_port(), web_port) as two_hosts:
        guest = NginxVisitor(stack, two_hosts)
        fields = {"order_number": "A-1", "password": "wrong", "csrfmiddlewaretoken": guest.csrf_token()}
        assert [guest.get(FIND).status for _page in range(4)] == [200] * 4
        assert [guest.post("/orders/find/number/", fields).status for _form in range(2)] == [422] * 2


# --- Log ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelled", [lambda path: path, lambda path: f"/%{ord(path[1]):x}{path[2:]}"], ids=["", "%"])
def test_no_token_is_in_the_log(nginx: Nginx, guest: NginxVisitor, spelled: Callable[[str], str]) -> None:
    routes = sorted(set(token_routes()))
    for route in routes:
        path = spelled("/" + re.sub(r"<\w+:(?!token)\w+>", "MQ", route).replace("<token:token>", "SECRET.token-1:x"))
        guest.get(f"{path}?q=SECRET", headers=[("Referer", f"{SITE}{path}")])
    guest.get("/static/unknown.css", headers=[("Referer", f"{SITE}/access/SECRET/")])
    guest.get("/admin/desk/search/?q=SECRET@example.com")
    assert nginx.log.count("/... ") >= len(routes)
    assert "SECRET" not in nginx.log


def test_no_token_is_in_the_log_if_the_portal_is_down(stack: Stack, tmp_path: Path) -> None:
    with running_nginx(tmp_path, 1) as alone:
        guest = NginxVisitor(stack, alone)
        assert guest.get("/access/SECRET/", headers=[("Referer", f"{SITE}/access/SECRET/")]).status == 502
        assert guest.post("/access/SECRET/", {"next": "SECRET"}).status == 502
        assert " 502 " in alone.log
        assert "SECRET" not in alone.log
