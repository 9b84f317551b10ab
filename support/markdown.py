"""Staff's Markdown as HTML that can neither run nor style anything."""

from collections.abc import Sequence
from itertools import count
from urllib.parse import urlsplit

import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

# Pictures would come from other people's servers, which the pages' policy refuses anyway.
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
HIGHEST_HEADING = 2  # the page has the article's title as its first
_TAGS = set(
    "h2 h3 h4 h5 h6 p br hr ul ol li a strong em code pre blockquote table thead tbody tr th td".split()  # noqa: SIM905
)
_ATTRIBUTES = {"a": {"href", "title", "rel"}, "ol": {"start"}} | {f"h{level}": {"id"} for level in range(2, 7)}
_SCHEMES = {"http", "https", "mailto"}


def as_html(text: str) -> SafeString:
    """Markdown as HTML below a page's first heading. Headings have ids; a link to no known scheme is plain text.

    Whatever the text holds, this is its answer: HTML in it is shown as it was typed.
    """
    tokens = _markdown.parse(text.replace("\0", ""))
    _name_headings(tokens)
    for token in tokens:
        for part in token.children or ():
            if part.type == "link_open" and _leads_away(str(part.attrs.get("href", ""))):
                part.attrs["rel"] = "noopener"
    html = str(_markdown.renderer.render(tokens, _markdown.options, {}))
    clean = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel=None)
    return mark_safe(clean)  # noqa: S308 (cleaned by nh3)


def _name_headings(tokens: Sequence[Token]) -> None:
    taken: set[str] = set()
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            token.tag = tokens[index + 2].tag = f"h{max(int(token.tag[1]), HIGHEST_HEADING)}"
            token.attrs["id"] = _free_name(tokens[index + 1].content, taken)


def _free_name(heading: str, taken: set[str]) -> str:
    # Named apart from what the page around it has, as `main`.
    name = f"part-{slugify(heading, allow_unicode=True)}".rstrip("-")
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    free = next(each for each in names if each not in taken)
    taken.add(free)
    return free


def _leads_away(address: str) -> bool:
    try:
        return bool(urlsplit(address).netloc)
    except ValueError:  # as in http://[
        return True
