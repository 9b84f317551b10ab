"""Answer templates of the demo. Those that staff have changed are not overwritten."""

from support.models import AnswerTemplate

ANSWER_TEXTS = {
    ("No order found", "en"): (
        "Hello {name},\n\nwe looked for the order behind this charge ({reference}) and found none. Please ask your bank"
        " whether the charge is only pending, and who sent it: the name and phone number of the seller stand beside it."
        "\n\nIf it was us, please write to us again with the day, the amount and the last 4 digits of the card."
    ),
    ("No order found", "de"): (
        "Guten Tag {name},\n\nwir haben nach der Bestellung zu dieser Abbuchung ({reference}) gesucht und keine"
        " gefunden. Bitte fragen Sie Ihre Bank, ob die Abbuchung nur vorgemerkt ist und von wem sie kommt: Name und"
        " Telefonnummer des Verkäufers stehen dabei.\n\nWaren es wir, schreiben Sie uns bitte noch"
        " einmal mit Tag, Betrag und den letzten 4 Ziffern der Karte."
    ),
    ("More about a charge", "en"): (
        "Hello {name},\n\nto find the order behind this charge we need to know a little more: on which day was it, and"
        " which name stands beside it on your statement? A photo of that line helps most; please cover all others."
    ),
    ("More about a charge", "de"): (
        "Guten Tag {name},\n\num die Bestellung zu dieser Abbuchung zu finden, müssen wir etwas mehr wissen: An welchem"
        " Tag war sie, und welcher Name steht auf dem Kontoauszug dabei? Am besten hilft ein Foto dieser Zeile; bitte"
        " decken Sie alle anderen ab."
    ),
    ("Installer", "en"): (
        "Hello {name},\n\nplease open your order on our page and press Download there: the installer then fits your"
        " serial number. If the download breaks off, press it again; it goes on where it stopped."
    ),
    ("Installer", "de"): (
        "Guten Tag {name},\n\nbitte öffnen Sie Ihre Bestellung auf unserer Seite und drücken Sie dort auf"
        " Herunterladen: dann passt das Installationsprogramm zu Ihrer Seriennummer. Bricht es ab, drücken Sie noch"
        " einmal; es geht dort weiter, wo es aufgehört hat."
    ),
}


def load_answer_templates() -> int:
    """Create the templates whose name and language do not exist yet. Returns how many were created."""
    existing = set(AnswerTemplate.objects.values_list("name", "language"))
    new = [
        AnswerTemplate(name=name, language=language, text=text)
        for (name, language), text in ANSWER_TEXTS.items()
        if (name, language) not in existing
    ]
    AnswerTemplate.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)
