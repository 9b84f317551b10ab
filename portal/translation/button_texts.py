"""The texts of buttons for buyers, found in templates and forms, and the longest ones of a catalog."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.catalog import Catalog

from portal.translation.buyer_texts import STAFF_ONLY

# What a template translates: the text in quotes, or what stands between two tags.
_TRANSLATED = re.compile(
    r"""{%\s*translate\s+(?P<quote>["'])(?P<text>.*?)(?P=quote).*?%}
      | {%\s*blocktranslate\b(?P<options>.*?)%}(?P<block>.*?){%\s*endblocktranslate\s*%}""",
    re.VERBOSE | re.DOTALL,
)
_BUTTON_OF_AN_EMAIL = re.compile(r"{%\s*block button\s*%}(.*?){%\s*endblock\b.*?%}", re.DOTALL)
_OTHER_TAG = re.compile(r"{%.*?%}|{#.*?#}", re.DOTALL)
_VARIABLE = re.compile(r"{{\s*(\w+)\s*}}")
# A text is kept as its number between two characters that no template has.
_KEPT = re.compile("\ue000(\\d+)\ue001")
_WITHOUT_END = {"br", "hr", "img", "input", "link", "meta", "use", "path"}


@dataclass(frozen=True)
class ButtonText:
    """A button's text in English and in another language."""

    english: str
    translated: str


def find_button_texts(root: Path) -> set[str]:
    """Return the English texts of all buttons for buyers, as they are in the catalogs."""
    found: set[str] = set()
    for path in (root / "templates").rglob("*.html"):
        if not STAFF_ONLY.match(path.relative_to(root).as_posix()):
            found |= texts_in_template(path.read_text(encoding="utf-8"))
    for pattern in ("*/forms.py", "*/forms/*.py", "*/views/*.py", "desk/privacy/*.py"):
        for path in root.glob(pattern):
            found |= set(_texts_in_code(path.read_text(encoding="utf-8")))
    return found


def longest(texts: set[str], catalog: Catalog, count: int) -> list[ButtonText]:
    """Return the longest translations of these texts, longest first. Texts without one are skipped."""
    messages = [message for text in texts if (message := catalog.get(text)) and message.string]
    found = [ButtonText(str(message.id), str(message.string)) for message in messages if isinstance(message.id, str)]
    return sorted(found, key=lambda each: (-len(each.translated), each.translated))[:count]


def texts_in_template(source: str) -> set[str]:
    """Return the English texts in the buttons of a template: <button>, class="btn", <input type="submit">."""
    texts: list[str] = []

    def keep(match: re.Match[str]) -> str:
        texts.append(_message_id(match))
        return f"\ue000{len(texts) - 1}\ue001"

    kept = _TRANSLATED.sub(keep, source)
    reader = _ButtonReader()
    reader.feed(_OTHER_TAG.sub("", kept))
    in_emails = "".join(_BUTTON_OF_AN_EMAIL.findall(kept))
    return {texts[int(number)] for number in _KEPT.findall("".join(reader.found) + in_emails)}


def _message_id(match: re.Match[str]) -> str:
    """Return the text as makemessages writes it."""
    if match["block"] is None:
        return match["text"]
    block = match["block"].partition("{% plural %}")[0]
    if re.search(r"\btrimmed\b", match["options"]):
        block = " ".join(line.strip() for line in block.strip().splitlines())
    return _VARIABLE.sub(r"%(\1)s", block.replace("%", "%%"))


class _ButtonReader(HTMLParser):
    """Collects what is in buttons, except what only screen readers say."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[tuple[str, bool, bool]] = []  # tag, whether it is in a button, whether it is invisible

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        classes = values.get("class", "").split()
        _, in_button, is_hidden = self._open[-1] if self._open else ("", False, False)
        is_button = tag == "button" or "btn" in classes
        if is_button:
            self.found.append(values.get("data-done", ""))  # what it says after it was pressed
        if tag == "input" and values.get("type") == "submit":
            self.found.append(values.get("value", ""))
        if tag not in _WITHOUT_END:
            self._open.append((tag, in_button or is_button, is_hidden or "visually-hidden" in classes))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][1:] == (True, False):
            self.found.append(data)


def _texts_in_code(source: str) -> Iterator[str]:
    """Find `button = _("Continue")` in the classes and functions of forms."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call) or not node.value.args:
            continue
        names = {getattr(target, "attr", getattr(target, "id", "")) for target in node.targets}
        text = node.value.args[0]
        if "button" in names and isinstance(text, ast.Constant):
            yield str(text.value)
