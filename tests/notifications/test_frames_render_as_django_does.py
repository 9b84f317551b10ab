"""What stands around a mail's own blocks is rendered once, and the mail reads as if it were not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.template import Context
from django.template.loader import get_template
from pytest_django.fixtures import Settings

from notifications import frames

BASE = frames.BASE + "html"
AROUND = {"vendor": {"name": "A & B"}, "site_url": "https://x.example", "language": "en", "mail_code": "AAAA-BBBB"}
TEMPLATES = {
    BASE: (
        "<{{ vendor.name }}>{% block preheader %}{% endblock %}|{% block body %}nothing{% endblock %}|"
        "{% block footer %}{{ language }}: {{ mail_code }}{% block inner %}in{% endblock %}{% endblock %}"
    ),
    "direct.html": (
        f'{{% extends "{BASE}" %}}{{% load i18n %}}lost{{% block body %}}{{{{ name }}}} {{{{ vendor.name }}}} '
        '{% include "part.html" with label=name %}{% endblock %}'
    ),
    "part.html": "[{{ label }} {{ mail_code }}]",
    "middle.html": (
        f'{{% extends "{BASE}" %}}{{% block body %}}{{{{ name }}}}{{% block choice %}}{{% endblock %}}{{% endblock %}}'
        "{% block preheader %}{{ name|upper }}{% endblock %}"
    ),
    "through.html": (
        '{% extends "middle.html" %}{% block choice %}{% for each in list %}{{ each }},{% endfor %}{% endblock %}'
    ),
    "super.html": (
        '{% extends "middle.html" %}{% block body %}({{ block.super }}){% endblock %}'
        "{% block footer %}{{ block.super }}+{{ mail_code }}{% endblock %}{% block inner %}{{ name }}{% endblock %}"
    ),
    "alone.html": "{{ name }} {{ mail_code }}",
    "named.html": "{% extends parent %}{% block body %}{{ name }}{% endblock %}",
}
MAILS = ["direct.html", "through.html", "super.html", "alone.html", "named.html"]


@pytest.fixture(autouse=True)
def templates(settings: Settings, tmp_path: Path) -> Iterator[None]:
    for name, source in TEMPLATES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [tmp_path]}]
    frames._frame.cache_clear()
    yield
    frames._frame.cache_clear()


def by_django(name: str, content: dict[str, Any], around: dict[str, Any], escape: bool) -> str:
    return str(get_template(name).template.render(Context(content | around, autoescape=escape)))  # type: ignore[attr-defined]


@pytest.mark.parametrize("escape", [True, False])
@pytest.mark.parametrize("name", MAILS)
def test_one_mail_after_the_other_reads_as_django_writes_it(name: str, escape: bool) -> None:
    for person, code, language in (("Ann <b>", "AAAA", "en"), ("Bea", "CCCC", "en"), ("Ann <b>", "DDDD", "de")):
        content = {"name": person, "list": [person, 1], "parent": "middle.html"}
        around = AROUND | {"mail_code": code, "language": language}
        assert frames.render(name, content, around, escape=escape) == by_django(name, content, around, escape)


def test_what_a_mail_says_never_shows_in_the_next() -> None:
    first = frames.render("direct.html", {"name": "Ann"}, AROUND, escape=True)
    second = frames.render("direct.html", {"name": "Bea"}, AROUND | {"mail_code": "CCCC"}, escape=True)
    assert "Ann" in first
    assert "AAAA-BBBB" in first
    assert "Ann" not in second
    assert "AAAA-BBBB" not in second


def test_a_mail_that_cannot_be_rendered_leaves_the_next_unharmed() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    expected = by_django("super.html", {"name": "Ann"}, AROUND, True)
    with pytest.raises(RuntimeError):
        frames.render("super.html", {"name": Broken()}, AROUND, escape=True)
    assert frames.render("super.html", {"name": "Ann"}, AROUND, escape=True) == expected
