"""Help articles to begin with, as files: a head of `name: value` lines, an empty line, then Markdown.

The file's name is the article's address. Its topics and position stand in the English file alone.
"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from support.models import Article, ArticleVersion

FOLDER = Path(__file__).parent / "help"


def load() -> int:
    """Bring in each article in each language where there is no version of it yet. Returns how many came.

    What staff wrote, withdrew or only drafted in a language stays as it is.
    """
    there = set(ArticleVersion.objects.values_list("article__slug", "language"))
    count = 0
    # The site's own language first: its files say where an article belongs.
    for language in sorted(_languages(), key=lambda each: each != settings.LANGUAGE_CODE):
        for file in sorted((FOLDER / language).glob("*.md")):
            if (file.stem, language) not in there:
                _load(file, language)
                count += 1
    return count


def _languages() -> list[str]:
    return [folder.name for folder in FOLDER.iterdir() if (folder.is_dir() and any(folder.glob("*.md")))]


def _load(file: Path, language: str) -> None:
    head, body = read(file)
    belongs: dict[str, Any] = {"topics": head.get("topics", "").split(", ") if head.get("topics") else []}
    if "position" in head:
        belongs["position"] = head["position"]
    article, _new = Article.objects.get_or_create(slug=file.stem, defaults=belongs)
    ArticleVersion.objects.create(
        article=article,
        language=language,
        title=head["title"],
        summary=head.get("summary", ""),
        keywords=head.get("keywords", ""),
        body=body,
        publish_at=timezone.now(),
    )


def read(file: Path) -> tuple[dict[str, str], str]:
    """A file's head and its Markdown."""
    head, _empty_line, body = file.read_text(encoding="utf-8").partition("\n\n")
    lines = (line.partition(": ") for line in head.splitlines())
    return {name: value.strip() for name, _colon, value in lines}, body
