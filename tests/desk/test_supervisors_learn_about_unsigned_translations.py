"""Once, a supervisor is told which translations no native reader has signed."""

from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client

from desk.roles import AGENT, SUPERVISOR
from portal.translation.languages import find_languages, unsigned_languages
from tests.factories import make_agent
from tests.pages import text

pytestmark = pytest.mark.django_db

NOTICE = "No native reader has signed these translations yet:"
ROW = "| German | de | Sie | not yet |"


def login_as(role: str) -> Client:
    user = make_agent(is_superuser=False)
    user.groups.add(Group.objects.get(name=role))
    browser = Client()
    browser.force_login(user)
    return browser


def test_a_supervisor_is_told_once() -> None:
    browser = login_as(SUPERVISOR)
    assert NOTICE in text(browser.get("/admin/"))
    assert NOTICE not in text(browser.get("/admin/"))


def test_an_agent_is_not_told() -> None:
    assert NOTICE not in text(login_as(AGENT).get("/admin/"))


def test_languages_that_are_switched_off_are_not_named(settings) -> None:
    settings.LANGUAGES = [("en", "English"), ("fr", "French")]
    page = text(login_as(SUPERVISOR).get("/admin/"))
    assert f"{NOTICE} French. See locale/README.md." in page


def test_a_signature_ends_the_notice(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"{ROW}\n| Dutch | nl | u | not yet |\n")
    assert unsigned_languages(tmp_path) == ["de", "nl"]
    readme.write_text("| German | de | Sie | Ada Lovelace, 2026-12-01 |\n| Dutch | nl | u | not yet |\n")
    assert unsigned_languages(tmp_path) == ["nl"]


def test_the_table_has_every_translation() -> None:
    folder = Path(settings.BASE_DIR) / "locale"
    text = (folder / "README.md").read_text()
    assert [code for code in find_languages(folder) if code != "en" and f"| {code} |" not in text] == []
