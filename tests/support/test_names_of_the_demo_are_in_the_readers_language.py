import pytest
from django.test import Client
from django.utils import translation

from notifications.vendor_texts import vendor_text
from portal.sample_content import country_data
from support.models import PhoneNumber, StoreRegion
from tests.pages import text

pytestmark = pytest.mark.django_db


def read(path: str, language: str) -> str:
    return text(Client().get(f"{path}?country=FR", headers={"Accept-Language": language}))


def test_hours_rates_and_regions_are_translated() -> None:
    country_data.load_country_data("https://store.example.com")
    phones = read("/contacts/", "fr")
    assert "Du lundi au vendredi, de 9 h à 17 h" in phones
    assert "Tarif de votre opérateur" in phones
    assert "Europe, Moyen-Orient et Afrique" in read("/stores/", "fr")
    assert "Amérique du Nord" in read("/payment-methods/", "fr")
    assert "North America" in read("/payment-methods/", "en")


def test_what_staff_typed_is_shown_as_it_is() -> None:
    country_data.load_country_data("https://store.example.com")
    StoreRegion.objects.update(name="Chez nous")
    PhoneNumber.objects.update(hours="Weekdays")
    assert "Chez nous" in read("/stores/", "es")
    assert "Weekdays" in read("/contacts/", "es")


def test_an_empty_text_stays_empty() -> None:
    with translation.override("es"):
        assert vendor_text("") == ""
