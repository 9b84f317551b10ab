import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.operations
import django.contrib.postgres.search
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import notifications.addresses
import support.models.threads


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("files", "0001_initial"),
        ("licenses", "0001_initial"),
        ("orders", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        django.contrib.postgres.operations.TrigramExtension(),
        migrations.CreateModel(
            name="CardRegion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "countries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=2,
                            validators=[
                                django.core.validators.RegexValidator(
                                    "^[A-Z]{2}\\Z", "Enter a two-letter country code in capitals, for example DE."
                                )
                            ],
                        ),
                        blank=True,
                        default=list,
                        help_text="Country codes, for example DE, AT, CH. Leave empty for all other countries.",
                        size=None,
                        verbose_name="countries",
                    ),
                ),
                (
                    "cards",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40),
                        help_text="Card names separated by commas, for example Visa, Mastercard.",
                        size=None,
                        verbose_name="cards",
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=100, verbose_name="position")),
            ],
            options={
                "verbose_name": "accepted cards by region",
                "verbose_name_plural": "accepted cards by region",
                "ordering": ["position", "name"],
            },
        ),
        migrations.CreateModel(
            name="Thread",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(editable=False, max_length=16, unique=True, verbose_name="reference")),
                ("submission_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("language", models.CharField(blank=True, editable=False, max_length=16, verbose_name="language")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="received at"),
                ),
                ("paused_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("contact", "message to support"), ("charge_claim", "charge claim")],
                        editable=False,
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting for support"),
                            ("answered", "answered"),
                            ("question_asked", "question asked"),
                            ("closed", "closed"),
                        ],
                        default="waiting",
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                ("subject", models.CharField(max_length=200, verbose_name="subject")),
                ("email", models.EmailField(max_length=254, verbose_name="email address")),
                (
                    "email_key",
                    notifications.addresses.EmailKeyField(
                        blank=True, default="", editable=False, max_length=254, of="email"
                    ),
                ),
                ("email_proven_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("order_proven", models.BooleanField(default=False, editable=False)),
                (
                    "due_at",
                    models.DateTimeField(default=support.models.threads.default_due_at, verbose_name="reply due"),
                ),
                ("closed_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="closed at")),
                (
                    "assigned_to",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="threads",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="assigned to",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="threads",
                        to="orders.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="threads",
                        to="orders.store",
                        verbose_name="store",
                    ),
                ),
            ],
            options={
                "verbose_name": "thread",
                "verbose_name_plural": "threads",
            },
        ),
        migrations.CreateModel(
            name="PhoneNumber",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        blank=True,
                        help_text="Leave empty to show the names of its countries.",
                        max_length=100,
                        verbose_name="name",
                    ),
                ),
                (
                    "countries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=2,
                            validators=[
                                django.core.validators.RegexValidator(
                                    "^[A-Z]{2}\\Z", "Enter a two-letter country code in capitals, for example DE."
                                )
                            ],
                        ),
                        blank=True,
                        default=list,
                        help_text="Country codes, for example DE, AT, CH. Leave empty for all other countries.",
                        size=None,
                        verbose_name="countries",
                    ),
                ),
                ("number", models.CharField(max_length=40, verbose_name="number")),
                (
                    "international_number",
                    models.CharField(blank=True, max_length=40, verbose_name="international number"),
                ),
                (
                    "digits",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), default=list, editable=False, size=None
                    ),
                ),
                ("hours", models.CharField(blank=True, max_length=200, verbose_name="opening hours")),
                ("price_note", models.CharField(blank=True, max_length=200, verbose_name="call charges")),
                ("position", models.PositiveSmallIntegerField(default=100, verbose_name="position")),
            ],
            options={
                "verbose_name": "phone number",
                "verbose_name_plural": "phone numbers",
                "ordering": ["position", "name"],
            },
        ),
        migrations.CreateModel(
            name="StoreRegion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "countries",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=2,
                            validators=[
                                django.core.validators.RegexValidator(
                                    "^[A-Z]{2}\\Z", "Enter a two-letter country code in capitals, for example DE."
                                )
                            ],
                        ),
                        blank=True,
                        default=list,
                        help_text="Country codes, for example DE, AT, CH. Leave empty for all other countries.",
                        size=None,
                        verbose_name="countries",
                    ),
                ),
                ("url", models.URLField(verbose_name="store URL")),
                ("renew_url", models.URLField(blank=True, verbose_name="renewal URL")),
                ("position", models.PositiveSmallIntegerField(default=100, verbose_name="position")),
            ],
            options={
                "verbose_name": "regional store",
                "verbose_name_plural": "regional stores",
                "ordering": ["position", "name"],
            },
        ),
        migrations.CreateModel(
            name="AnswerTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("language", models.CharField(default="en", max_length=16, verbose_name="language")),
                (
                    "text",
                    models.TextField(
                        help_text="{reference} is always filled in, {name} only if the person opened the order.",
                        verbose_name="text",
                    ),
                ),
            ],
            options={
                "verbose_name": "answer template",
                "verbose_name_plural": "answer templates",
                "ordering": ["name", "language"],
                "constraints": [
                    models.UniqueConstraint(fields=("name", "language"), name="answer_template_once_per_language")
                ],
            },
        ),
        migrations.CreateModel(
            name="Article",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=100, unique=True, verbose_name="short name")),
                (
                    "topics",
                    django.contrib.postgres.fields.ArrayField(
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
                            ],
                            max_length=24,
                        ),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="topics",
                    ),
                ),
                (
                    "applies_to",
                    models.CharField(
                        blank=True, help_text="For example, 2025 and later.", max_length=200, verbose_name="versions"
                    ),
                ),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=100, help_text="Lower numbers are shown first.", verbose_name="position"
                    ),
                ),
                (
                    "products",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Leave empty for all products.",
                        related_name="articles",
                        to="licenses.product",
                        verbose_name="products",
                    ),
                ),
            ],
            options={
                "verbose_name": "article",
                "verbose_name_plural": "articles",
                "ordering": ["position", "slug"],
            },
        ),
        migrations.CreateModel(
            name="ArticleVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(default="en", max_length=16, verbose_name="language")),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                ("summary", models.CharField(blank=True, max_length=300, verbose_name="summary")),
                (
                    "keywords",
                    models.CharField(
                        blank=True,
                        help_text="Words that people might search for.",
                        max_length=300,
                        verbose_name="keywords",
                    ),
                ),
                ("body", models.TextField(help_text="Use Markdown.", verbose_name="text")),
                (
                    "publish_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Leave empty for a draft. Only staff can see drafts.",
                        null=True,
                        verbose_name="published from",
                    ),
                ),
                ("is_withdrawal", models.BooleanField(default=False, verbose_name="unpublish the article")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="created at"),
                ),
                (
                    "search",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(
                                language__startswith="da",
                                then=django.contrib.postgres.search.CombinedSearchVector(
                                    django.contrib.postgres.search.CombinedSearchVector(
                                        django.contrib.postgres.search.CombinedSearchVector(
                                            django.contrib.postgres.search.SearchVector(
                                                "title", config="danish", weight="A"
                                            ),
                                            "||",
                                            django.contrib.postgres.search.SearchVector(
                                                "keywords", config="danish", weight="B"
                                            ),
                                            django.contrib.postgres.search.SearchConfig("danish"),
                                        ),
                                        "||",
                                        django.contrib.postgres.search.SearchVector(
                                            "summary", config="danish", weight="C"
                                        ),
                                        django.contrib.postgres.search.SearchConfig("danish"),
                                    ),
                                    "||",
                                    django.contrib.postgres.search.SearchVector("body", config="danish", weight="D"),
                                    django.contrib.postgres.search.SearchConfig("danish"),
                                ),
                            ),
                            models.When(
                                language__startswith="de",
                                then=django.contrib.postgres.search.CombinedSearchVector(
                                    django.contrib.postgres.search.CombinedSearchVector(
                                        django.contrib.postgres.search.CombinedSearchVector(
                                            django.contrib.postgres.search.SearchVector(
                                                "title", config="german", weight="A"
                                            ),
                                            "||",
                                            django.contrib.postgres.search.SearchVector(
                                                "keywords", config="german", weight="B"
                                            ),
                                            django.contrib.postgres.search.SearchConfig("german"),
                                        ),
                                        "||",
                                        django.contrib.postgres.search.SearchVector(
                                            "summary", config="german", weight="C"
                                        ),
                                        django.contrib.postgres.search.SearchConfig("german"),
                                    ),
                                    "||",
                                    django.contrib.postgres.search.SearchVector("body", config="german", weight="D"),
                                    django.contrib.postgres.search.SearchConfig("german"),
                                ),
                            ),
                            models.When(
                                language__startswith="en",
                                then=django.contrib.postgres.search.CombinedSearchVector(
                                    django.contrib.postgres.search.CombinedSearchVector(
                                        django.contrib.postgres.search.CombinedSearchVector(
                                            django.contrib.postgres.search.SearchVector(
                                                "title", config="english", weight="A"
                                            ),
                                            "||",
                                            django.contrib.postgres.search.SearchVector(
                                                "keywords", config="english", weight="B"
                                            ),
                                            django.contrib.postgres.search.SearchConfig("english"),
                                        ),
                                        "||",
                                        django.contrib.postgres.search.SearchVector(
                                            "summary", config="english", weight="C"
                                        ),
                                        django.contrib.postgres.search.SearchConfig("english"),
                                    ),
                                    "||",
                                    django.contrib.postgres.search.SearchVector("body", config="english", weight="D"),
                                    django.contrib.postgres.search.SearchConfig("english"),
                                ),
                            ),
                            models.When(
                                language__startswith="es",
                                then=django.contrib.postgres.search.CombinedSearchVector(
                                    django.contrib.postgres.search.CombinedSearchVector(
                                        django.contrib.postgres.search.CombinedSearchVector(
                                            django.contrib.postgres.search.SearchVector(
                                                "title", config="spanish", weight="A"
                                            ),
                                            "||",
                                            django.contrib.postgres.search.SearchVector(
                                                "keywords", config="spanish", weight="B"
                                            ),
                                            django.contrib.postgres.search.SearchConfig("spanish"),
                                        ),
                                        "||",
                                        django.contrib.postgres.search.SearchVector(
                                            "summary", config="spanish", weight="C"
                                        ),
                                        django.contrib.postgres.search.SearchConfig("spanish"),
                                    ),
                                    "||",
                                    django.contrib.postgres.search.SearchVector("body", config="spanish", weight="D"),
                                    django.contrib.postgres.search.SearchConfig("spanish"),
                                ),
                            ),
                            models.When(
                                language__startswith="fr",
                                then=django.contrib.postgres.search.CombinedSearchVector(
                                    django.contrib.postgres.search.CombinedSearchVector(
                                        django.contrib.postgres.search.CombinedSearchVector(
                                            django.contrib.postgres.search.SearchVector(
                                                "title", config="french", weight="A"
                                            ),
                                            "||",
                                            django.contrib.postgres.search.SearchVector(
                                                "keywords", config="french", weight="B"
                                            ),
                                            django.contrib.postgres.search.SearchConfig("french"),
                                        ),
                                        "||",
                                        django.contrib.postgres.search.SearchVector(
                                            "summary", config="french", weight="C"
                                        ),
                                        django.contrib.postgres.search.SearchConfig("french"),
                                    ),
                                    "||",
                                    django.contrib.postgres.search.SearchVector("body", config="french", weight="D"),
                                    django.contrib.postgres.search.SearchConfig("french"),
                                ),
                            ),
                            models.When(
                                language__startswith="it",
                                then=django.contrib.postgres.search.CombinedSearchVector(
                                    django.contrib.postgres.search.CombinedSearchVector(
                                        django.contrib.postgres.search.CombinedSearchVector(
                                            django.contrib.postgres.search.SearchVector(
                                                "title", config="italian", weight="A"
                                            ),
                                            "||",
                                            django.contrib.postgres.search.SearchVector(
                                                "keywords", config="italian", weight="B"
                                            ),
                                            django.contrib.postgres.search.SearchConfig("italian"),
                                        ),
                                        "||",
                                        django.contrib.postgres.search.SearchVector(
                                            "summary", config="italian", weight="C"
                                        ),
                                        django.contrib.postgres.search.SearchConfig("italian"),
                                    ),
                                    "||",
                                    django.contrib.postgres.search.SearchVector("body", config="italian", weight="D"),
                                    django.contrib.postgres.search.SearchConfig("italian"),
                                ),
                            ),
                            models.When(
                                language__startswith="nb",
                                then=django.contrib.postgres.search.CombinedSearchVector(
                                    django.contrib.postgres.search.CombinedSearchVector(
                                        django.contrib.postgres.search.CombinedSearchVector(
                                            django.contrib.postgres.search.SearchVector(
                                                "title", config="norwegian", weight="A"
                                            ),
                                            "||",
                                            django.contrib.postgres.search.SearchVector(
                                                "keywords", config="norwegian", weight="B"
                                            ),
                                            django.contrib.postgres.search.SearchConfig("norwegian"),
                                        ),
                                        "||",
                                        django.contrib.postgres.search.SearchVector(
                                            "summary", config="norwegian", weight="C"
                                        ),
                                        django.contrib.postgres.search.SearchConfig("norwegian"),
                                    ),
                                    "||",
                                    django.contrib.postgres.search.SearchVector("body", config="norwegian", weight="D"),
                                    django.contrib.postgres.search.SearchConfig("norwegian"),
                                ),
                            ),
                            models.When(
                                language__startswith="nl",
                                then=django.contrib.postgres.search.CombinedSearchVector(
                                    django.contrib.postgres.search.CombinedSearchVector(
                                        django.contrib.postgres.search.CombinedSearchVector(
                                            django.contrib.postgres.search.SearchVector(
                                                "title", config="dutch", weight="A"
                                            ),
                                            "||",
                                            django.contrib.postgres.search.SearchVector(
                                                "keywords", config="dutch", weight="B"
                                            ),
                                            django.contrib.postgres.search.SearchConfig("dutch"),
                                        ),
                                        "||",
                                        django.contrib.postgres.search.SearchVector(
                                            "summary", config="dutch", weight="C"
                                        ),
                                        django.contrib.postgres.search.SearchConfig("dutch"),
                                    ),
                                    "||",
                                    django.contrib.postgres.search.SearchVector("body", config="dutch", weight="D"),
                                    django.contrib.postgres.search.SearchConfig("dutch"),
                                ),
                            ),
                            models.When(
                                language__startswith="sv",
                                then=django.contrib.postgres.search.CombinedSearchVector(
                                    django.contrib.postgres.search.CombinedSearchVector(
                                        django.contrib.postgres.search.CombinedSearchVector(
                                            django.contrib.postgres.search.SearchVector(
                                                "title", config="swedish", weight="A"
                                            ),
                                            "||",
                                            django.contrib.postgres.search.SearchVector(
                                                "keywords", config="swedish", weight="B"
                                            ),
                                            django.contrib.postgres.search.SearchConfig("swedish"),
                                        ),
                                        "||",
                                        django.contrib.postgres.search.SearchVector(
                                            "summary", config="swedish", weight="C"
                                        ),
                                        django.contrib.postgres.search.SearchConfig("swedish"),
                                    ),
                                    "||",
                                    django.contrib.postgres.search.SearchVector("body", config="swedish", weight="D"),
                                    django.contrib.postgres.search.SearchConfig("swedish"),
                                ),
                            ),
                            default=django.contrib.postgres.search.CombinedSearchVector(
                                django.contrib.postgres.search.CombinedSearchVector(
                                    django.contrib.postgres.search.CombinedSearchVector(
                                        django.contrib.postgres.search.SearchVector(
                                            "title", config="simple", weight="A"
                                        ),
                                        "||",
                                        django.contrib.postgres.search.SearchVector(
                                            "keywords", config="simple", weight="B"
                                        ),
                                        django.contrib.postgres.search.SearchConfig("simple"),
                                    ),
                                    "||",
                                    django.contrib.postgres.search.SearchVector("summary", config="simple", weight="C"),
                                    django.contrib.postgres.search.SearchConfig("simple"),
                                ),
                                "||",
                                django.contrib.postgres.search.SearchVector("body", config="simple", weight="D"),
                                django.contrib.postgres.search.SearchConfig("simple"),
                            ),
                        ),
                        output_field=django.contrib.postgres.search.SearchVectorField(),
                    ),
                ),
                (
                    "article",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="support.article",
                        verbose_name="article",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "article version",
                "verbose_name_plural": "article versions",
                "ordering": ["article", "language", "-created_at"],
            },
        ),
        migrations.CreateModel(
            name="ArticleVote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("voter", models.UUIDField(default=uuid.uuid4)),
                ("helped", models.BooleanField(verbose_name="helped")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date")),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="votes", to="support.articleversion"
                    ),
                ),
            ],
            options={
                "verbose_name": "article vote",
                "verbose_name_plural": "article votes",
            },
        ),
        migrations.CreateModel(
            name="ChargeClaim",
            fields=[
                (
                    "thread",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="charge_claim",
                        serialize=False,
                        to="support.thread",
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("matched", "order found"),
                            ("no_match", "no order found"),
                            ("cancelled", "canceled"),
                        ],
                        default="open",
                        editable=False,
                        max_length=16,
                        verbose_name="outcome",
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(blank=True, decimal_places=3, max_digits=16, null=True, verbose_name="amount"),
                ),
                ("currency", models.CharField(blank=True, max_length=3, verbose_name="currency")),
                ("charged_on", models.DateField(blank=True, null=True, verbose_name="charged on")),
                ("card_brand", models.CharField(blank=True, max_length=32, verbose_name="card brand")),
                ("card_last4", models.CharField(blank=True, max_length=4, verbose_name="last 4 digits of the card")),
                ("order_number", models.CharField(blank=True, max_length=64, verbose_name="order number")),
                ("serial", models.CharField(blank=True, max_length=100, verbose_name="serial number")),
                (
                    "other_emails",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.EmailField(max_length=254),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="other email addresses",
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="decided at")),
            ],
            options={
                "verbose_name": "charge claim",
                "verbose_name_plural": "charge claims",
            },
        ),
        migrations.CreateModel(
            name="ThreadLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("first_sent_at", models.DateTimeField(blank=True, null=True)),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "thread",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="links", to="support.thread"
                    ),
                ),
            ],
            options={
                "verbose_name": "thread link",
                "verbose_name_plural": "thread links",
            },
        ),
        migrations.CreateModel(
            name="ThreadMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date")),
                (
                    "actor",
                    models.CharField(
                        choices=[
                            ("buyer", "buyer"),
                            ("staff", "support"),
                            ("portal", "the portal"),
                            ("store", "the store"),
                        ],
                        max_length=8,
                        verbose_name="changed by",
                    ),
                ),
                ("from_status", models.CharField(blank=True, max_length=24, verbose_name="old status")),
                ("to_status", models.CharField(max_length=24, verbose_name="new status")),
                ("text", models.TextField(blank=True, verbose_name="message to or from the buyer")),
                ("note", models.TextField(blank=True, verbose_name="internal note")),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="staff member",
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="events", to="support.thread"
                    ),
                ),
            ],
            options={
                "verbose_name": "thread message",
                "verbose_name_plural": "thread messages",
                "ordering": ["at", "pk"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ThreadFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "upload",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="thread_file", to="files.upload"
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="files", to="support.threadmessage"
                    ),
                ),
            ],
            options={
                "verbose_name": "thread file",
                "verbose_name_plural": "thread files",
            },
        ),
        migrations.AddIndex(
            model_name="articleversion",
            index=models.Index(fields=["article", "language", "-publish_at"], name="article_version_in_force"),
        ),
        migrations.AddIndex(
            model_name="articleversion",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search"], name="article_version_words"),
        ),
        migrations.AddConstraint(
            model_name="articlevote",
            constraint=models.UniqueConstraint(fields=("version", "voter"), name="article_vote_once"),
        ),
        migrations.AddField(
            model_name="chargeclaim",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="chargeclaim",
            name="matched_order",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="charge_claims",
                to="orders.order",
            ),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(fields=["status", "due_at"], name="thread_queue"),
        ),
        migrations.AddIndex(
            model_name="thread",
            index=models.Index(fields=["email_key"], name="thread_by_email"),
        ),
        migrations.AddConstraint(
            model_name="thread",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", False), ("status", "closed")),
                    models.Q(models.Q(("status", "closed"), _negated=True), ("closed_at", None)),
                    _connector="OR",
                ),
                name="thread_closed_has_its_time",
            ),
        ),
        migrations.AddIndex(
            model_name="threadlink",
            index=models.Index(fields=["created_at"], name="thread_link_by_age"),
        ),
        migrations.AddConstraint(
            model_name="chargeclaim",
            constraint=models.CheckConstraint(
                condition=models.Q(("card_last4__regex", "^([0-9]{4})?$")), name="charge_claim_last4"
            ),
        ),
        migrations.AddConstraint(
            model_name="chargeclaim",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__regex", "^([A-Z]{3})?$")), name="charge_claim_currency"
            ),
        ),
        migrations.AddConstraint(
            model_name="chargeclaim",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", None), ("amount__gt", 0), _connector="OR"),
                name="charge_claim_amount_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="chargeclaim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("outcome", "open")),
                    models.Q(models.Q(("outcome", "open"), _negated=True), ("decided_at__isnull", False)),
                    _connector="OR",
                ),
                name="charge_claim_decided_has_its_time",
            ),
        ),
    ]
