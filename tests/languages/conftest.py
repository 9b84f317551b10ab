"""A database with every kind of page and email, which the tests of all languages read."""

import pytest
from django.utils import translation

from portal.sample_content import answer_templates, help_articles, search_synonyms
from tests.upgrade.conftest import upgraded as upgraded  # a fixture
from tests.upgrade.released_versions import ReleasedVersion


@pytest.fixture
def shop(upgraded: ReleasedVersion, db: None) -> ReleasedVersion:
    """Orders, cases, threads and emails in every state, and the help in all languages."""
    help_articles.load_help_articles()
    answer_templates.load_answer_templates()
    search_synonyms.load_search_synonyms()
    translation.deactivate()
    return upgraded
