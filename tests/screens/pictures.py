"""Takes the pictures, makes them small, and writes the page that shows them."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from tests.screens.screens import Screen

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "screens.md"
FOLDER = ROOT / "docs" / "screens"
MAX_BYTES = 1_500_000  # all pictures together
COLORS = 64  # of a picture
HEIGHT = 740  # pixels; longer pages are taken as a whole
INTRODUCTION = """\
# Screens

The main pages and emails of the [demo](../README.md#try-it), as buyers see them: on a phone (360 px) and, for some, on
a wide screen (1280 px) or in dark colors.

`make screens` takes these pictures and writes this page. It starts PostgreSQL, loads the demo and opens the pages in
Chromium. This takes half a minute. At the end, it lists the pictures that have changed. `tests/screens/screens.py` has
the list of screens and their descriptions.

Two runs on one machine give identical pictures, because the clock is stopped at 16 November 2026 and references, codes
and passwords come from a random generator with a fixed seed. These change pictures of unchanged pages:

- other fonts, or another version of Chromium: only compare pictures from the same machine;
- a new screen or new demo content: the references and codes after it are different.
"""


def take(browser: Browser, screen: Screen, url: str) -> dict[str, bytes]:
    """Go to the screen as a new visitor. Returns its pictures by their file names."""
    context = browser.new_context(
        base_url=url, locale=screen.language, viewport={"width": screen.looks[0].width, "height": HEIGHT}
    )
    context.route("**/favicon.ico", lambda route: route.abort())  # emails name no icon of their own
    page = context.new_page()
    page.set_default_timeout(20_000)
    screen.go(page)
    page.wait_for_load_state()
    pictures = {}
    for name, look in screen.files.items():
        page.emulate_media(color_scheme=look.scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": look.width, "height": HEIGHT})
        pictures[name] = reduce(page.screenshot(full_page=True, animations="disabled"))
    context.close()
    return pictures


def reduce(picture: bytes) -> bytes:
    """Return the picture with few colors, as a PNG."""
    content = BytesIO()
    with Image.open(BytesIO(picture)) as image:
        image.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(content, "PNG", optimize=True)
    return content.getvalue()


def write(pictures: dict[str, bytes]) -> list[str]:
    """Write the pictures and delete all others. Returns the names of those that are new, different or gone."""
    FOLDER.mkdir(exist_ok=True)
    before = {file.name: file.read_bytes() for file in FOLDER.iterdir()}
    for name in before.keys() - pictures.keys():
        (FOLDER / name).unlink()
    for name, content in pictures.items():
        (FOLDER / name).write_bytes(content)
    return sorted(name for name in before.keys() | pictures.keys() if before.get(name) != pictures.get(name))


def describe(screens: Sequence[Screen]) -> str:
    """Return docs/screens.md."""
    parts = [INTRODUCTION]
    for screen in screens:
        parts.append(f"## {screen.title}\n\n{screen.sentence}\n")
        parts += [f"![{screen.title}, {look.label}]({FOLDER.name}/{name})\n" for name, look in screen.files.items()]
    return "\n".join(parts)
