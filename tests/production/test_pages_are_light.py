"""What a phone transfers when it opens a page for the first time: little, and all of it from the portal itself."""

import re
from urllib.parse import urljoin

import pytest

from tests import factories
from tests.production.shop import make_order, open_order
from tests.production.stack import Stack
from tests.production.visitors import Page, Visitor

pytestmark = pytest.mark.xdist_group("production")

# As the web server sends them, near today's values. It compresses files, but not pages.
MAX_FILES = 42_000  # bytes of all files that a page loads, together
MAX_PAGES = {  # bytes of the HTML. Each of the nine languages is a button, on / for each of three forms
    "/": 19_800,
    "/downloads/": 10_500,
    "/help/": 14_200,
    "/help/find-my-order/": 8_000,
    "/help/contact/": 9_900,
    "/help/charged/": 22_600,  # with all currencies and card brands
    "/genuine/": 7_500,
    "/withdraw/": 9_200,
    "/cashback/": 6_000,
}
MAX_ORDER = 11_500  # bytes of the HTML of an order with one item
MAX_ITEM = 1_300  # bytes that each further item adds

ACCEPTED = [("Accept-Encoding", "gzip, deflate, br")]

# A page's styles, scripts, icons and pictures, and what a style loads in turn. Fragments name a part of the same file.
LOADED_BY_PAGE = re.compile(r'<(?:link|script|img|use|image|source|iframe)\b[^>]*?\s(?:href|src)="([^"#]+)')
LOADED_BY_STYLE = re.compile(r"""(?:url\(|@import\s+)["']?(?!data:)([^"')#]+)""")


def files_of(visitor: Visitor, page: Page) -> dict[str, int]:
    """The bytes of each file that a browser loads for this page, by its path. Fails if one is on another site."""
    found: dict[str, int] = {}
    waiting = [urljoin(page.path, address) for address in LOADED_BY_PAGE.findall(page.text)]
    while waiting:
        address = waiting.pop()
        if address in found:
            continue
        assert re.match("/[^/]", address), f"{address} is on another site"
        file = visitor.get(address, headers=ACCEPTED)
        assert file.status == 200, address
        found[address] = len(file.content)
        if file.headers.get_content_type() == "text/css":
            style = visitor.get(address).text
            waiting += [urljoin(address, each) for each in LOADED_BY_STYLE.findall(style)]
    return found


@pytest.mark.parametrize("path", MAX_PAGES)
def test_a_page_and_its_files_are_light(shop: Stack, path: str) -> None:
    visitor = Visitor(shop)
    page = visitor.get(path, headers=ACCEPTED, follow=True)
    assert page.status == 200
    assert len(page.content) <= MAX_PAGES[path]
    files = files_of(visitor, page)
    assert len(files) > 3
    assert sum(files.values()) <= MAX_FILES, files


@pytest.mark.parametrize("items", [1, 50])
def test_an_order_and_its_files_are_light(stack: Stack, items: int) -> None:
    order = make_order(stack)
    with stack.orm():
        for _item in range(items - 1):
            factories.make_license(factories.make_line(order))
    visitor = Visitor(stack)
    page = open_order(visitor, order)
    assert len(page.content) <= MAX_ORDER + (items - 1) * MAX_ITEM
    assert sum(files_of(visitor, page).values()) <= MAX_FILES


def test_a_file_of_another_site_is_found(stack: Stack) -> None:
    page = Visitor(stack).get("/orders/find/")
    page.content += b'<script src="https://cdn.example/a.js"></script>'
    with pytest.raises(AssertionError, match="is on another site"):
        files_of(Visitor(stack), page)
