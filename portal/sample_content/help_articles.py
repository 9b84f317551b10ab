"""Help articles of the demo: `help/<language>/<slug>.md`. Only the English file has the topics and the position.

It also has `demo: yes` if the article states facts about the demo's vendor, such as its products. `manage.py setup`
loads all others, as drafts for any vendor.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from portal.sample_content.text_files import CONTENT, files_by_language, read_text_file
from portal.translation.languages import ENGLISH
from support.models import Article, ArticleVersion

ARTICLES_FOLDER = CONTENT / "help"


def load_help_articles(*, publish: bool = True, for_any_vendor: bool = False) -> int:
    """Create each article in each language in which it has no version yet. Returns how many versions were created.

    Versions that staff wrote, withdrew or drafted are not changed. Without `publish`, the versions are drafts.
    `for_any_vendor` skips articles about the demo's vendor.
    """
    skipped = demo_slugs() if for_any_vendor else frozenset()
    existing = set(ArticleVersion.objects.values_list("article__slug", "language"))
    count = 0
    for language, file in files_by_language(ARTICLES_FOLDER):
        if (file.stem, language) not in existing and file.stem not in skipped:
            _create_version(file, language, timezone.now() if publish else None)
            count += 1
    return count


def _create_version(file: Path, language: str, publish_at: datetime | None) -> None:
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
        publish_at=publish_at,
    )


def demo_slugs() -> frozenset[str]:
    """The short names of articles that state facts about the demo's vendor."""
    files = (ARTICLES_FOLDER / ENGLISH).glob("*.md")
    return frozenset(file.stem for file in files if "demo" in read_text_file(file)[0])


def demo_bodies() -> list[str]:
    """The texts about the demo's vendor in every language, in the form in which they are stored."""
    files = [file for slug in demo_slugs() for file in ARTICLES_FOLDER.rglob(f"{slug}.md")]
    return [read_text_file(file)[1] for file in files]
