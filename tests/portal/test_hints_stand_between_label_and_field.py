"""Each field of a form is shown as label, hint, field, error. Programs that read pages aloud know hint and error."""

import re

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

FIELD = re.compile(r"<(?:input|select|textarea)\b[^>]*\bid=\"(id_[a-z]+_[a-z0-9_]+)\"[^>]*>")


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/help/charged/", {"email", "amount"}),
        ("/help/contact/", {"email", "subject", "message"}),
        ("/withdraw/", {"name", "order_number", "email"}),
        ("/orders/correct-email/", {"order_number", "password", "card_last4", "new_email"}),
        ("/downloads/", {"serial"}),
    ],
)
def test_label_hint_field_error(path: str, named: set[str]) -> None:
    browser = Client()
    shown = browser.post(path, {})
    html = (shown if shown.status_code == 422 else browser.get(shown["Location"])).content.decode()
    with_hint = with_error = 0
    for found in FIELD.finditer(html):
        field_id, tag = found[1], found[0]
        if 'type="hidden"' in tag:
            continue
        label = html.index(f'<label for="{field_id}"')
        hint, error = html.find(f'id="{field_id}_helptext"'), html.find(f'id="{field_id}_error"')
        described = re.search(r'aria-describedby="([^"]*)"', tag)
        expected = [f"{field_id}_helptext"] * (hint > 0) + [f"{field_id}_error"] * (error > 0)
        assert (described[1].split() if described else []) == expected
        assert label < found.start()
        assert hint < 0 or label < hint < found.start()
        assert error < 0 or error > found.end()
        assert ('aria-invalid="true"' in tag) == (error > 0)
        with_hint, with_error = with_hint + (hint > 0), with_error + (error > 0)
    assert with_hint
    assert with_error == len(named)
