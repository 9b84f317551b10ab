"""The commands of the documentation: shell blocks by page and heading, and commands in the text.

What `make production` runs comes from here. A block or a command that the documentation no longer has is an error.
"""

import re
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.portal.running_demo import ROOT

DOCS = ROOT / "docs"


class NotDocumented(Exception):
    """The documentation doesn't say what `make production` would do. The message names it."""


def shell_block(page: str, heading: str, beginning: str) -> str:
    """The only block below the heading, or below its subheadings, of which a line begins like this."""
    found = [
        block for block in shell_blocks(page, heading) if any(line.startswith(beginning) for line in block.splitlines())
    ]
    if len(found) != 1:
        raise NotDocumented(f"docs/{page}, {heading}: {len(found)} blocks have a line that begins with {beginning!r}.")
    return found[0]


def shell_blocks(page: str, heading: str) -> list[str]:
    """The blocks of code below a heading, in their order."""
    tokens = _tokens(page)
    starts = [
        index
        for index, token in enumerate(tokens)
        if token.type == "heading_open" and tokens[index + 1].content == heading
    ]
    if len(starts) != 1:
        raise NotDocumented(f"docs/{page} has {len(starts)} headings {heading!r}.")
    level = tokens[starts[0]].tag
    blocks = []
    for token in tokens[starts[0] + 1 :]:
        if token.type == "heading_open" and token.tag <= level:  # h2 < h3
            break
        if token.type in ("code_block", "fence"):
            blocks.append(token.content)
    return blocks


def command(page: str, text: str) -> list[str]:
    """The words of a command of manage.py that the text of a page mentions, such as `manage.py rotate_keys`."""
    mentioned = re.search(rf"manage\.py {re.escape(text)}(?![\w-])", (DOCS / page).read_text(encoding="utf-8"))
    if mentioned is None:
        raise NotDocumented(f"docs/{page} doesn't mention `manage.py {text}`.")
    return text.split()


@cache
def _tokens(page: str) -> list[Token]:
    return MarkdownIt().parse((DOCS / page).read_text(encoding="utf-8"))
