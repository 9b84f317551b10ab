import pytest

from files.names import MAX_LENGTH, display_name, readable_name

PDF = "application/pdf"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("statement.pdf", "statement.pdf"),
        ("../../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\Bea\\Beleg Nº 7.PDF", "Beleg Nº 7.pdf"),
        ("receipt.pdf.exe", "receipt.pdf.pdf"),
        ("photo.html", "photo.pdf"),
        ("a\x00b\r\nSet-Cookie: x.pdf", "a b Set-Cookie: x.pdf"),
        ("evil\u202efdp.exe", "evil fdp.pdf"),
        ("領収書 🧾.heic", "領収書 🧾.pdf"),
        ("..", "file.pdf"),
        ("", "file.pdf"),
        (".pdf", "file.pdf"),
    ],
)
def test_the_display_name_is_safe_and_has_the_right_extension(sent: str, shown: str) -> None:
    assert display_name(sent, PDF) == shown


def test_long_names_are_cut_before_the_extension() -> None:
    shown = display_name("x" * 5000 + ".jpeg", "image/jpeg")
    assert len(shown) == MAX_LENGTH
    assert shown.endswith("x.jpg")
    assert len(readable_name("x" * 5000)) == MAX_LENGTH
