"""Answer templates of the demo. Those that staff have changed are not overwritten."""

from support.models import AnswerTemplate

# Offered for charge claims only.
ABOUT_CHARGES = ("No order found", "More about a charge")
ANSWER_TEXTS = {
    ("No order found", "en"): (
        "Hello {name},\n\nWe looked for the order behind this charge ({reference}) but couldn’t find one. Ask your bank"
        " whether the charge is only pending, and which seller made it. Your bank can see the seller’s name and phone"
        " number.\n\nIf it was us, reply with the date, the amount and the last 4 digits of your card."
    ),
    ("No order found", "de"): (
        "Guten Tag {name},\n\nwir haben zu dieser Abbuchung ({reference}) keine Bestellung gefunden. Fragen Sie Ihre"
        " Bank, ob die Abbuchung nur vorgemerkt ist und von welchem Verkäufer sie kommt. Ihre Bank kennt dessen Namen"
        " und Telefonnummer.\n\nKommt sie von uns, antworten Sie mit Datum, Betrag und den letzten 4 Ziffern Ihrer"
        " Karte."
    ),
    ("More about a charge", "en"): (
        "Hello {name},\n\nTo find the order behind this charge, we need the date of the charge and the seller’s name on"
        " your bank statement. You can also send a photo of that line. Cover all other lines."
    ),
    ("More about a charge", "de"): (
        "Guten Tag {name},\n\num die Bestellung zu dieser Abbuchung zu finden, brauchen wir das Datum der Abbuchung und"
        " den Namen des Verkäufers auf Ihrem Kontoauszug. Sie können uns auch ein Foto dieser Zeile senden. Decken Sie"
        " alle anderen Zeilen ab."
    ),
    ("Installer", "en"): (
        "Hello {name},\n\nOpen your order {order_number} on our website and select Download. You’ll get the installer"
        " that matches your serial number. If the download stops, select Download again. It continues where it stopped."
    ),
    ("Installer", "de"): (
        "Guten Tag {name},\n\nöffnen Sie Ihre Bestellung {order_number} auf unserer Website und wählen Sie"
        " „Herunterladen“. Sie erhalten das Installationsprogramm, das zu Ihrer Seriennummer passt. Bricht der Download"
        " ab, wählen Sie noch einmal „Herunterladen“. Er wird an derselben Stelle fortgesetzt."
    ),
}


def load_answer_templates() -> int:
    """Create the templates whose name and language do not exist yet. Returns how many were created."""
    existing = set(AnswerTemplate.objects.values_list("name", "language"))
    new = [
        AnswerTemplate(name=name, language=language, about=_about(name), text=text)
        for (name, language), text in ANSWER_TEXTS.items()
        if (name, language) not in existing
    ]
    AnswerTemplate.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _about(name: str) -> str:
    return AnswerTemplate.About.CHARGE_CLAIM if name in ABOUT_CHARGES else AnswerTemplate.About.ANY
