"""A PDF that would run, open or fetch something is refused, however well that is hidden."""

import io

import pikepdf
import pytest
from pikepdf import Array, AttachedFileSpec, Dictionary, Encryption, Name, Stream

from files.rejection_reasons import RejectionReason
from files.rejections import FileRejected
from files.validation import clean_upload
from tests.files import factories


def refused(content: bytes) -> RejectionReason:
    with pytest.raises(FileRejected) as refusal:
        clean_upload(factories.upload(content, "statement.pdf"))
    return refusal.value.reason


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ({"S": "/JavaScript", "JS": "app.alert(1)"}, RejectionReason.PDF_SCRIPT),
        ({"S": "/Launch", "F": "calc.exe"}, RejectionReason.PDF_ACTION),
        ({"S": "/SubmitForm", "F": "https://evil.example"}, RejectionReason.PDF_ACTION),
        ({"S": "/ImportData", "F": "data.fdf"}, RejectionReason.PDF_ACTION),
        ({"S": "/GoToR", "F": "\\\\evil.example\\share"}, RejectionReason.PDF_ACTION),
        ({"S": "/GoToE"}, RejectionReason.PDF_ACTION),
        ({"S": "/Rendition"}, RejectionReason.PDF_MEDIA),
    ],
)
def test_opening_it_must_do_nothing(action: dict[str, str], reason: RejectionReason) -> None:
    assert refused(factories.pdf_with_action(**action)) == reason


def test_a_script_is_found_in_a_page_that_opens_and_in_a_button() -> None:
    script = Dictionary(S=Name.JavaScript, JS="app.alert(1)")
    page_opens = factories.pdf()
    page_opens.pages[0].AA = Dictionary(O=script)
    assert refused(factories.pdf_bytes(page_opens)) == RejectionReason.PDF_SCRIPT
    button = factories.pdf()
    annotation = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], A=Dictionary(Next=Array([script])))
    button.pages[0].Annots = Array([button.make_indirect(annotation)])
    assert refused(factories.pdf_bytes(button)) == RejectionReason.PDF_SCRIPT


def test_a_script_is_found_in_a_stream_and_inside_packed_objects() -> None:
    hidden = factories.pdf()
    script = hidden.make_indirect(Stream(hidden, b"app.alert(1)"))
    hidden.Root.Names = Dictionary(
        JavaScript=Dictionary(Names=Array(["a", hidden.make_indirect(Dictionary(S=Name.JavaScript, JS=script))]))
    )
    packed = factories.pdf_bytes(hidden, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert b"JavaScript" not in packed
    assert refused(packed) == RejectionReason.PDF_SCRIPT


def test_a_script_whose_name_is_written_in_code_is_found() -> None:
    plain = factories.pdf_with_action(S="/JavaScript", JS="app.alert(1)")
    assert (
        refused(plain.replace(b"/JavaScript", b"/J#61vaScript").replace(b"/JS", b"/#4a#53"))
        == RejectionReason.PDF_SCRIPT
    )


def test_a_script_is_found_in_a_file_whose_table_is_broken() -> None:
    content = factories.pdf_with_action(S="/JavaScript", JS="app.alert(1)")
    assert refused(content.replace(b"startxref", b"startxxxx")) == RejectionReason.PDF_SCRIPT


def test_a_script_behind_an_empty_password_is_found() -> None:
    locked = factories.pdf()
    locked.Root.OpenAction = Dictionary(S=Name.JavaScript, JS="app.alert(1)")
    assert (
        refused(factories.pdf_bytes(locked, encryption=Encryption(owner="bank", user=""))) == RejectionReason.PDF_SCRIPT
    )


def test_attached_files_are_refused() -> None:
    carrier = factories.pdf()
    carrier.attachments["virus.exe"] = AttachedFileSpec(carrier, b"MZ...", filename="virus.exe")
    assert refused(factories.pdf_bytes(carrier)) == RejectionReason.PDF_ATTACHMENT


@pytest.mark.parametrize("kind", ["/RichMedia", "/Screen", "/Movie", "/3D"])
def test_films_and_sounds_are_refused(kind: str) -> None:
    film = factories.pdf()
    film.pages[0].Annots = Array([Dictionary(Type=Name.Annot, Subtype=Name(kind), Rect=[0, 0, 9, 9])])
    assert refused(factories.pdf_bytes(film)) == RejectionReason.PDF_MEDIA


def test_forms_with_programs_are_refused() -> None:
    form = factories.pdf()
    form.Root.AcroForm = Dictionary(Fields=Array([]), XFA=form.make_indirect(Stream(form, b"<xdp/>")))
    assert refused(factories.pdf_bytes(form)) == RejectionReason.PDF_FORM


def test_a_password_of_its_own_is_told() -> None:
    assert (
        refused(factories.pdf_bytes(encryption=Encryption(owner="bank", user="secret"))) == RejectionReason.PDF_LOCKED
    )


def test_too_many_pages_are_told() -> None:
    assert refused(factories.pdf_bytes(factories.pdf(pages=51))) == RejectionReason.PDF_TOO_LONG
    assert clean_upload(factories.upload(factories.pdf_bytes(factories.pdf(pages=50)))).media_type == "application/pdf"


def test_a_broken_one_is_told() -> None:
    for content in (b"%PDF-1.7", b"%PDF-1.7\n" + b"\x00" * 5000, factories.pdf_bytes()[:200]):
        assert refused(content) == RejectionReason.UNREADABLE


def test_arrays_inside_each_other_without_end_break_nothing() -> None:
    deep = b"[" * 30_000 + b"]" * 30_000
    content = factories.pdf_with_action(S="/GoTo", D="here").replace(b"(here)", deep)
    with pytest.raises(FileRejected):
        clean_upload(factories.upload(content))


def test_a_statement_with_links_and_a_first_page_is_taken_as_it_was() -> None:
    statement = factories.pdf(pages=3)
    statement.Root.OpenAction = Array([statement.pages[0].obj, Name.Fit])
    link = Dictionary(S=Name.URI, URI="https://bank.example")
    statement.pages[0].Annots = Array([Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], A=link)])
    clean = clean_upload(factories.upload(factories.pdf_bytes(statement), "statement.pdf"))
    assert len(pikepdf.open(io.BytesIO(clean.content)).pages) == 3


def test_a_statement_that_only_forbids_printing_is_taken_and_opens_for_all() -> None:
    locked = factories.pdf_bytes(encryption=Encryption(owner="bank", user=""))
    clean = clean_upload(factories.upload(locked))
    assert not pikepdf.open(io.BytesIO(clean.content)).is_encrypted
