"""Texts that staff type once for readers of all languages, such as opening hours or the name of a promotion."""

from django.utils.translation import gettext, pgettext

# In a vendor's own catalogs (TRANSLATIONS_FOLDER), translations of such texts have this context.
VENDOR_CONTEXT = "vendor"


def vendor_text(text: str) -> str:
    """Return the text in the reader's language: the vendor's translation, or the portal's if it has the same text, as
    it has those of the demo. Otherwise as it was typed.
    """
    if not text:
        return ""
    translated = pgettext(VENDOR_CONTEXT, text)
    return gettext(text) if translated == text else translated
