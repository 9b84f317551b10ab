"""Names for table columns and order statuses, as used by stores in nine languages.

English, German, French, Spanish, Italian, Dutch, Danish, Norwegian and Swedish. Names are compared with
`normalize_name`. The spelling “licence” is here on purpose: stores use it as a column name.
"""

import re
import unicodedata

from orders.models import Order

_FOLDED = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa", "æ": "ae", "№": "no", "#": " number "}
)


def normalize_name(name: str) -> str:
    """Return a name in lower case, without accents, and with single spaces between words."""
    text = unicodedata.normalize("NFC", name).casefold().translate(_FOLDED)
    plain = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return " ".join(re.findall(r"[a-z0-9]+", plain))


def _names(text: str) -> frozenset[str]:
    """Split names at commas and line breaks, and normalize them."""
    return frozenset(name for part in re.split(r"[,\n]", text) if (name := normalize_name(part)))


COLUMN_NAMES: dict[str, frozenset[str]] = {
    "number": _names("""
        order number, order no, order nr, order id, order, number, reference number, sales order, transaction id
        Bestellnummer, Bestellnr, Bestell-Nr., Auftragsnummer, Auftragsnr, Bestell-ID, Bestellung, Vorgangsnummer
        numéro de commande, no de commande, n° commande, numéro commande, commande, id commande
        número de pedido, n.º pedido, pedido, id pedido, nº de pedido, num pedido
        numero ordine, n. ordine, ordine, id ordine, numero d'ordine, nr ordine
        bestelnummer, ordernummer, bestelnr, bestelling, order-id, ordernr
        ordrenummer, ordrenr, ordre, ordre-id, bestillingsnummer, ordrenr.
        ordernummer, beställningsnummer, order nr, beställning, ordernr
    """),
    "placed_at": _names("""
        order date, date, ordered at, created at, purchase date, date of purchase, placed at, created, sale date
        order time, date created, transaction date, ordered on
        Bestelldatum, Datum, Kaufdatum, Auftragsdatum, bestellt am, erstellt am, Verkaufsdatum, Bestellzeitpunkt
        date de commande, date commande, date d'achat, date achat, date de la commande
        fecha de pedido, fecha pedido, fecha, fecha de compra, fecha del pedido
        data ordine, data, data dell'ordine, data acquisto, data di acquisto
        besteldatum, orderdatum, aankoopdatum, datum bestelling
        ordredato, dato, købsdato, bestillingsdato, kjøpsdato, oprettet
        orderdatum, beställningsdatum, köpdatum, inköpsdatum
    """),
    "updated_at": _names("""
        updated at, last modified, modified, last updated, changed at, date modified
        geändert am, letzte Änderung, Änderungsdatum, aktualisiert am, date de modification, mis à jour le
        fecha de modificación, actualizado, data modifica, aggiornato il, gewijzigd op, laatst gewijzigd
        ændret, sidst ændret, endret, sist endret, ändrad, senast ändrad, uppdaterad
    """),
    "email": _names("""
        email, e-mail, email address, e-mail address, customer email, buyer email, billing email, mail, client email
        E-Mail-Adresse, E-Mail-Adresse des Kunden, Mailadresse, Kunden-E-Mail, E-Mail Kunde, Rechnungs-E-Mail
        adresse e-mail, courriel, adresse email, e-mail client, adresse électronique, mail client
        correo, correo electrónico, email cliente, e-mail del cliente, dirección de correo
        indirizzo e-mail, indirizzo email, posta elettronica, e-mail cliente
        e-mailadres, e-mail klant, emailadres, e-mailadresse, e-postadresse, e-post, epost, e-postadress, kundens e-post
    """),
    "status": _names("""
        status, order status, state, order state, payment status, Bestellstatus, Auftragsstatus, Zahlungsstatus, Zustand
        statut, état, statut de la commande, état de la commande, statut commande
        estado, estado del pedido, estado pedido, stato, stato ordine, stato dell'ordine
        bestelstatus, orderstatus, ordrestatus, betalingsstatus, betalningsstatus, tilstand
    """),
    "currency": _names("""
        currency, currency code, order currency, Währung, Währungscode, devise, code devise, monnaie
        moneda, divisa, valuta, codice valuta, muntcode, valutakode, valutakod, Whg
    """),
    "total": _names("""
        total, order total, grand total, amount, total amount, amount paid, paid, total paid, gross total, gross
        total price
        total incl tax, total including tax, price, gross amount, total gross, revenue
        Betrag, Gesamtbetrag, Summe, Gesamtsumme, Bestellsumme, Bruttobetrag, Gesamtpreis, Endbetrag, Rechnungsbetrag
        Gesamt, Brutto, Bestellwert, Gesamt brutto, Summe brutto, Endsumme
        montant, montant total, total ttc, montant ttc, total commande, prix total, montant payé
        importe, importe total, total pedido, total con iva, monto
        importo, importo totale, totale, totale ordine, totale ordine ivato, totale lordo
        bedrag, totaal, totaalbedrag, orderbedrag, totaal incl btw, totaal inclusief btw
        beløb, i alt, samlet beløb, totalt, totalbeløp, beløp, sum, total inkl moms, totalbeløb
        belopp, summa, totalbelopp, totalsumma, ordersumma, totalt inkl moms
    """),
    "tax": _names("""
        tax, taxes, vat, total tax, order tax, tax amount, vat amount, sales tax, tax total
        MwSt, Mehrwertsteuer, Steuer, USt, Umsatzsteuer, Steuerbetrag, MwSt-Betrag, Steuern, enthaltene MwSt
        tva, montant tva, taxe, taxes, iva, importe iva, impuesto, impuestos, imposta, importo iva
        btw, btw-bedrag, moms, momsbeløb, mva, merverdiavgift, momsbelopp, skatt
    """),
    "discount": _names("""
        discount, discount amount, order discount, total discount, coupon amount
        Rabatt, Rabattbetrag, Nachlass, Gutschein, Gutscheinbetrag, remise, montant remise, réduction, rabais
        descuento, importe descuento, sconto, importo sconto, korting, kortingsbedrag, rabat, rabatbeløb, rabattbelopp
    """),
    "shipping": _names("""
        shipping, shipping cost, shipping costs, shipping amount, shipping total, postage, delivery cost
        Versand, Versandkosten, Porto, frais de port, livraison, frais de livraison, gastos de envío, envío
        spedizione, spese di spedizione, verzendkosten, verzending, fragt, frakt, levering, porto
    """),
    "refunded": _names("""
        refunded, refund, refunded amount, refund amount, amount refunded, total refunded
        erstattet, Erstattung, Erstattungsbetrag, erstatteter Betrag, rückerstattet, Rückerstattung
        remboursé, montant remboursé, remboursement, reembolso, importe reembolsado, reembolsado
        rimborso, importo rimborsato, rimborsato, terugbetaald, terugbetaling, restitutie
        refunderet, refusjon, refundert, återbetalat, återbetalning
    """),
    "item_name": _names("""
        product, product name, item, item name, article, title, product title, description, item description, line item
        Artikel, Artikelname, Artikelbezeichnung, Produkt, Produktname, Bezeichnung, Produktbezeichnung, Beschreibung
        produit, nom du produit, article, désignation, libellé, nom produit
        producto, nombre del producto, artículo, nombre producto, descripción
        prodotto, nome prodotto, articolo, descrizione, nome del prodotto
        productnaam, artikelnaam, omschrijving, artikelomschrijving
        produkt, produktnavn, varenavn, vare, artikkel, produktnamn, artikelnamn, varunamn, benämning, beskrivelse
    """),
    "sku": _names("""
        sku, product sku, item sku, product code, product number, product id, item number, part number, article number
        Artikelnummer, Artikel-Nr., Artikelnr, Art.-Nr., Produktnummer, Produktcode, Produkt-ID, Bestell-Code
        référence produit, code produit, référence article, code article, réf
        referencia, código de producto, código producto, código artículo, ref
        codice prodotto, codice articolo, cod articolo, codice
        artikelnummer, productcode, varenummer, varenr, produktnummer, produktkode, produktkod, artikelnr
    """),
    "quantity": _names("""
        quantity, qty, item quantity, units, count, number of items, seats
        Menge, Anzahl, Stück, Stückzahl, Anz, quantité, qté, nombre
        cantidad, cant, unidades, quantità, qta, aantal, hoeveelheid, antal, antall, stk, mængde, kvantitet
    """),
    "unit_price": _names("""
        unit price, item price, price per unit, price each, product price, list price, net price
        Einzelpreis, Stückpreis, Preis, Preis pro Stück, Artikelpreis, Nettopreis
        prix unitaire, prix, prix unitaire ht, precio unitario, precio, prezzo unitario, prezzo
        stukprijs, prijs per stuk, prijs, eenheidsprijs, enhedspris, stykpris, enhetspris, pris, styckpris, à-pris
    """),
    "line_total": _names("""
        line total, item total, line amount, product total, row total, subtotal item, item amount
        Positionssumme, Positionsbetrag, Zeilensumme, Artikelsumme, Gesamtpreis Artikel, Positionspreis
        total ligne, montant ligne, total línea, importe línea, totale riga, importo riga
        regeltotaal, regelbedrag, linjetotal, linjebeløb, linjesum, linjebeløp, radsumma, radbelopp
    """),
    "line_tax": _names("""
        line tax, item tax, product tax, tax per item, Positionssteuer, MwSt Position, Steuer Position
        tva ligne, iva línea, iva riga, btw regel, linjemoms, radmoms
    """),
    "serials": _names("""
        serial, serial number, serial numbers, serials, license key, licence key, license, licence, key, product key
        activation code, activation key, license code, license keys, serial no
        Seriennummer, Seriennummern, Lizenzschlüssel, Lizenz, Produktschlüssel, Aktivierungscode, Lizenzcode, Schlüssel
        Serien-Nr, Seriennr, numéro de série, clé de licence, clé, clé produit, licence, code d'activation
        número de serie, clave de licencia, clave, licencia, código de activación, clave de producto
        numero di serie, numero seriale, chiave di licenza, licenza, chiave, codice di attivazione, seriale
        serienummer, licentiesleutel, licentie, licentiecode, activeringscode, productsleutel
        licensnøgle, licens, produktnøgle, aktiveringskode, lisensnøkkel, lisens, produktnøkkel
        licensnyckel, produktnyckel, aktiveringskod, licensnummer
    """),
    "devices": _names("""
        devices, number of devices, device count, pcs, activations, Geräte, Anzahl Geräte, Geräteanzahl
        appareils, nombre d'appareils, dispositivos, dispositivi, apparaten, aantal apparaten, enheder, enheter
    """),
    "starts_on": _names("""
        license start, start date, valid from, starts on, subscription start, Lizenzbeginn, gültig ab, Startdatum
        Beginn
        date de début, valable à partir du, fecha de inicio, válido desde, data inizio, valido dal
        startdatum, geldig vanaf, startdato, gyldig fra, giltig från
    """),
    "expires_on": _names("""
        license end, end date, valid until, expires on, expiry date, expiration date, expires, expiry, subscription end
        Lizenzende, gültig bis, Ablaufdatum, Enddatum, läuft ab am, Laufzeitende
        date de fin, date d'expiration, valable jusqu'au, expire le, fecha de caducidad, válido hasta, vencimiento
        data scadenza, data di scadenza, valido fino al, scadenza, einddatum, geldig tot, vervaldatum
        udløbsdato, gyldig til, utløpsdato, giltig till, utgångsdatum, slutdatum
    """),
    "payment_method": _names("""
        payment method, payment type, paid by, payment, payment gateway, Zahlungsart, Zahlungsmethode, Zahlungsweise
        bezahlt mit, Zahlart, mode de paiement, moyen de paiement, paiement, método de pago, forma de pago
        metodo di pagamento, pagamento, betaalmethode, betaalwijze, betalingsmetode, betalingsmåte, betalningsmetod
        betalningssätt
    """),
    "card_brand": _names("""
        card brand, card type, card, credit card type, Kartentyp, Kartenmarke, Kreditkarte, Karte, type de carte, carte
        tipo de tarjeta, tarjeta, tipo carta, carta, kaarttype, kaart, korttype, kort, korttyp
    """),
    "last4": _names("""
        last4, last 4, last four, card last 4, card last four, last 4 digits, last digits, card number, card ending
        letzte 4, letzte vier, letzte 4 Ziffern, letzte vier Ziffern, Kartennummer, Karte letzte 4, Kartenendziffern
        4 derniers chiffres, derniers chiffres, numéro de carte, últimos 4, últimos 4 dígitos, número de tarjeta
        ultime 4 cifre, ultime quattro cifre, numero carta, laatste 4 cijfers, kaartnummer
        sidste 4 cifre, siste 4 sifre, kortnummer, sista 4 siffror
    """),
    "reference": _names("""
        payment reference, payment id, transaction reference, transaction number, charge id, payment intent
        Zahlungsreferenz, Transaktionsnummer, Transaktions-ID, Zahlungs-ID, référence de paiement, id transaction
        referencia de pago, id de transacción, id transazione, riferimento pagamento, betalingskenmerk, transactie-id
        betalingsreference, transaktions-id, betalingsreferanse, betalningsreferens
    """),
    "billing_name": _names("""
        name, customer name, customer, billing name, full name, buyer, buyer name, client, first name, last name
        surname
        billing first name, billing last name, cardholder
        Kundenname, Kunde, Rechnungsname, Vorname, Nachname, Vor- und Nachname, Käufer, Besteller, Rechnungsempfänger
        nom, nom du client, client, prénom, nom complet, nombre, nombre del cliente, cliente, apellido, apellidos
        nome, nome cliente, cognome, nominativo, naam, klantnaam, klant, voornaam, achternaam
        navn, kundenavn, kunde, fornavn, efternavn, etternavn, namn, kundnamn, kund, förnamn, efternamn
    """),
    "company": _names("""
        company, company name, billing company, organization, Firma, Unternehmen, Firmenname, société, entreprise
        empresa, compañía, azienda, ragione sociale, società, bedrijf, bedrijfsnaam, virksomhed, bedrift, företag
    """),
    "street": _names("""
        street, address, billing address, address 1, address 2, address line 1, address line 2, street address
        billing street, billing address 1, billing address 2, house number
        Straße, Adresse, Anschrift, Rechnungsadresse, Straße und Hausnummer, Hausnummer, Adresszusatz, Hausnr
        adresse, rue, adresse de facturation, complément d'adresse, dirección, calle, dirección de facturación
        indirizzo, via, straat, adres, factuuradres, huisnummer, gade, gate, vej, adress, gata, gatuadress
    """),
    "postcode": _names("""
        postcode, zip, zip code, postal code, billing zip, billing postcode, post code
        PLZ, Postleitzahl, code postal, cp, código postal, codice postale, cap, postcode, postnummer, postnr
    """),
    "city": _names("""
        city, town, billing city, Ort, Stadt, Wohnort, ville, ciudad, localidad, población, città, comune
        plaats, stad, woonplaats, by, sted, poststed, ort, stad, postort
    """),
    "country": _names("""
        country, country code, billing country, Land, Ländercode, Rechnungsland, Staat, pays, code pays
        país, código de país, paese, nazione, land, landcode, landekode, landkode, landskod
    """),
    "vat_id": _names("""
        vat id, vat number, vat no, tax id, vat registration number, USt-IdNr, USt-ID, UID, Umsatzsteuer-ID
        numéro de tva, n° tva, nif, cif, nif/cif, partita iva, p iva, btw-nummer, cvr, cvr-nummer, orgnr
        organisasjonsnummer, momsregistreringsnummer, organisationsnummer
    """),
    "invoice_number": _names("""
        invoice number, invoice no, invoice, invoice id, Rechnungsnummer, Rechnungsnr, Rechnungs-Nr., Rechnung
        Belegnummer
        numéro de facture, n° facture, facture, número de factura, factura, nº factura, numero fattura, fattura
        factuurnummer, factuur, factuurnr, fakturanummer, faktura, fakturanr
    """),
    "invoice_date": _names("""
        invoice date, invoiced on, Rechnungsdatum, Belegdatum, date de facture, date facture, date de facturation
        fecha de factura, fecha factura, data fattura, factuurdatum, fakturadato, fakturadatum
    """),
    "seller": _names("""
        seller, merchant, merchant of record, vendor, sold by, Verkäufer, Händler, vendeur, marchand, vendedor
        venditore, verkoper, sælger, selger, säljare
    """),
    "password": _names("""
        order password, password, Bestellpasswort, Passwort, Kennwort, mot de passe, contraseña, password ordine
        wachtwoord, adgangskode, passord, lösenord
    """),
    "language": _names("""
        language, locale, customer language, language code, Sprache, Sprachcode, langue, idioma, lengua, lingua
        taal, sprog, språk
    """),
}

_STATUS_NAMES = {
    Order.Status.COMPLETED: """
        completed, complete, paid, closed, shipped, delivered, fulfilled, success, successful, processed, captured
        settled
        ok, done, sent, confirmed, approved
        bezahlt, abgeschlossen, versendet, versandt, geliefert, erledigt, fertig, ausgeliefert, zugestellt, erfolgreich
        payé, payée, terminé, terminée, expédié, expédiée, livré, livrée, complétée
        pagado, pagada, completado, completada, enviado, entregado, finalizado
        pagato, completato, spedito, consegnato, evaso, concluso
        betaald, voltooid, afgerond, verzonden, geleverd, betalt, gennemført, afsluttet, leveret, sendt, fullført
        levert, betald, slutförd, levererad, skickad, klar
    """,
    Order.Status.PENDING: """
        pending, open, unpaid, on hold, waiting, awaiting payment, pending payment, processing, new, authorized
        partially paid, in progress, not paid
        offen, unbezahlt, ausstehend, wartend, in Bearbeitung, Zahlung ausstehend, neu, nicht bezahlt
        wartet auf Zahlung
        en attente, impayé, en cours, en attente de paiement, pendiente, pendiente de pago, en espera, sin pagar
        in attesa, in attesa di pagamento, non pagato, in sospeso, in behandeling, openstaand, wacht op betaling
        onbetaald
        afventer, afventer betaling, ikke betalt, ubetalt, venter, avventer, väntar, obetald, väntande
    """,
    Order.Status.CANCELLED: """
        cancelled, canceled, voided, void, aborted, declined, failed, expired, abandoned, rejected, payment failed
        storniert, abgebrochen, annulliert, abgelehnt, fehlgeschlagen, verfallen, Zahlung fehlgeschlagen
        annulé, annulée, échoué, échouée, abandonné, refusé, cancelado, cancelada, anulado, fallido, rechazado
        annullato, annullata, cancellato, fallito, rifiutato, geannuleerd, mislukt, verlopen
        annulleret, annullert, kansellert, avbrutt, mislykket, avbruten, avbeställd, makulerad, misslyckad
    """,
    Order.Status.REFUNDED: """
        refunded, fully refunded, returned, reversed, erstattet, rückerstattet, zurückerstattet, retourniert
        gutgeschrieben
        remboursé, remboursée, reembolsado, reembolsada, devuelto, rimborsato, rimborsata, reso, terugbetaald
        gerestitueerd, refunderet, tilbagebetalt, refundert, tilbakebetalt, återbetald, återbetalad
    """,
    Order.Status.CHARGED_BACK: """
        charged back, chargeback, disputed, dispute lost, Rückbuchung, rückgebucht, Rückbelastung, Chargeback
        rétrofacturation, impayé bancaire, contracargo, chargeback ricevuto, storno di addebito, teruggeboekt
        tilbageført, tilbakeført, återkrav
    """,
    Order.Status.PARTIALLY_REFUNDED: """
        partially refunded, partly refunded, teilweise erstattet, teilerstattet, teilrückerstattet
        partiellement remboursé, partiellement remboursée, parcialmente reembolsado, reembolso parcial
        parzialmente rimborsato, gedeeltelijk terugbetaald, delvist refunderet, delvis refundert, delvis återbetald
    """,
}
STATUS_NAMES: dict[str, Order.Status] = {
    name: status for status, names in _STATUS_NAMES.items() for name in _names(names)
}
