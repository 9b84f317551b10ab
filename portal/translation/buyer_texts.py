"""Which texts buyers can see. Catalogs of languages that the admin isn't translated into contain only these."""

import ast
import re
from functools import cache
from pathlib import Path

# Code and templates whose texts only staff see.
STAFF_ONLY = re.compile(
    r"""
    desk/(?!privacy/(buyer_pages|notices|requests|results)\.py)
    | intake/
    | [a-z]+/(admin|management|migrations)/ | [a-z]+/(admin\w*|apps)\.py
    | templates/admin/ | templates/[a-z]+/admin/ | templates/desk/emails/password_reset
    | portal/(admin\w*|translation/unfold_texts|data_checks|doctor_checks|file_checks|checks)\.py | portal/demo/
    | licenses/services/(assigning|releases|skus|staff_decisions)\.py
    | notifications/(delivery|outgoing|models)\.py
    | refunds/(replay|ledger)\.py | refunds/gateways/
    | refunds/services/(approvals|erasure|imported_refunds|policies|recovery|transactions)\.py
    | support/(article_texts|charge_finder|answer_fields)\.py
    | support/services/(erasure|merging|publishing)\.py
    """,
    re.VERBOSE,
)
MODELS = re.compile(r"[a-z]+/models(/\w+)?\.py")
LOCATION = re.compile(r"^#: (.*)$", re.MULTILINE)


def keep_buyer_texts(template: str, root: Path) -> str:
    """Return a catalog template (.pot) without the texts that only staff see. Its entries need their locations."""
    header, *entries = template.split("\n\n")
    return "\n\n".join([header, *(entry for entry in entries if _is_for_buyers(entry, root))]).rstrip("\n") + "\n"


def _is_for_buyers(entry: str, root: Path) -> bool:
    places = " ".join(LOCATION.findall(entry)).split()
    return any(_is_seen_by_buyers(path, int(line), root) for path, line in (place.rsplit(":", 1) for place in places))


def _is_seen_by_buyers(path: str, line: int, root: Path) -> bool:
    if STAFF_ONLY.match(path):
        return False
    return not MODELS.fullmatch(path) or line not in _lines_of_descriptions(root / path)


@cache
def _lines_of_descriptions(path: Path) -> frozenset[int]:
    """Return the lines of a module of models that describe fields and models. Buyers see only choices and errors."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lines: set[int] = set()
    for node in ast.walk(tree):
        is_meta = isinstance(node, ast.ClassDef) and node.name == "Meta"
        if is_meta or (isinstance(node, ast.Call) and _name(node.func).endswith(("Field", "ForeignKey"))):
            lines |= {each.lineno for each in ast.walk(node) if isinstance(each, ast.Constant)}
    return frozenset(lines)


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", "") or getattr(function, "id", "")
