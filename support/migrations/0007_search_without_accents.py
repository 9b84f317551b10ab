"""Article search ignores accents: configurations that are PostgreSQL's own, after the dictionary `unaccent`."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import UnaccentExtension
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import migrations, models
from django.db.models import Case, When
from django.db.models.expressions import Combinable

# By language: PostgreSQL's configuration. The one without a language is for all others.
CONFIGURATIONS = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nb": "norwegian",
    "nl": "dutch",
    "sv": "swedish",
    "": "simple",
}


def _create(name: str) -> migrations.RunSQL:
    dictionary = name if name == "simple" else f"{name}_stem"
    return migrations.RunSQL(
        f"CREATE TEXT SEARCH CONFIGURATION portal_{name} (COPY = {name});"
        f"ALTER TEXT SEARCH CONFIGURATION portal_{name}"
        f" ALTER MAPPING FOR hword, hword_part, word WITH unaccent, {dictionary};",
        f"DROP TEXT SEARCH CONFIGURATION portal_{name};",
    )


def _search_vector(configuration: str) -> Combinable:
    title, keywords, summary, body = (
        SearchVector(field, config=f"portal_{configuration}", weight=weight)
        for field, weight in (("title", "A"), ("keywords", "B"), ("summary", "C"), ("body", "D"))
    )
    return title + keywords + summary + body


# squawk-ignore-file ban-drop-column: the column is there again at the end of the transaction
class Migration(migrations.Migration):
    dependencies = [("support", "0006_merged_threads_and_tags")]

    operations = [
        UnaccentExtension(),
        *(_create(name) for name in CONFIGURATIONS.values()),
        # A generated column can't be changed.
        migrations.RemoveIndex("articleversion", name="article_version_words"),
        migrations.RemoveField("articleversion", name="search"),
        migrations.AddField(
            "articleversion",
            name="search",
            field=models.GeneratedField(
                expression=Case(
                    *(
                        When(language__startswith=language, then=_search_vector(name))
                        for language, name in CONFIGURATIONS.items()
                        if language
                    ),
                    default=_search_vector("simple"),
                ),
                output_field=SearchVectorField(),
                db_persist=True,
            ),
        ),
        migrations.AddIndex("articleversion", GinIndex(fields=["search"], name="article_version_words")),
    ]
