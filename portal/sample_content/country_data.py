"""Accepted cards, phone numbers and stores of the demo, by country. Existing rows are not overwritten.

Names, hours and prices are stored in English. The catalogs have them in all languages, and `vendor_text` finds them.
"""

from django.utils.translation import gettext_noop

from support.models import CardRegion, PhoneNumber, StoreRegion

NORTH_AMERICA = ["US", "CA", "GU", "PR", "VI"]
# ISO 3166-1 alpha-2 codes by continent.
_EUROPE = """
AD AL AT BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME MK MT
NL NO PL PT RO RS SE SI SK SM TR UA VA XK
"""
_MIDDLE_EAST = "AE BH IL IQ JO KW LB OM PS QA SA YE"
_AFRICA = """
AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW MZ NA NE NG
RW SC SD SL SN SO SS ST SZ TD TG TN TZ UG ZA ZM ZW
"""
EMEA = [*_EUROPE.split(), *_MIDDLE_EAST.split(), *_AFRICA.split()]

IN_NORTH_AMERICA = gettext_noop("North America")
IN_ASIA_PACIFIC = gettext_noop("Asia Pacific")
IN_EMEA = gettext_noop("Europe, Middle East and Africa")

WORLD_CARDS = ["Visa", "MasterCard", "American Express"]
CARDS = (
    (IN_NORTH_AMERICA, NORTH_AMERICA, [*WORLD_CARDS, "Discover", "Diners Club International", "JCB"]),
    (IN_ASIA_PACIFIC, ["AU", "NZ", "SG", "TW"], WORLD_CARDS),
    (IN_EMEA, EMEA, [*WORLD_CARDS, "Discover", "Diners Club International"]),
)
STORES: tuple[tuple[str, list[str], str], ...] = (
    (IN_NORTH_AMERICA, NORTH_AMERICA, "us"),
    (gettext_noop("Australia and New Zealand"), ["AU", "NZ"], "anz"),
    (IN_EMEA, EMEA, "emea"),
    (IN_ASIA_PACIFIC, ["HK", "ID", "IN", "JP", "KR", "MY", "PH", "SG", "TH", "TW", "VN"], "apac"),
    (gettext_noop("Worldwide"), [], "world"),
)
PHONES = (
    (["US", "CA"], "1-952-646-5980", ""),
    (["AU"], "1-300-730-160", ""),
    (["NZ"], "0-800-507-902", ""),
    (["SG"], "1-800-888-6868", ""),
    (["MY"], "0-800-1301-642", ""),
    (["GB"], "0870-443-2145", "+353-61-230-419"),
    (["DK"], "7014-3098", ""),
    (["FR"], "0975-182-967", "+353-61-230-422"),
    (["DE"], "0221-8282-9110", "+353-61-230-424"),
    (["IT"], "0199-243-101", "+353-61-230-425"),
    (["NL"], "085-888-1628", "+31-85-888-1628"),
    (["NO"], "+47-8522-8887", ""),
    (["ES"], "0902-848-277", "+353-61-230-426"),
    (["SE"], "075-240-0676", ""),
)
HOURS = gettext_noop("Monday to Friday, 9:00 to 17:00")
PRICE_NOTE = gettext_noop("Your phone provider’s rates apply")


def load_country_data(store_url: str) -> None:
    """Create card regions, store regions and phone numbers. `store_url` is the base URL of the vendor's stores."""
    for position, (name, countries, cards) in enumerate(CARDS):
        CardRegion.objects.get_or_create(
            name=name, defaults={"countries": countries, "cards": cards, "position": position}
        )
    for position, (name, countries, region) in enumerate(STORES):
        defaults = {
            "countries": countries,
            "url": f"{store_url}/{region}/",
            "renew_url": f"{store_url}/{region}/renew/",
            "position": position,
        }
        StoreRegion.objects.get_or_create(name=name, defaults=defaults)
    for position, (countries, number, international) in enumerate(PHONES):
        PhoneNumber.objects.get_or_create(
            number=number,
            defaults={
                "countries": countries,
                "international_number": international,
                "hours": HOURS,
                "price_note": PRICE_NOTE,
                "position": position,
            },
        )
