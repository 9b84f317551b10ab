from pathlib import Path

import pytest

from files.models import Upload
from tests.browser.conftest import Open
from tests.files import factories

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.files.upload_form_page"),
]


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, str]:
    contents = {
        "large.jpg": b"\xff" * (10 * 1024**2 + 1),
        "photo.heic": factories.heic(),
        "statement.pdf": factories.pdf_bytes(),
        "drawing.svg": b"<svg></svg>",
        "screen.png": factories.png(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: str(tmp_path / name) for name in contents}


def test_large_and_surplus_files_are_refused_before_they_are_sent(open_page: Open, paths: dict[str, str]) -> None:
    page = open_page("/claim/")
    page.set_input_files("#id_proof", list(paths.values()))
    alert = page.get_by_role("alert").first
    assert "at most 3 files" in alert.inner_text()
    assert "“large.jpg”: This file is larger than" in alert.inner_text()
    page.set_input_files("#id_proof", paths["screen.png"])
    assert alert.inner_text() == ""


def test_files_are_sent_and_stored(open_page: Open, paths: dict[str, str]) -> None:
    page = open_page("/claim/")
    page.fill("#id_message", "charged twice")
    page.set_input_files("#id_proof", [paths["photo.heic"], paths["statement.pdf"]])
    page.get_by_role("button", name="Send").click()
    assert "photo.jpg statement.pdf" in page.inner_text("body")
    assert Upload.objects.count() == 2


@pytest.mark.parametrize("scripts", [True, False])
def test_a_refused_file_shows_the_form_again_with_the_typed_values(
    open_page: Open, paths: dict[str, str], scripts: bool
) -> None:
    page = open_page("/claim/", java_script_enabled=scripts)
    page.fill("#id_message", "charged twice")
    page.set_input_files("#id_proof", [paths["drawing.svg"], paths["large.jpg"]])
    page.get_by_role("button", name="Send").click()
    assert "“drawing.svg”: We can’t accept SVG files" in page.inner_text("main")
    assert "“large.jpg”: This file is larger than" in page.inner_text("main")
    assert "Choose your files again." in page.inner_text("main")
    assert page.input_value("#id_message") == "charged twice"
