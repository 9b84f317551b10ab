"""`make screens`: take a picture of each main page and email, and write docs/screens.md, which shows them."""

import sys
from time import monotonic

from tests.screens.stopped_demo import stopped_demo  # the first: it makes Django's settings

# isort: split
from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM_ARGUMENTS
from tests.programs import CHROMIUM, installed
from tests.screens import pictures
from tests.screens.screens import SCREENS


def main() -> int:
    chromium = installed(*CHROMIUM)
    if chromium is None:
        return say("Chromium is not installed (Debian: apt-get install chromium).", 1)
    started = monotonic()
    taken: dict[str, bytes] = {}
    with stopped_demo() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        for screen in SCREENS:
            taken |= pictures.take(browser, screen, url)
            say(f"  {screen.title}")
        browser.close()
    changed = pictures.write(taken)
    pictures.PAGE.write_text(pictures.describe(SCREENS), encoding="utf-8")
    size = sum(map(len, taken.values()))
    say(f"{len(taken)} pictures, {size / 1000:.0f} kB, in {monotonic() - started:.0f} s. Changed: {len(changed)}")
    for name in changed:
        say(f"  docs/screens/{name}")
    return 0 if size <= pictures.MAX_BYTES else say(f"That is more than {pictures.MAX_BYTES / 1000:.0f} kB.", 1)


def say(sentence: str, status: int = 0) -> int:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()
    return status


if __name__ == "__main__":
    sys.exit(main())
