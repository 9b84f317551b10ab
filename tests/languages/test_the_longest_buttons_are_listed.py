"""`make messages` lists the longest texts of buttons in each language."""

import re
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from portal.translation.button_texts import find_button_texts, texts_in_template
from tests.languages.catalogs import TRANSLATED

ROOT = Path(settings.BASE_DIR)


def test_each_language_has_its_longest_buttons_with_lengths_and_english() -> None:
    written = StringIO()
    call_command("list_longest_buttons", stdout=written)
    parts = re.split(r"^The longest buttons, (\w+):\n", written.getvalue(), flags=re.MULTILINE)[1:]
    listed = dict(zip(parts[::2], parts[1::2], strict=True))
    assert sorted(listed) == sorted(TRANSLATED)
    for lines in listed.values():
        lengths = [int(line.split()[0]) for line in lines.splitlines()]
        assert len(lengths) == 5
        assert lengths == sorted(lengths, reverse=True)
    german = "Zuerst in der Hilfe nach einer Antwort suchen"
    assert f"  {len(german):3}  {german}  (Look for an answer in Help first)\n" in listed["de"]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('<button type="submit">{% translate "Send" %}</button> {% translate "Later" %}', {"Send"}),
        (
            '<p><a class="btn {% if x == "y" %}btn-quiet{% endif %}" href="{{ url }}">{% translate "Open" %}</a></p>',
            {"Open"},
        ),
        (
            "<button><span>{% blocktranslate with x=y|z:1 %}Get {{ x }}, 5%{% endblocktranslate %}</span></button>",
            {"Get %(x)s, 5%%"},
        ),
        ('<input type="submit" value="{% translate "Send" %}"><input value="{% translate "Typed" %}">', {"Send"}),
        ("<button data-done=\"{% translate 'Copied' %}\"><img>{% translate 'Copy' %}</button>", {"Copy", "Copied"}),
        (
            '<button>{% translate "Show" %}<span class="visually-hidden">{% translate "country" %}</span></button>',
            {"Show"},
        ),
        (
            '{% block button %}{% if a %}{% translate "One" %}{% else %}{% translate "Two" %}{% endif %}{% endblock %}',
            {"One", "Two"},
        ),
        ("{# <button>{% translate 'No' %}</button> #}<h2>{% translate 'Title' %}</h2>", set()),
    ],
)
def test_the_texts_of_buttons_are_found_in_a_template(template: str, expected: set[str]) -> None:
    assert texts_in_template(template) == expected


def test_buttons_of_templates_of_emails_and_of_forms_are_found() -> None:
    texts = find_button_texts(ROOT)
    assert {"Find my installer", "Email me a link", "Continue", "See my order", "Confirm withdrawal"} <= texts
    assert "Request a refund of %(amount)s" in texts
    assert "Withdraw from contract here" not in texts  # a link in the text
