"""The documentation (README.md, CONTRIBUTING.md, docs/ …) names only existing files, targets,
commands and functions.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent.parent
PAPERS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = sorted(
    path.name
    for path in ROOT.iterdir()
    if path.is_dir() and (path.name in (".ci", ".github") or not path.name.startswith((".", "_", "var")))
)

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}.*", re.MULTILINE)
SPAN = re.compile(r"`([^`]+)`")
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./<>*-]*")
PLACEHOLDER = re.compile(r"<\w+>|NAME|CODE|\*")
MAKE = re.compile(r"\bmake (?:[A-Z]+=\S+ )*([a-z-]+)")
COMMAND = re.compile(r"manage\.py ([a-z]\w*)")
FUNCTION = re.compile(r"([a-z_][\w.]*)\(\)")

each_paper = pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(ROOT)))


def code_of(paper: Path) -> Iterator[str]:
    """Yield the code on the page: fenced and indented blocks, and spans in backticks."""
    text = paper.read_text(encoding="utf-8")
    for fence in FENCED.finditer(text):
        yield fence[2]
    text = FENCED.sub("", text)
    yield from INDENTED.findall(text)
    yield from SPAN.findall(text)


def missing_paths(code: str) -> list[str]:
    """Return the paths in this code that don't exist. A path with a placeholder is checked up to
    its last fixed folder.
    """
    named = [path.rstrip(".") for path in PATH.findall(code)]
    return [path for path in named if not (ROOT / _fixed_part(path)).exists()]


def _fixed_part(path: str) -> str:
    before, *placeholder = PLACEHOLDER.split(path, maxsplit=1)
    return before.rpartition("/")[0] if placeholder else path


@cache
def defined_names() -> set[str]:
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    sources = (file.read_text(encoding="utf-8") for room in [*rooms, "tests"] for file in (ROOT / room).rglob("*.py"))
    return {name for source in sources for name in re.findall(r"(?:def|class) (\w+)", source)}


@each_paper
def test_every_relative_link_leads_to_a_file(paper: Path) -> None:
    links = [link.partition("#")[0] for link in LINK.findall(paper.read_text(encoding="utf-8"))]
    relative = [link for link in links if link and "://" not in link and not link.startswith("mailto:")]
    assert [link for link in relative if not (paper.parent / link).exists()] == []


@each_paper
def test_every_path_is_in_the_tree(paper: Path) -> None:
    assert [path for code in code_of(paper) for path in missing_paths(code)] == []


@each_paper
def test_every_make_target_exists(paper: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {name for code in code_of(paper) for name in MAKE.findall(code)} <= targets


@each_paper
def test_every_management_command_exists(paper: Path) -> None:
    assert {name for code in code_of(paper) for name in COMMAND.findall(code)} <= set(get_commands())


@each_paper
def test_every_function_that_is_named_is_defined(paper: Path) -> None:
    named = {match[1].rpartition(".")[2] for code in code_of(paper) if (match := FUNCTION.fullmatch(code))}
    assert named <= defined_names()


def test_the_diagram_of_the_apps_is_the_import_contract() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = [set(layer.split(" | ")) for layer in contract["contracts"][0]["layers"]]
    may_import = {(upper, lower) for above, below in combinations(layers, 2) for upper in above for lower in below}
    for forbidden in (each for each in contract["contracts"] if each["type"] == "forbidden"):
        may_import -= {(a, b) for a in forbidden["source_modules"] for b in forbidden["forbidden_modules"]}
    picture = next(
        fence[2]
        for fence in FENCED.finditer((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
        if fence[1] == "mermaid"
    )
    arrows = set(re.findall(r"^ *(\w+) --> (\w+)", picture, re.MULTILINE))
    assert arrows <= may_import
    assert {room for arrow in arrows for room in arrow} == set(contract["root_packages"])


@pytest.mark.parametrize("path", ["portal/setings.py", "tests/orders/test_nothing.py", "orders/nothing/NAME.html"])
def test_a_wrong_path_is_found(path: str) -> None:
    assert missing_paths(f"see {path}.") == [path]


@pytest.mark.parametrize("path", ["templates/<app>/emails/NAME.html", "portal/settings.py", "docs/", "tests/*/"])
def test_a_right_path_and_a_placeholder_are_accepted(path: str) -> None:
    assert missing_paths(f"see {path}.") == []
