"""Select install guides by language, and render their Markdown."""

import re
from collections.abc import Iterable

import nh3
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from licenses.models import InstallGuide
from licenses.models.downloads import Platform

# No raw HTML, and no images, which would be loaded from other servers.
_markdown = MarkdownIt("js-default", {"html": False, "linkify": False}).disable("image")
_PLATFORMS = ["", *Platform.values]
HIGHEST_HEADING = 3  # the page itself has two heading levels above
_TAGS = {"h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "a", "strong", "em", "code", "pre", "blockquote"}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_ADDED = {"code": {"class": "text-reset"}}  # Bootstrap's color is unreadable on a dark background


def select_guides(guides: Iterable[InstallGuide], language: str) -> list[InstallGuide]:
    """For each platform and version, the guide in this language, otherwise in the default language, otherwise in any.

    Sorted by platform. Guides for every version come first, then those of the latest versions.
    """

    def preference(guide: InstallGuide) -> tuple[bool, bool, str]:
        return (guide.language != language, guide.language != settings.LANGUAGE_CODE, guide.language)

    best: dict[tuple[str, str], InstallGuide] = {}
    for guide in sorted(guides, key=preference):
        best.setdefault((guide.platform, guide.version), guide)
    latest_first = sorted(best.values(), key=lambda guide: _version_key(guide.version), reverse=True)
    return sorted(latest_first, key=lambda guide: (_PLATFORMS.index(guide.platform), guide.version != ""))


def _version_key(version: str) -> list[tuple[int, str]]:
    """Sorts 17.10 after 17.9."""
    return [(int(part) if part.isdecimal() else -1, part) for part in re.findall(r"\d+|[^\W\d]+", version)]


def render_markdown(text: str) -> SafeString:
    """Render Markdown as HTML, with headings below the page's second level."""
    tokens = _markdown.parse(text.replace("\0", ""))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + HIGHEST_HEADING - 1, 6)}"
    html = str(_markdown.renderer.render(tokens, _markdown.options, {}))
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        set_tag_attribute_values=_ADDED,
        url_schemes={"http", "https", "mailto"},
    )
    return mark_safe(clean)  # noqa: S308 (cleaned by nh3)
