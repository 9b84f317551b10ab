import django.contrib.postgres.fields
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="article",
            name="position",
            field=models.PositiveSmallIntegerField(
                default=100,
                help_text="Lower numbers are shown first. The first six are the common questions.",
                verbose_name="position",
            ),
        ),
        migrations.AlterField(
            model_name="article",
            name="topics",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("find_order", "finding an order"),
                        ("no_confirmation", "missing confirmation"),
                        ("serial_number", "serial numbers"),
                        ("devices", "devices"),
                        ("download", "downloads"),
                        ("return", "returns, withdrawals and swaps"),
                        ("cashback", "cashback"),
                        ("payment", "cards and payment"),
                        ("charged", "charged without an order"),
                        ("renewal", "renewals and prices"),
                        ("scam", "scams"),
                        ("contact", "contacting support"),
                    ],
                    max_length=24,
                ),
                blank=True,
                default=list,
                size=None,
                verbose_name="topics",
            ),
        ),
        migrations.AlterField(
            model_name="articleversion",
            name="body",
            field=models.TextField(
                help_text="Use Markdown. A link in a paragraph of its own becomes a button.", verbose_name="text"
            ),
        ),
        migrations.AlterField(
            model_name="articleversion",
            name="keywords",
            field=models.CharField(
                blank=True,
                help_text="Words that people might search for, separated by commas.",
                max_length=300,
                verbose_name="keywords",
            ),
        ),
        migrations.CreateModel(
            name="FailedSearch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(max_length=16, verbose_name="language")),
                ("term", models.CharField(max_length=60, verbose_name="searched for")),
                ("count", models.PositiveIntegerField(db_default=1, default=1, verbose_name="how often")),
                ("last_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="last time")),
            ],
            options={
                "verbose_name": "search without a result",
                "verbose_name_plural": "searches without a result",
                "ordering": ["-count", "-last_at"],
                "indexes": [models.Index(fields=["last_at"], name="failed_search_last_at")],
                "constraints": [models.UniqueConstraint(fields=("language", "term"), name="failed_search_term_once")],
            },
        ),
        migrations.CreateModel(
            name="SearchSynonyms",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(default="en", max_length=16, verbose_name="language")),
                (
                    "words",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60),
                        help_text="Separate words or phrases with commas: scam, fraud, fake call.",
                        size=None,
                        verbose_name="words",
                    ),
                ),
            ],
            options={
                "verbose_name": "search synonyms",
                "verbose_name_plural": "search synonyms",
                "ordering": ["language", "words"],
                "indexes": [models.Index(fields=["language"], name="search_synonyms_language")],
            },
        ),
    ]
