"""What all mails have in common is rendered once a language; of each mail only its own blocks.

A mail's template fills blocks of `notifications/emails/_base.*`, itself or through templates between
them. What stands around these blocks depends on the surroundings alone (see rendering.py).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.template import Context, Template
from django.template.base import NodeList, TextNode
from django.template.loader import get_template
from django.template.loader_tags import BLOCK_CONTEXT_KEY, BlockContext, BlockNode, ExtendsNode

BASE = "notifications/emails/_base."
OWN = "mail_code"  # the one surrounding that is each mail's own
FRAMES_KEPT = 500  # kinds of mail, by text and HTML and by language

_MARK = re.compile("\x00([^\x00]*)\x00")

Blocks = dict[str, BlockNode]
Surroundings = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class _Frame:
    """The base with a place for each block, and the blocks of the chain, the mail's own first."""

    pieces: list[str | BlockNode]  # OWN, the very object, stands for the mail's own
    chain: list[Blocks]


def render(name: str, content: dict[str, Any], surroundings: dict[str, Any], *, escape: bool) -> str:
    """The template as text, as Django renders it with both. `escape` is for HTML."""
    template: Template = get_template(name).template  # type: ignore[attr-defined]
    context = Context(content | surroundings, autoescape=escape)
    frame = _frame(template, escape, _frozen(surroundings))
    if frame is None:
        return template.render(context)
    own = str(surroundings[OWN])
    with context.render_context.push_state(template), context.bind_template(template):
        context.render_context[BLOCK_CONTEXT_KEY] = _block_context(frame.chain)
        return "".join(
            [
                own if piece is OWN else piece if isinstance(piece, str) else piece.render(context)
                for piece in frame.pieces
            ]
        )


def _frozen(surroundings: dict[str, Any]) -> Surroundings:
    """All but the mail's own, so that a frame can be found by them."""
    return tuple(
        (name, tuple(value.items()) if isinstance(value, dict) else value)
        for name, value in surroundings.items()
        if name != OWN
    )


@lru_cache(FRAMES_KEPT)
def _frame(template: Template, escape: bool, surroundings: Surroundings) -> _Frame | None:
    """None for a template that is not built on the base."""
    known = {name: dict(value) if isinstance(value, tuple) else value for name, value in surroundings}
    context = Context(known | {OWN: f"\x00{OWN}\x00"}, autoescape=escape)
    with context.render_context.push_state(template), context.bind_template(template):
        chain: list[Blocks] = []
        base = template
        while extends := _extends(base):
            chain.append(extends.blocks)
            base = extends.get_parent(context)
        if not str(base.name).startswith(BASE):
            return None
        filled = {name: block for blocks in reversed(chain) for name, block in blocks.items()}
        nodes = base.nodelist.get_nodes_by_type(BlockNode)
        chain.append({node.name: node for node in nodes if isinstance(node, BlockNode)})
        context.render_context[BLOCK_CONTEXT_KEY] = _block_context([{name: _marked(name) for name in filled}])
        text = base.nodelist.render(context)
    parts = _MARK.split(text)
    marks = [OWN if name == OWN else filled[name] for name in parts[1::2]]
    return _Frame([piece for pair in zip(parts[::2], [*marks, ""], strict=True) for piece in pair], chain)


def _extends(template: Template) -> ExtendsNode | None:
    """How this template names its parent, where it does so in plain words."""
    node = next((node for node in template.nodelist if isinstance(node, ExtendsNode)), None)
    in_words = isinstance(node, ExtendsNode) and isinstance(getattr(node.parent_name, "var", None), str)
    return node if in_words else None


def _block_context(chain: list[Blocks]) -> BlockContext:
    blocks = BlockContext()
    for level in chain:
        blocks.add_blocks(level)
    return blocks


def _marked(name: str) -> BlockNode:
    """A block that says only where it stands."""
    return BlockNode(name, NodeList([TextNode(f"\x00{name}\x00")]))
