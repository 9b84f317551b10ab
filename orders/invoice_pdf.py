"""The invoice as PDF/UA: the content of orders/invoice.py, typeset by Typst and tagged for screen readers.

The fonts in the typst wheel have Latin, Greek and Cyrillic characters. Fonts for other scripts are read from
INVOICE_FONT_FOLDER. PDF/UA forbids a character that no font has, and Typst fails. Such characters are replaced
by "?", and a notice on the invoice says so.
"""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typst
from django.conf import settings
from django.utils.translation import gettext

from notifications.labels import with_colon
from orders.invoice import Invoice

TEMPLATE = Path(settings.BASE_DIR) / "templates" / "orders" / "invoice.typ"
# Unicode CLDR, supplemental data, paperSize US-Letter.
LETTER_COUNTRIES = frozenset(["BZ", "CA", "CL", "CO", "CR", "GT", "MX", "NI", "PA", "PH", "PR", "SV", "US", "VE"])
MISSING_TEXT = re.compile(r'the text `"(.+?)"` could not be displayed')
# Up to this many missing characters are replaced one by one. Beyond that, all characters outside the wheel's scripts
# are.
SINGLE_REPLACEMENTS = 5
OUTSIDE_WHEEL_FONTS = re.compile(r"[^\t\n\x20-\u052f\u1e00-\u2116]")
REPLACEMENT = "?"


def render_pdf(invoice: Invoice, country: str) -> bytes:
    """Return the PDF of an invoice, in the paper size of this country (ISO 3166-1 alpha-2, or empty)."""
    content = asdict(invoice) | {
        "notices": [invoice.notice] if invoice.notice else [],
        "facts": [(with_colon(label), value) for label, value in invoice.facts],
        "paper": "us-letter" if country in LETTER_COUNTRIES else "a4",
        "language": invoice.language.partition("-")[0],
        "labels": {"seller": gettext("Seller"), "buyer": gettext("Billed to")},
    }
    text = json.dumps(content, ensure_ascii=False)
    for attempt in range(SINGLE_REPLACEMENTS + 2):
        try:
            return _compile(text)
        except typst.TypstError as error:
            missing = MISSING_TEXT.search(str(error))
            if missing is None or attempt > SINGLE_REPLACEMENTS:
                raise
            if attempt == 0:
                content["notices"].append(
                    gettext(
                        "Some characters can’t be printed and are shown as “?”. You’ll find them all on the web "
                        "page of the invoice."
                    )
                )
                text = json.dumps(content, ensure_ascii=False)
            if attempt == SINGLE_REPLACEMENTS:
                text = OUTSIDE_WHEEL_FONTS.sub(REPLACEMENT, text)
            else:
                text = text.replace(missing[1], REPLACEMENT)
    raise AssertionError("the loop returns or raises")


def _compile(text: str) -> bytes:
    options: dict[str, Any] = {"font_paths": [settings.INVOICE_FONT_FOLDER]} if settings.INVOICE_FONT_FOLDER else {}
    pdf = typst.compile(
        TEMPLATE, sys_inputs={"invoice": text}, pdf_standards="ua-1", ignore_system_fonts=True, **options
    )
    if pdf is None:
        raise RuntimeError("Typst wrote no PDF.")
    return pdf
