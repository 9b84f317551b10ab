"""docs/first-hour.md leads from an installed portal to the first order found: everything that it says is done here."""

import os
import re
import sys
import time
from base64 import b32decode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django_otp.oath import totp
from playwright.sync_api import BrowserContext, Locator, Page, expect, sync_playwright
from pytest_django.plugin import DjangoDbBlocker

from tests.browser.conftest import CHROMIUM_ARGUMENTS
from tests.portal.running_demo import ROOT
from tests.production.chapter import Terminal, do_step, pieces
from tests.production.nginx import running_nginx
from tests.production.stack import HOST, Stack
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("production")

CHAPTER = (ROOT / "docs" / "first-hour.md").read_text()
QUEUE = 9
SOON = 60.0  # seconds until the worker has done something; generous, because other tests run at the same time
PAGE_TIMEOUT = 30_000  # milliseconds


@pytest.fixture
def installed(django_db_blocker: DjangoDbBlocker, tmp_path: Path) -> Iterator[Stack]:
    """The portal as after docs/install.md: all processes run, and the database is empty."""
    stack = Stack(tmp_path / "stack", django_db_blocker, database=f"first_hour_{os.getpid()}", queue=QUEUE)
    stack.folder.mkdir()
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def terminal(installed: Stack, tmp_path: Path) -> Terminal:
    """A terminal in the checkout: a folder with links to it, so that the chapter's files don't get there."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in (".venv", "var"):
            (folder / entry.name).symlink_to(entry)
    (folder / ".venv").symlink_to(sys.prefix)
    return Terminal(folder, installed.environment())


class Person:
    """Somebody with a browser, who does what the chapter's numbered steps say."""

    def __init__(self, context: BrowserContext, stack: Stack, terminal: Terminal) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PAGE_TIMEOUT)
        self.stack, self.terminal = stack, terminal
        self.downloads: list[str] = []
        self.page.on("download", lambda download: self.downloads.append(download.suggested_filename))
        self.reloads = False
        self.steps: dict[str, Callable[..., None]] = {
            r"Open `([^`]+)`\.": self.open,
            r"Reload the page\.": self.reload,
            r"Choose \*([^*]+)\*\.": self.choose,
            r"Choose the [a-z ]+ that begins with \*([^*]+)\*\.": self.choose,
            r"Press \*([^*]+)\*\.": self.press,
            r"Tick \*([^*]+)\*\.": self.tick,
            r"Select \*([^*]+)\* as \*([^*]+)\*\.": self.select,
            r"Enter `([^`]+)` as \*([^*]+)\*\.": self.enter,
            r"Enter the password as \*([^*]+)\*\.": self.enter_password,
            r"Enter the code of your app as \*([^*]+)\*\.": self.enter_code,
            r"You see \*([^*]+)\*\.": self.see,
            r"The file \*([^*]+)\* arrives\.": self.get_file,
            r"The email \*([^*]+)\* arrives at `([^`]+)`\.": self.get_email,
        }

    def do(self, sentence: str) -> None:
        try:
            do_step(sentence, self.steps)
        except Exception as error:
            shown = self.page.locator("body").inner_text()
            raise AssertionError(f"{sentence}\n{error}\n\n{self.page.url}\n{shown}") from error

    def open(self, url: str) -> None:
        self.page.goto(url)

    def reload(self) -> None:
        self.reloads = True

    def choose(self, name: str) -> None:
        self._named(name, "link", "button", "summary").click()

    def press(self, name: str) -> None:
        self._named(name, "button", "link").click()

    def tick(self, label: str) -> None:
        self.page.get_by_label(label).filter(visible=True).first.check()

    def select(self, option: str, label: str) -> None:
        self.page.get_by_label(label).filter(visible=True).first.select_option(label=option)

    def enter(self, text: str, label: str) -> None:
        self.page.get_by_label(label).filter(visible=True).first.fill(text)

    def enter_password(self, label: str) -> None:
        found = re.findall(r"^Password, shown only once: (\S+)$", self.terminal.output, re.MULTILINE)
        self.enter(found[-1], label)

    def enter_code(self, label: str) -> None:
        """The authenticator app knows the key that the page shows."""
        key = self.page.locator("[data-key]").inner_text().replace(" ", "")
        self.enter(f"{totp(b32decode(key)):06}", label)

    def see(self, text: str) -> None:
        shown = self.page.locator("main, body").get_by_text(text).filter(visible=True).first
        end = time.monotonic() + SOON
        while self.reloads and not shown.count() and time.monotonic() < end:
            self.page.reload()
            self.page.wait_for_timeout(500)
        self.reloads = False
        expect(shown).to_be_visible(timeout=PAGE_TIMEOUT)

    def get_file(self, name: str) -> None:
        self._wait_for(lambda: name in self.downloads, f"the file {name}")

    def get_email(self, subject: str, address: str) -> None:
        def arrived() -> bool:
            received = zip(self.stack.mail.emails, self.stack.mail.recipients, strict=False)
            return any(subject in str(email["Subject"]) and to == address for email, to in list(received))

        wait_until(arrived, f"the email {subject}", SOON)

    def _wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Wait while the browser works."""
        end = time.monotonic() + SOON
        while not condition():
            assert time.monotonic() < end, what
            self.page.wait_for_timeout(200)

    def _named(self, name: str, *roles: str) -> Locator:
        """The first visible element with this name, in the main part of the page if it has one there."""
        found: list[Locator] = []

        def is_there() -> bool:
            areas = (self.page.locator("main"), self.page.locator("body"))
            found.extend(each for area in areas for role in roles if (each := self._visible(area, role, name)))
            return bool(found)

        self._wait_for(is_there, name)
        return found[0]

    @staticmethod
    def _visible(area: Locator, role: str, name: str) -> Locator | None:
        found = area.locator("summary", has_text=name) if role == "summary" else area.get_by_role(role, name=name)  # type: ignore[arg-type]
        visible = found.filter(visible=True)
        return visible.first if visible.count() else None


def test_the_chapter_does_what_it_says(installed: Stack, terminal: Terminal, chromium: str, tmp_path: Path) -> None:
    nginx_folder = tmp_path / "nginx"
    nginx_folder.mkdir()
    with running_nginx(nginx_folder, installed.port) as nginx, sync_playwright() as playwright:
        arguments = [*CHROMIUM_ARGUMENTS, f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{nginx.https_port}"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        people: dict[str, Person] = {}
        person, file_name = "the buyer", ""
        for piece in pieces(CHAPTER):
            if piece.kind == "commands":
                terminal.run(piece.text)
            elif piece.kind == "name":
                file_name = piece.text
            elif piece.kind == "file":
                assert file_name
                terminal.save(file_name, piece.text)
            elif piece.kind == "printed":
                assert piece.text in terminal.last_output
            elif piece.kind == "person":
                person = piece.text
            else:
                if person not in people:
                    context = browser.new_context(ignore_https_errors=True, locale="en-GB")
                    people[person] = Person(context, installed, terminal)
                people[person].do(piece.text)
        browser.close()


def test_every_instruction_of_the_chapter_is_done() -> None:
    """Nothing is skipped because it's written in another way."""
    found = list(pieces(CHAPTER))
    lines = CHAPTER.splitlines()
    steps = [piece.text for piece in found if piece.kind == "step"]
    commands = [line for piece in found if piece.kind == "commands" for line in piece.text.splitlines()]
    assert steps == [line.partition(". ")[2] for line in lines if line[:1].isdigit()]
    assert commands == [line for line in lines if line.startswith("    ")]
    assert sum(piece.kind == "file" for piece in found) * 2 == sum(line.startswith("```") for line in lines)
    assert "prints" not in "".join(line for line in lines if "prints `" not in line)


def test_a_step_that_no_one_can_do_is_an_error() -> None:
    with pytest.raises(AssertionError, match="No test does this"):
        do_step("Look for your order.", {r"Open `([^`]+)`\.": print})
