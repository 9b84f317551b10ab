"""Synonyms of the demo's help search: a file for each language, and a line for each group. Existing rows stay."""

from portal.sample_content.text_files import CONTENT
from support.models import SearchSynonyms

SYNONYMS_FOLDER = CONTENT / "synonyms"


def load_search_synonyms() -> None:
    """Create the synonyms of each language that has none."""
    for file in sorted(SYNONYMS_FOLDER.glob("*.txt")):
        language = file.stem
        if not SearchSynonyms.objects.filter(language=language).exists():
            for words in file.read_text(encoding="utf-8").splitlines():
                SearchSynonyms.objects.create(language=language, words=words.split(", "))
