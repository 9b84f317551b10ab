"""Install guides: which one a reader gets, and their Markdown as HTML."""

from collections.abc import Iterable

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from licenses.models import InstallGuide

# Without HTML of its own and without links that run anything, so nothing in a text can leave its place.
_markdown = MarkdownIt("js-default", {"html": False, "linkify": False}).disable("image")
SMALLEST_HEADING = 3  # the page has two of its own above


def in_language(guides: Iterable[InstallGuide], language: str) -> list[InstallGuide]:
    """For each platform the guide in this language, else in the site's own, else in any; all platforms' first."""

    def strangeness(guide: InstallGuide) -> tuple[bool, bool, str]:
        return (guide.language != language, guide.language != settings.LANGUAGE_CODE, guide.language)

    best: dict[str, InstallGuide] = {}
    for guide in sorted(guides, key=strangeness):
        best.setdefault(guide.platform, guide)
    return [best[platform] for platform in sorted(best)]


def as_html(text: str) -> SafeString:
    """Markdown as HTML that stands below a page's second heading."""
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + SMALLEST_HEADING - 1, 6)}"
    rendered = _markdown.renderer.render(tokens, _markdown.options, {})
    return mark_safe(str(rendered))  # noqa: S308 (markdown-it escapes all that the text holds)
