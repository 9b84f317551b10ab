"""Synonyms of the demo's help search, by language. Existing rows are not changed."""

from support.models import SearchSynonyms

SYNONYMS = {
    "en": (
        "scam, scammer, fraud, fake, phishing, spoofing, suspicious, is this real",
        "phone number, telephone, call, hotline, customer service, talk to someone",
        "order not found, no order found, can’t find order, cannot find order, order missing, no such order",
        "renew, renewal, extend, prolong",
        "invoice, receipt, bill, tax invoice, vat",
        "refund, money back, return, reimbursement, send back",
        # "licence" because people also type the British spelling.
        "serial number, license key, licence key, product key, activation code, activation key",
        "installer, setup, setup file, exe, dmg",
        "cashback, rebate, promotion",
    ),
    "de": (
        "Betrug, Betrüger, Phishing, Fake, gefälscht, Abzocke, Scam, ist das echt",
        "Telefonnummer, Telefon, anrufen, Hotline, Kundendienst, Kundenservice, phone number",
        "Bestellung nicht gefunden, keine Bestellung gefunden, finde Bestellung nicht, Bestellung fehlt",
        "verlängern, Verlängerung, erneuern, Laufzeit verlängern, renew",
        "Rechnung, Beleg, Quittung, Mehrwertsteuer, Invoice",
        "Erstattung, Geld zurück, Rückgabe, zurückgeben, Rückzahlung, refund",
        "Seriennummer, Lizenzschlüssel, Produktschlüssel, Aktivierungscode, Aktivierungsschlüssel",
        "Installer, Installationsdatei, Setup",
        "Cashback, Rückvergütung, Aktion",
    ),
}


def load_search_synonyms() -> None:
    """Create the synonyms of each language that has none."""
    for language, groups in SYNONYMS.items():
        if not SearchSynonyms.objects.filter(language=language).exists():
            for words in groups:
                SearchSynonyms.objects.create(language=language, words=words.split(", "))
