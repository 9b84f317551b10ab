import json
import re
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import translation

from orders import invoice_pdf
from orders.invoice import build_invoice
from orders.models import Order
from orders.passwords import portal_password
from tests.factories import make_line, make_order

pytestmark = pytest.mark.django_db


def make_pdf(order: Order) -> bytes:
    return invoice_pdf.render_pdf(build_invoice(order, list(order.lines.all()), []), order.billing_country)


def title(pdf: bytes) -> str:
    """Return the title from the metadata of the document."""
    found = re.search(rb"<dc:title>.*?<rdf:li[^>]*>(.*?)</rdf:li>", pdf, re.DOTALL)
    return found[1].decode() if found else ""


def inside(order: Order) -> Client:
    browser = Client()
    browser.post("/orders/find/number/", {"order_number": order.number, "password": portal_password(order) or ""})
    return browser


@pytest.mark.parametrize(
    "name",
    ["Ann Müller", "Þórður Łącki", "Ελένη Παπαδοπούλου", "Иван Петрович Їжак", '#strong[x] $y$ \\ " *z* @a <b> //c'],
)
def test_latin_greek_and_cyrillic_names_are_complete(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    order = make_order(billing_name=name)
    make_line(order)
    printed: list[str] = []
    compile_text = invoice_pdf._compile
    monkeypatch.setattr(invoice_pdf, "_compile", lambda text: (printed.append(text), compile_text(text))[1])
    # Typst fails for PDF/UA if a character is in no font.
    assert make_pdf(order).startswith(b"%PDF-")
    assert len(printed) == 1
    assert json.loads(printed[0])["buyer"][0] == name


@pytest.mark.parametrize("name", ["山田太郎", "Ann 🛒 Müller", "שלום 山田太郎 नमस्ते 안녕하세요 กขค"])
def test_a_character_without_a_font_is_replaced_and_announced(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    order = make_order(billing_name=name)
    printed: list[str] = []
    compile_text = invoice_pdf._compile
    monkeypatch.setattr(invoice_pdf, "_compile", lambda text: (printed.append(text), compile_text(text))[1])
    assert make_pdf(order).startswith(b"%PDF-")
    assert "Some characters can’t be printed and are shown as “?”." in printed[-1]
    assert name not in printed[-1]
    assert "?" in printed[-1]


A4, LETTER = (595, 841), (612, 792)  # points, truncated


@pytest.mark.parametrize(("country", "size"), [("DE", A4), ("US", LETTER), ("CA", LETTER), ("", A4)])
def test_the_paper_size_depends_on_the_country(country: str, size: tuple[int, int]) -> None:
    pdf = make_pdf(make_order(billing_country=country))
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([0-9.]+) ([0-9.]+)", pdf)
    assert box is not None
    assert (int(float(box[1])), int(float(box[2]))) == size


def test_the_pdf_is_tagged_and_has_language_and_title() -> None:
    with translation.override("de"):
        pdf = make_pdf(make_order(number="A-1001", invoice_number="2026-77"))
    assert b"/MarkInfo" in pdf
    assert b"/StructTreeRoot" in pdf
    assert b"pdfuaid" in pdf
    assert b"/Lang (de" in pdf or b"/Lang(de" in pdf
    assert "2026-77" in title(pdf)


def test_the_pdf_requires_access_to_the_order() -> None:
    order = make_order()
    answer = inside(order).get(f"/orders/{order.public_id}/invoice.pdf")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/pdf"
    assert f"{order.number}.pdf" in answer["Content-Disposition"]
    assert "no-store" in answer["Cache-Control"]
    stranger = Client().get(f"/orders/{order.public_id}/invoice.pdf")
    assert stranger.status_code == 302
    assert stranger["Location"].startswith("/orders/find/")


def test_the_order_number_cannot_break_the_download_header() -> None:
    order = make_order(number='A"\r\n../1', number_key="A../1")
    answer = inside(order).get(f"/orders/{order.public_id}/invoice.pdf")
    assert answer.status_code in (200, 302)
    assert "\n" not in answer.get("Content-Disposition", "")


def test_five_hundred_items_fill_several_pages() -> None:
    order = make_order(total=Decimal("39975.00"))
    lines = [make_line(order)] * 500
    pdf = invoice_pdf.render_pdf(build_invoice(order, lines, []), "DE")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 5


def test_page_and_pdf_have_the_same_content() -> None:
    order = make_order(invoice_seller="Acme Reselling Ltd\nDublin")
    make_line(order)
    page = inside(order).get(f"/orders/{order.public_id}/invoice/").content.decode()
    invoice = build_invoice(order, list(order.lines.all()), [])
    for page_text in (invoice.title, *invoice.seller, *invoice.columns, invoice.grand_total[1]):
        assert page_text in page
