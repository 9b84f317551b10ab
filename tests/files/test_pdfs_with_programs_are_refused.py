"""A PDF that would run, open or fetch something is refused, however well that is hidden."""

import io

import pikepdf
import pytest
from pikepdf import Array, AttachedFileSpec, Dictionary, Encryption, Name, Stream

from files.judging import judge
from files.reasons import Reason
from files.refusals import Refused
from tests.files import made


def refused(content: bytes) -> Reason:
    with pytest.raises(Refused) as refusal:
        judge(made.upload(content, "statement.pdf"))
    return refusal.value.reason


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ({"S": "/JavaScript", "JS": "app.alert(1)"}, Reason.PDF_SCRIPT),
        ({"S": "/Launch", "F": "calc.exe"}, Reason.PDF_ACTION),
        ({"S": "/SubmitForm", "F": "https://evil.example"}, Reason.PDF_ACTION),
        ({"S": "/ImportData", "F": "data.fdf"}, Reason.PDF_ACTION),
        ({"S": "/GoToR", "F": "\\\\evil.example\\share"}, Reason.PDF_ACTION),
        ({"S": "/GoToE"}, Reason.PDF_ACTION),
        ({"S": "/Rendition"}, Reason.PDF_MEDIA),
    ],
)
def test_opening_it_must_do_nothing(action: dict[str, str], reason: Reason) -> None:
    assert refused(made.pdf_with_action(**action)) == reason


def test_a_script_is_found_in_a_page_that_opens_and_in_a_button() -> None:
    script = Dictionary(S=Name.JavaScript, JS="app.alert(1)")
    page_opens = made.pdf()
    page_opens.pages[0].AA = Dictionary(O=script)
    assert refused(made.pdf_bytes(page_opens)) == Reason.PDF_SCRIPT
    button = made.pdf()
    annotation = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], A=Dictionary(Next=Array([script])))
    button.pages[0].Annots = Array([button.make_indirect(annotation)])
    assert refused(made.pdf_bytes(button)) == Reason.PDF_SCRIPT


def test_a_script_is_found_in_a_stream_and_inside_packed_objects() -> None:
    hidden = made.pdf()
    script = hidden.make_indirect(Stream(hidden, b"app.alert(1)"))
    hidden.Root.Names = Dictionary(
        JavaScript=Dictionary(Names=Array(["a", hidden.make_indirect(Dictionary(S=Name.JavaScript, JS=script))]))
    )
    packed = made.pdf_bytes(hidden, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert b"JavaScript" not in packed
    assert refused(packed) == Reason.PDF_SCRIPT


def test_a_script_whose_name_is_written_in_code_is_found() -> None:
    plain = made.pdf_with_action(S="/JavaScript", JS="app.alert(1)")
    assert refused(plain.replace(b"/JavaScript", b"/J#61vaScript").replace(b"/JS", b"/#4a#53")) == Reason.PDF_SCRIPT


def test_a_script_is_found_in_a_file_whose_table_is_broken() -> None:
    content = made.pdf_with_action(S="/JavaScript", JS="app.alert(1)")
    assert refused(content.replace(b"startxref", b"startxxxx")) == Reason.PDF_SCRIPT


def test_a_script_behind_an_empty_password_is_found() -> None:
    locked = made.pdf()
    locked.Root.OpenAction = Dictionary(S=Name.JavaScript, JS="app.alert(1)")
    assert refused(made.pdf_bytes(locked, encryption=Encryption(owner="bank", user=""))) == Reason.PDF_SCRIPT


def test_attached_files_are_refused() -> None:
    carrier = made.pdf()
    carrier.attachments["virus.exe"] = AttachedFileSpec(carrier, b"MZ...", filename="virus.exe")
    assert refused(made.pdf_bytes(carrier)) == Reason.PDF_ATTACHMENT


@pytest.mark.parametrize("kind", ["/RichMedia", "/Screen", "/Movie", "/3D"])
def test_films_and_sounds_are_refused(kind: str) -> None:
    film = made.pdf()
    film.pages[0].Annots = Array([Dictionary(Type=Name.Annot, Subtype=Name(kind), Rect=[0, 0, 9, 9])])
    assert refused(made.pdf_bytes(film)) == Reason.PDF_MEDIA


def test_forms_with_programs_are_refused() -> None:
    form = made.pdf()
    form.Root.AcroForm = Dictionary(Fields=Array([]), XFA=form.make_indirect(Stream(form, b"<xdp/>")))
    assert refused(made.pdf_bytes(form)) == Reason.PDF_FORM


def test_a_password_of_its_own_is_told() -> None:
    assert refused(made.pdf_bytes(encryption=Encryption(owner="bank", user="secret"))) == Reason.PDF_LOCKED


def test_too_many_pages_are_told() -> None:
    assert refused(made.pdf_bytes(made.pdf(pages=51))) == Reason.PDF_TOO_LONG
    assert judge(made.upload(made.pdf_bytes(made.pdf(pages=50)))).media_type == "application/pdf"


def test_a_broken_one_is_told() -> None:
    for content in (b"%PDF-1.7", b"%PDF-1.7\n" + b"\x00" * 5000, made.pdf_bytes()[:200]):
        assert refused(content) == Reason.UNREADABLE


def test_arrays_inside_each_other_without_end_break_nothing() -> None:
    deep = b"[" * 30_000 + b"]" * 30_000
    content = made.pdf_with_action(S="/GoTo", D="here").replace(b"(here)", deep)
    with pytest.raises(Refused):
        judge(made.upload(content))


def test_a_statement_with_links_and_a_first_page_is_taken_as_it_was() -> None:
    statement = made.pdf(pages=3)
    statement.Root.OpenAction = Array([statement.pages[0].obj, Name.Fit])
    link = Dictionary(S=Name.URI, URI="https://bank.example")
    statement.pages[0].Annots = Array([Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], A=link)])
    clean = judge(made.upload(made.pdf_bytes(statement), "statement.pdf"))
    assert len(pikepdf.open(io.BytesIO(clean.content)).pages) == 3


def test_a_statement_that_only_forbids_printing_is_taken_and_opens_for_all() -> None:
    locked = made.pdf_bytes(encryption=Encryption(owner="bank", user=""))
    clean = judge(made.upload(locked))
    assert not pikepdf.open(io.BytesIO(clean.content)).is_encrypted
