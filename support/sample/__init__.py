"""Help articles to begin with, one file each: a head of `key: value` lines, an empty line, Markdown.

Staff change them in the admin; loading them again adds only what is not there.
"""

from datetime import datetime
from pathlib import Path

from django.db import transaction

from support.models import Article, ArticleVersion

FOLDER = Path(__file__).parent


def load(now: datetime) -> int:
    """Add the articles, and the languages of them, that are not there yet, as published now. Returns how many."""
    added = 0
    with transaction.atomic():
        for language in sorted(folder.name for folder in FOLDER.iterdir() if any(folder.glob("*.md"))):
            for path in sorted((FOLDER / language).glob("*.md")):
                added += _add(path, language, now)
    return added


def _add(path: Path, language: str, now: datetime) -> bool:
    head, body = read(path)
    article, _new = Article.objects.get_or_create(
        slug=path.stem,
        defaults={
            "topics": [topic.strip() for topic in head.get("topics", "").split(",") if topic.strip()],
            "position": int(head.get("position", 100)),
        },
    )
    if article.versions.filter(language=language).exists():
        return False
    ArticleVersion.objects.create(
        article=article,
        language=language,
        title=head["title"],
        summary=head.get("summary", ""),
        keywords=head.get("keywords", ""),
        body=body,
        publish_at=now,
        created_at=now,
    )
    return True


def read(path: Path) -> tuple[dict[str, str], str]:
    """The head and the Markdown of a file."""
    head, _empty, body = path.read_text(encoding="utf-8").partition("\n\n")
    pairs = (line.partition(":") for line in head.splitlines())
    return {key.strip(): value.strip() for key, _colon, value in pairs}, body
