"""Paragraphs of an email, as HTML and as text, and labels before their values.

In a template, a blank line ends a paragraph, as in Markdown; other line breaks are spaces.
"""

import re

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from notifications.labels import with_colon

register = template.Library()
register.filter("with_colon", with_colon)

# Class (for dark mode) and inline style of a paragraph. See templates/notifications/emails/base.html.
STYLES = {
    "lead": ("ink", "margin: 0 0 16px; color: #17212b; font-size: 18px; line-height: 1.5"),
    "ink": ("ink", "margin: 0 0 16px; color: #17212b"),
    "quiet": ("quiet", "margin: 0 0 12px; color: #495562; font-size: 15px; line-height: 1.5"),
}


@register.filter
def paragraphs(rendered: str, style: str = "ink") -> SafeString:
    """Return the rendered content of a block as `<p>` elements. Takes HTML in which values are already escaped."""
    css_class, css = STYLES[style]
    split = (mark_safe(paragraph) for paragraph in _paragraphs(rendered))  # noqa: S308 (escaped by the template)
    return format_html_join("\n", '<p class="{}" style="{}">{}</p>', ((css_class, css, each) for each in split))


@register.filter
def plain_paragraphs(rendered: str) -> str:
    """The rendered content of a block as text, with a blank line between paragraphs."""
    return "\n\n".join(_paragraphs(rendered))


def _paragraphs(rendered: str) -> list[str]:
    split = (" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", rendered))
    return [paragraph for paragraph in split if paragraph]
