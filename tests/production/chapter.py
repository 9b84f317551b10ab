"""Do what a chapter of the docs says: run its commands, save its files, and follow its numbered steps in a browser.

A chapter has three kinds of instruction, which are done in the order in which they are written:

- Indented lines are commands. They run in one folder, with the functions that earlier ones defined.
- A fenced block after "Save this as `NAME`" is a file.
- Items of numbered lists are steps of a person. Each is a sentence of a fixed form; see STEPS. A sentence that has none
  of these forms is an error: the chapter would say something that isn't tested.

"It prints `TEXT`" is about the commands before it.
"""

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

COMMAND_TIMEOUT = 120  # seconds

_PIECES = re.compile(
    r"""
    ^```\w*\n(?P<file>[\s\S]*?)^```$
    | (?P<commands>(?:^[ ]{4}.*\n)+)
    | ^[0-9]+\.[ ](?P<step>.*)$
    | [Ss]ave\ this\ as\ `(?P<name>[^`]+)`
    | [Ii]t\ (?:also\ )?prints\ `(?P<printed>[^`]+)`
    | ^As\ (?P<person>the\ buyer|staff)\b
    """,
    re.MULTILINE | re.VERBOSE,
)


@dataclass(frozen=True)
class Piece:
    kind: str  # "file", "commands", "step", "name", "printed" or "person"
    text: str


def pieces(chapter: str) -> Iterator[Piece]:
    """The instructions of a chapter, in their order."""
    for found in _PIECES.finditer(chapter):
        kind = str(found.lastgroup)
        yield Piece(kind, found[kind])


@dataclass
class Terminal:
    """Runs commands in a folder. Functions that they define stay defined."""

    folder: Path
    environment: dict[str, str]
    output: str = ""  # of all commands
    last_output: str = ""  # of the last block
    functions: list[str] = field(default_factory=list)

    def run(self, commands: str) -> None:
        """Run a block of commands. The first that fails is an error."""
        lines = "\n".join(line.removeprefix("    ") for line in commands.splitlines())
        if lines.startswith("manage.py() {"):
            self.functions.append(lines)
            return
        ran = subprocess.run(
            ["bash", "-euc", "\n".join([*self.functions, lines])],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
        )
        self.last_output = ran.stdout
        self.output += ran.stdout
        assert ran.returncode == 0, f"{lines}\n\n{ran.stdout}"

    def save(self, name: str, content: str) -> None:
        (self.folder / name).write_text(content)


def do_step(sentence: str, steps: dict[str, Callable[..., None]]) -> None:
    """Do what a sentence says. `steps` are functions by the form of their sentence, as regular expressions."""
    for form, do in steps.items():
        if found := re.fullmatch(form, sentence.strip()):
            do(*found.groups())
            return
    raise AssertionError(f"No test does this: {sentence}")
