"""PDFs that would execute, open or fetch something are rejected, even if it is hidden."""

import io

import pikepdf
import pytest
from pikepdf import Array, AttachedFileSpec, Dictionary, Encryption, Name, Stream

from files.rejection_reasons import RejectionReason
from files.rejections import FileRejected
from files.validation import clean_upload
from tests.files import factories


def rejection(content: bytes) -> RejectionReason:
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
def test_actions_on_opening_are_rejected(action: dict[str, str], reason: RejectionReason) -> None:
    assert rejection(factories.pdf_with_action(**action)) == reason


def test_a_script_is_found_in_a_page_that_opens_and_in_a_button() -> None:
    script = Dictionary(S=Name.JavaScript, JS="app.alert(1)")
    page_opens = factories.pdf()
    page_opens.pages[0].AA = Dictionary(O=script)
    assert rejection(factories.pdf_bytes(page_opens)) == RejectionReason.PDF_SCRIPT
    button = factories.pdf()
    annotation = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], A=Dictionary(Next=Array([script])))
    button.pages[0].Annots = Array([button.make_indirect(annotation)])
    assert rejection(factories.pdf_bytes(button)) == RejectionReason.PDF_SCRIPT


def test_a_script_is_found_in_a_stream_and_inside_packed_objects() -> None:
    hidden = factories.pdf()
    script = hidden.make_indirect(Stream(hidden, b"app.alert(1)"))
    hidden.Root.Names = Dictionary(
        JavaScript=Dictionary(Names=Array(["a", hidden.make_indirect(Dictionary(S=Name.JavaScript, JS=script))]))
    )
    packed = factories.pdf_bytes(hidden, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert b"JavaScript" not in packed
    assert rejection(packed) == RejectionReason.PDF_SCRIPT


def test_a_script_with_an_escaped_name_is_found() -> None:
    plain = factories.pdf_with_action(S="/JavaScript", JS="app.alert(1)")
    assert (
        rejection(plain.replace(b"/JavaScript", b"/J#61vaScript").replace(b"/JS", b"/#4a#53"))
        == RejectionReason.PDF_SCRIPT
    )


def test_a_script_is_found_in_a_file_with_a_broken_xref_table() -> None:
    content = factories.pdf_with_action(S="/JavaScript", JS="app.alert(1)")
    assert rejection(content.replace(b"startxref", b"startxxxx")) == RejectionReason.PDF_SCRIPT


def test_a_script_behind_an_empty_password_is_found() -> None:
    locked = factories.pdf()
    locked.Root.OpenAction = Dictionary(S=Name.JavaScript, JS="app.alert(1)")
    assert (
        rejection(factories.pdf_bytes(locked, encryption=Encryption(owner="bank", user="")))
        == RejectionReason.PDF_SCRIPT
    )


def test_attached_files_are_rejected() -> None:
    carrier = factories.pdf()
    carrier.attachments["virus.exe"] = AttachedFileSpec(carrier, b"MZ...", filename="virus.exe")
    assert rejection(factories.pdf_bytes(carrier)) == RejectionReason.PDF_ATTACHMENT


@pytest.mark.parametrize("kind", ["/RichMedia", "/Screen", "/Movie", "/3D"])
def test_video_and_sound_are_rejected(kind: str) -> None:
    film = factories.pdf()
    film.pages[0].Annots = Array([Dictionary(Type=Name.Annot, Subtype=Name(kind), Rect=[0, 0, 9, 9])])
    assert rejection(factories.pdf_bytes(film)) == RejectionReason.PDF_MEDIA


def test_xfa_forms_are_rejected() -> None:
    form = factories.pdf()
    form.Root.AcroForm = Dictionary(Fields=Array([]), XFA=form.make_indirect(Stream(form, b"<xdp/>")))
    assert rejection(factories.pdf_bytes(form)) == RejectionReason.PDF_FORM


def test_a_password_protected_pdf_is_rejected() -> None:
    assert (
        rejection(factories.pdf_bytes(encryption=Encryption(owner="bank", user="secret"))) == RejectionReason.PDF_LOCKED
    )


def test_too_many_pages_are_rejected() -> None:
    assert rejection(factories.pdf_bytes(factories.pdf(pages=51))) == RejectionReason.PDF_TOO_LONG
    assert clean_upload(factories.upload(factories.pdf_bytes(factories.pdf(pages=50)))).media_type == "application/pdf"


def test_a_broken_pdf_is_rejected() -> None:
    for content in (b"%PDF-1.7", b"%PDF-1.7\n" + b"\x00" * 5000, factories.pdf_bytes()[:200]):
        assert rejection(content) == RejectionReason.UNREADABLE


def test_deeply_nested_arrays_are_rejected() -> None:
    deep = b"[" * 30_000 + b"]" * 30_000
    content = factories.pdf_with_action(S="/GoTo", D="here").replace(b"(here)", deep)
    with pytest.raises(FileRejected):
        clean_upload(factories.upload(content))


def test_a_pdf_with_links_is_accepted() -> None:
    statement = factories.pdf(pages=3)
    statement.Root.OpenAction = Array([statement.pages[0].obj, Name.Fit])
    link = Dictionary(S=Name.URI, URI="https://bank.example")
    statement.pages[0].Annots = Array([Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], A=link)])
    clean = clean_upload(factories.upload(factories.pdf_bytes(statement), "statement.pdf"))
    assert len(pikepdf.open(io.BytesIO(clean.content)).pages) == 3


def test_a_pdf_with_an_owner_password_only_is_accepted_and_decrypted() -> None:
    locked = factories.pdf_bytes(encryption=Encryption(owner="bank", user=""))
    clean = clean_upload(factories.upload(locked))
    assert not pikepdf.open(io.BytesIO(clean.content)).is_encrypted
