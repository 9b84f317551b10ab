"""The page on which editors write an article in all languages, as a browser fills it in."""

from datetime import timedelta

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from support.models import Article
from tests.pages import marks

FIELDS = ("title", "summary", "keywords", "body", "token", "was", "publish", "publish_at")


def texts_url(article: Article) -> str:
    return f"/admin/support/article/{article.pk}/texts/"


def loaded(browser: Client, article: Article, **posted: str) -> dict[str, str]:
    """The values of the form as a browser would submit them; with `posted`, of the page that answers it."""
    page = browser.get(texts_url(article))
    if posted:
        page = browser.post(texts_url(article), submitted(page) | posted)
    return submitted(page)


def submitted(page: HttpResponse) -> dict[str, str]:
    forms = [card.form for card in page.context["cards"] if card.form is not None]  # type: ignore[index]
    return {form.add_prefix(name): str(form[name].value() or "") for form in forms for name in FIELDS}


def save(browser: Client, article: Article, values: dict[str, str], **changed: str) -> HttpResponse:
    prefixed = {name.replace("__", "-"): value for name, value in changed.items()}
    return browser.post(texts_url(article), values | prefixed | {"save": ""}, follow=True)


def states(page: HttpResponse) -> dict[str, str]:
    return dict(zip(marks(page, "data-language"), marks(page, "data-state"), strict=True))


def buyer(path: str = "/help/install/", language: str = "en") -> HttpResponse:
    return Client(headers={"accept-language": language}).get(path)


def later(**duration: int) -> str:
    return (timezone.now() + timedelta(**duration)).strftime("%Y-%m-%dT%H:%M")


# --- Writing ---------------------------------------------------------------------------------------------------


def preview(browser: Client, article: Article, **typed: str) -> HttpResponse:
    fields = {"preview": "en"} | {name.replace("__", "-"): value for name, value in typed.items()}
    return browser.post(f"/admin/support/article/{article.pk}/preview/", fields)
