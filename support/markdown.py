"""Renders the Markdown of help articles as HTML without scripts and styles."""

from collections.abc import Sequence
from itertools import count, pairwise
from urllib.parse import urlsplit

import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

# Images are disabled: they would be loaded from other servers, which the Content-Security-Policy forbids.
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
TOP_HEADING_LEVEL = 2  # level 1 is the article's title
_TAGS = set(
    "h2 h3 h4 h5 h6 p br hr ul ol li a strong em code pre blockquote table thead tbody tr th td".split()  # noqa: SIM905
)
_ATTRIBUTES = {"a": {"href", "title", "rel", "class"}, "ol": {"start"}} | {f"h{level}": {"id"} for level in range(2, 7)}
_SCHEMES = {"http", "https", "mailto"}


def render_markdown(text: str) -> SafeString:
    """Render Markdown as sanitized HTML. Accepts any text and never raises.

    Headings start at level 2 and have ids. HTML in the text is escaped. Only http, https and mailto links are kept. A
    link that is a separate paragraph becomes a button, the first one the page's main button.
    """
    tokens = _markdown.parse(text.replace("\0", ""))
    _set_heading_ids(tokens)
    _make_buttons(tokens)
    for token in tokens:
        for part in token.children or ():
            if part.type == "link_open" and _is_external(str(part.attrs.get("href", ""))):
                part.attrs["rel"] = "noopener"
    html = str(_markdown.renderer.render(tokens, _markdown.options, {}))
    clean = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel=None)
    return mark_safe(clean)  # noqa: S308 (cleaned by nh3)


def _make_buttons(tokens: Sequence[Token]) -> None:
    """Set the classes of links that are alone in a paragraph outside of lists and quotes."""
    css_class = "btn btn-primary"
    for paragraph, content in pairwise(tokens):
        parts = content.children or []
        is_own_paragraph = paragraph.type == "paragraph_open" and paragraph.level == 0 and content.type == "inline"
        kinds = [part.type for part in parts]
        is_one_link = kinds[:1] == ["link_open"] and kinds[-1:] == ["link_close"] and kinds.count("link_open") == 1
        if is_own_paragraph and is_one_link:
            parts[0].attrs["class"] = css_class
            css_class = "btn btn-quiet"


def _set_heading_ids(tokens: Sequence[Token]) -> None:
    used: set[str] = set()
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            token.tag = tokens[index + 2].tag = f"h{max(int(token.tag[1]), TOP_HEADING_LEVEL)}"
            token.attrs["id"] = _unused_id(tokens[index + 1].content, used)


def _unused_id(heading: str, used: set[str]) -> str:
    # The prefix keeps the ids apart from those of the page, such as `main`.
    base = f"part-{slugify(heading, allow_unicode=True)}".rstrip("-")
    candidates = (base if number == 1 else f"{base}-{number}" for number in count(1))
    unused = next(each for each in candidates if each not in used)
    used.add(unused)
    return unused


def _is_external(url: str) -> bool:
    try:
        return bool(urlsplit(url).netloc)
    except ValueError:  # such as http://[
        return True
