"""A link or bold text that is a question ends its sentence: *See [Which one?](/help/).* would end it twice."""

import re

from portal.sample_content.help_articles import ARTICLES_FOLDER

ENDS_TWICE = re.compile(r"[?!](?:\]\([^)]*\)|\*\*)?\.")


def test_no_period_follows_a_question_mark() -> None:
    files = list(ARTICLES_FOLDER.rglob("*.md"))
    assert len(files) > 100
    assert [str(file) for file in files if ENDS_TWICE.search(file.read_text(encoding="utf-8"))] == []
