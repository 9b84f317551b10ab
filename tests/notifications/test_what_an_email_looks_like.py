"""The email as it arrives: headers, text, HTML, language."""

from email.message import EmailMessage

import pytest
from pytest_django.fixtures import Settings

from notifications import delivery, kinds
from notifications.models import Message
from tests.notifications.conftest import NoteMaker
from tests.smtp import MailServer


@pytest.fixture
def deliver(make_note: NoteMaker, mail_server: MailServer) -> "Deliver":
    return Deliver(make_note, mail_server)


class Deliver:
    def __init__(self, make_note: NoteMaker, server: MailServer) -> None:
        self.make_note, self.server = make_note, server

    def __call__(self, **fields: object) -> tuple[Message, EmailMessage]:
        """Deliver one note. Returns the row and the received email."""
        note = self.make_note(**fields)
        assert delivery.deliver_due() == {"sent": 1}
        return note, self.server.emails[-1]


def _part(mail: EmailMessage, subtype: str) -> str:
    part = mail.get_body((subtype,))
    assert part is not None
    return part.get_content()


def test_it_is_text_and_html_from_the_vendor_and_marked_as_automatic(deliver: Deliver, settings: Settings) -> None:
    settings.VENDOR_NAME = "Müller & Söhne, Software"
    note, mail = deliver()
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail["From"].addresses[0].display_name == "Müller & Söhne, Software"
    assert mail["From"].addresses[0].addr_spec == "orders@testserver"
    assert mail["To"] == note.recipient
    assert mail["Message-ID"] == f"<{note.message_id}@testserver>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Date"]


def test_a_sender_that_includes_a_name_keeps_it(deliver: Deliver, settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Acme Orders <orders@acme.example>"
    _note, mail = deliver()
    assert str(mail["From"]) == "Acme Orders <orders@acme.example>"


def test_names_stay_as_they_are_in_text_and_are_escaped_in_html(deliver: Deliver) -> None:
    _note, mail = deliver(key='Ann & <b>Söhne</b> "O\'Neil"')
    assert mail["Subject"] == 'Note 1 for Ann & <b>Söhne</b> "O\'Neil"'
    assert 'for Ann & <b>Söhne</b> "O\'Neil"\r\n' in _part(mail, "plain")
    assert "Hello Ann &amp; &lt;b&gt;Söhne&lt;/b&gt; &quot;O&#x27;Neil&quot;" in _part(mail, "html")


def test_a_newline_in_a_name_cannot_become_a_header(deliver: Deliver) -> None:
    _note, mail = deliver(key="Ann\r\nBcc: everybody@example.com")
    assert mail["Subject"] == "Note 1 for Ann Bcc: everybody@example.com"
    assert mail["Bcc"] is None


def test_a_line_that_is_a_dot_does_not_end_the_email(deliver: Deliver) -> None:
    _note, mail = deliver(key="one\n.\n..two")
    assert "one\n.\n..two" in _part(mail, "plain").replace("\r\n", "\n")


def test_answers_go_where_the_kind_says(deliver: Deliver) -> None:
    kinds.register(
        kinds.EmailKind("answered", "mail_kinds/emails/note.html", lambda message: {"reply_to": "help@acme.example"})
    )
    _note, mail = deliver(kind="answered")
    assert mail["Reply-To"] == "help@acme.example"


def test_an_address_for_answers_with_a_newline_fails_the_email_and_no_other(
    make_note: NoteMaker, mail_server: MailServer
) -> None:
    kinds.register(
        kinds.EmailKind(
            "answered", "mail_kinds/emails/note.html", lambda message: {"reply_to": "a@b.example\nBcc: c@d.example"}
        )
    )
    make_note(kind="answered")
    make_note()
    assert delivery.deliver_due() == {"failed": 1, "sent": 1}


def test_both_parts_carry_the_code_of_the_email(deliver: Deliver) -> None:
    _note, mail = deliver(code="ABCDEFGHJKLM")
    assert "Email code: ABCD-EFGH-JKLM" in _part(mail, "plain")
    assert "Email code: ABCD-EFGH-JKLM" in _part(mail, "html")


@pytest.mark.parametrize(
    ("wanted", "given"), [("de", "de"), ("de-at", "de"), ("de-AT", "de"), ("", "en"), ("xx", "en"), ("no such", "en")]
)
def test_it_speaks_the_recipients_language_or_the_sites_own(deliver: Deliver, wanted: str, given: str) -> None:
    _note, mail = deliver(language=wanted)
    assert f'<html lang="{given}"' in _part(mail, "html")


def test_html_loads_nothing_from_anywhere(deliver: Deliver) -> None:
    _note, mail = deliver()
    html = _part(mail, "html")
    for loading in ("<img", "src=", "url(", "@import", "<link", "<script"):
        assert loading not in html


def test_html_has_one_column_a_button_and_dark_mode(deliver: Deliver, settings: Settings) -> None:
    settings.VENDOR_COLOR = "#ffdd00"
    _note, mail = deliver()
    html = _part(mail, "html")
    assert "max-width: 600px" in html
    assert "prefers-color-scheme: dark" in html
    # Black on a yellow button, because yellow text on white would be unreadable.
    assert 'bgcolor="#ffdd00"' in html
    assert "color: #000000; background-color: #ffdd00" in html
    assert ' color: #ffdd00"' not in html


def test_no_template_leaves_its_tags_or_comments_behind(deliver: Deliver) -> None:
    _note, mail = deliver()
    for subtype in ("plain", "html"):
        assert "{%" not in _part(mail, subtype)
        assert "{#" not in _part(mail, subtype)
        assert "{{" not in _part(mail, subtype)
