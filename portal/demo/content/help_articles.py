"""Help articles of the demo, stored as Markdown files in `help/<language>/<slug>.md`.

Each file starts with `name: value` lines, followed by an empty line and the Markdown text. Only the file in the default
language has the article's topics and position.
"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from support.models import Article, ArticleVersion

ARTICLES_FOLDER = Path(__file__).parent / "help"


def load_help_articles() -> int:
    """Create each article in each language in which it has no version yet. Returns how many versions were created.

    Versions that staff wrote, withdrew or drafted are not changed.
    """
    existing = set(ArticleVersion.objects.values_list("article__slug", "language"))
    count = 0
    # The default language comes first, because its files have the topics and positions.
    for language in sorted(_languages(), key=lambda each: each != settings.LANGUAGE_CODE):
        for file in sorted((ARTICLES_FOLDER / language).glob("*.md")):
            if (file.stem, language) not in existing:
                _create_version(file, language)
                count += 1
    return count


def _languages() -> list[str]:
    return [folder.name for folder in ARTICLES_FOLDER.iterdir() if folder.is_dir() and any(folder.glob("*.md"))]


def _create_version(file: Path, language: str) -> None:
    metadata, body = read_article_file(file)
    topics = metadata.get("topics", "")
    article_fields: dict[str, Any] = {"topics": topics.split(", ") if topics else []}
    if "position" in metadata:
        article_fields["position"] = metadata["position"]
    article, _created = Article.objects.get_or_create(slug=file.stem, defaults=article_fields)
    ArticleVersion.objects.create(
        article=article,
        language=language,
        title=metadata["title"],
        summary=metadata.get("summary", ""),
        keywords=metadata.get("keywords", ""),
        body=body,
        publish_at=timezone.now(),
    )


def article_bodies() -> list[str]:
    """Return the texts of all files, in the form in which they are stored."""
    return [read_article_file(file)[1] for file in ARTICLES_FOLDER.rglob("*.md")]


def read_article_file(file: Path) -> tuple[dict[str, str], str]:
    """Return the metadata and the Markdown text of an article file."""
    header, _separator, body = file.read_text(encoding="utf-8").partition("\n\n")
    lines = (line.partition(": ") for line in header.splitlines())
    return {name: value.strip() for name, _colon, value in lines}, body
