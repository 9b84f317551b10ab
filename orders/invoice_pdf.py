"""The invoice as PDF/UA: the words of orders/invoice.py on paper, by Typst, tagged for screen readers.

The fonts inside the typst wheel show Latin, Greek and Cyrillic. For other scripts a folder of fonts
is given (INVOICE_FONT_FOLDER). A character that no font shows is never a box in silence: PDF/UA
forbids it, Typst stops, and we print "?" with a sentence that says so.
"""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typst
from django.conf import settings
from django.utils.translation import gettext

from orders.invoice import Invoice

TEMPLATE = Path(settings.BASE_DIR) / "templates" / "orders" / "invoice.typ"
# Unicode CLDR, supplemental data, paperSize US-Letter.
LETTER_COUNTRIES = frozenset(["BZ", "CA", "CL", "CO", "CR", "GT", "MX", "NI", "PA", "PH", "PR", "SV", "US", "VE"])
MISSING = re.compile(r'the text `"(.+?)"` could not be displayed')
# One by one that often, so that a single odd sign costs only itself; then all at once.
SINGLE_REPLACEMENTS = 5
SHOWN_BY_OWN_FONTS = re.compile(r"[^\t\n\x20-\u052f\u1e00-\u2116]")
STAND_IN = "?"


def render(invoice: Invoice, country: str) -> bytes:
    """The PDF of an invoice, on the paper that is used in this country (ISO 3166-1 alpha-2, or empty)."""
    content = asdict(invoice) | {
        "notices": [invoice.notice] if invoice.notice else [],
        "paper": "us-letter" if country in LETTER_COUNTRIES else "a4",
        "language": invoice.language.partition("-")[0],
        "labels": {"seller": gettext("Seller"), "buyer": gettext("Billed to")},
    }
    text = json.dumps(content, ensure_ascii=False)
    for attempt in range(SINGLE_REPLACEMENTS + 2):
        try:
            return _compile(text)
        except typst.TypstError as error:
            missing = MISSING.search(str(error))
            if missing is None or attempt > SINGLE_REPLACEMENTS:
                raise
            if attempt == 0:
                content["notices"].append(
                    gettext(
                        "Some characters cannot be printed here and stand as “?”. "
                        "The invoice on the web page shows them all."
                    )
                )
                text = json.dumps(content, ensure_ascii=False)
            if attempt == SINGLE_REPLACEMENTS:
                text = SHOWN_BY_OWN_FONTS.sub(STAND_IN, text)
            else:
                text = text.replace(missing[1], STAND_IN)
    raise AssertionError("the loop returns or raises")


def _compile(text: str) -> bytes:
    options: dict[str, Any] = {"font_paths": [settings.INVOICE_FONT_FOLDER]} if settings.INVOICE_FONT_FOLDER else {}
    pdf = typst.compile(
        TEMPLATE, sys_inputs={"invoice": text}, pdf_standards="ua-1", ignore_system_fonts=True, **options
    )
    if pdf is None:
        raise RuntimeError("Typst wrote no PDF.")
    return pdf
