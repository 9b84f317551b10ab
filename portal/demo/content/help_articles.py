"""Help articles of the demo: `help/<language>/<slug>.md`. Only the English file has the topics and the position."""

from pathlib import Path
from typing import Any

from django.utils import timezone

from portal.demo.content.text_files import CONTENT, files_by_language, read_text_file
from portal.languages import ENGLISH
from support.models import Article, ArticleVersion

ARTICLES_FOLDER = CONTENT / "help"


def load_help_articles() -> int:
    """Create each article in each language in which it has no version yet. Returns how many versions were created.

    Versions that staff wrote, withdrew or drafted are not changed.
    """
    existing = set(ArticleVersion.objects.values_list("article__slug", "language"))
    count = 0
    for language, file in files_by_language(ARTICLES_FOLDER):
        if (file.stem, language) not in existing:
            _create_version(file, language)
            count += 1
    return count


def _create_version(file: Path, language: str) -> None:
    metadata, body = read_text_file(file)
    about_article, _english = read_text_file(ARTICLES_FOLDER / ENGLISH / file.name)
    article_fields: dict[str, Any] = {"topics": about_article["topics"].split(", ")}
    if "position" in about_article:
        article_fields["position"] = about_article["position"]
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
    return [read_text_file(file)[1] for file in ARTICLES_FOLDER.rglob("*.md")]
