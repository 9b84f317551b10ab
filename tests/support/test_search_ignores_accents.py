"""Accents make no difference to the search, and each language knows its word forms."""

import pytest
from django.test import Client

from support.models import SearchSynonyms
from tests.factories import make_article, make_article_version
from tests.pages import marks

pytestmark = pytest.mark.django_db

# Language, title of the article, a form of its word without accents, and a different word form with them.
WORDS = [
    ("da", "Find din ordre på siden med køb", "kobene", "købet"),
    ("de", "Verlängerung der Geräte", "gerat", "Geräten"),
    ("es", "Devolución de un artículo", "devoluciones", "artículos"),
    ("fr", "Le téléchargement échoue", "telechargements", "téléchargements"),
    ("it", "La qualità delle attività", "attivita", "attività"),
    ("nb", "Spørsmål om kjøpet", "sporsmal", "spørsmålet"),
    ("nl", "Beëindigde licenties", "beeindigde", "licentie"),
    ("sv", "Återbetalningar av köp", "aterbetalning", "köpet"),
]


def found(typed: str, language: str) -> list[str]:
    return marks(Client(headers={"accept-language": language}).get("/help/search/", {"q": typed}), "data-article")


@pytest.mark.parametrize(("language", "title", "without_accents", "other_form"), WORDS)
def test_words_are_found_without_accents_and_in_other_forms(
    settings, language: str, title: str, without_accents: str, other_form: str
) -> None:
    settings.LANGUAGES = [("en", "English"), (language, language)]
    make_article_version(make_article("wanted", title="Unrelated"), language=language, title=title, body="…")
    make_article_version(make_article("other", title="Elsewhere"), language=language, title="xyz", body="…")
    assert found(without_accents, language) == ["wanted"]
    assert found(other_form, language) == ["wanted"]


def test_an_accent_that_the_article_lacks_makes_no_difference() -> None:
    make_article("wanted", title="Cafe menu")
    assert found("café", "en") == ["wanted"]


def test_synonyms_are_recognized_without_accents() -> None:
    make_article("wanted", title="Fraud", keywords="fraud")
    SearchSynonyms.objects.create(language="en", words=["décéption", "fraud"])
    assert found("deception", "en") == found("décéption", "en") == ["wanted"]


def test_a_typing_error_in_a_word_with_accents_is_forgiven() -> None:
    make_article_version(make_article("wanted", title="Unrelated"), language="de", title="Überweisung", body="…")
    assert found("Uberwiesung", "de") == ["wanted"]
