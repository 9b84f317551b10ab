"""Help to read, to search, and to say whether it helped."""

from uuid import UUID, uuid4

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, get_language_info
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from orders.access import client_address
from orders.rate_limits import Rate, RateLimit, consume
from support import articles
from support.markdown import as_html
from support.models import ArticleVersion
from support.models.articles import Topic
from support.search import MAX_CHARACTERS, search
from support.services.articles import vote as cast_vote

VOTER = "help_voter"  # in the session: a number that says nothing else
# Votes of one client; above what anybody reads in a day.
VOTE_RATE = Rate(short=30, long=150)
VOTES = {"yes": True, "no": False}


def _language() -> str:
    return get_language() or ""


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """All articles, those first that the page which led here is about."""
    topic = request.GET.get("topic", "")
    sections = articles.by_topic(_language(), timezone.now(), topic)
    return render(request, "support/help.html", {"sections": sections, "topic": topic if topic in Topic else ""})


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    typed = request.GET.get("q", "").replace("\0", "").strip()
    found = search(typed, _language(), timezone.now())
    return render(request, "support/search.html", {"typed": typed[:MAX_CHARACTERS], "results": found})


@require_safe
def article(request: HttpRequest, slug: str) -> HttpResponse:
    now = timezone.now()
    version = articles.read(slug, _language(), now)
    if version is None:
        typed = slug.replace("-", " ")
        shown = {"typed": typed, "results": search(typed, _language(), now)}
        return render(request, "support/article_missing.html", shown, status=404)
    voted = request.GET.get("voted", "")
    return _page(request, version, voted=voted, related=articles.related(version.article, _language(), now))


@never_cache
@require_safe
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """What a draft will look like. For staff; to anybody else there is no such page."""
    if not (request.user.is_staff and request.user.has_perm("support.view_articleversion")):
        raise Http404
    versions = articles.with_products(ArticleVersion.objects.select_related("article"))
    return _page(request, get_object_or_404(versions, pk=pk), is_preview=True)


def _page(request: HttpRequest, version: ArticleVersion, **shown: object) -> HttpResponse:
    other_language = version.language.partition("-")[0] != _language().partition("-")[0]
    shown |= {"version": version, "text": as_html(version.body), "other_language": other_language}
    if other_language:
        shown["language_name"] = get_language_info(version.language)["name_translated"]
    return render(request, "support/article.html", shown)


@require_POST
def vote(request: HttpRequest, slug: str) -> HttpResponse:
    """One vote a browser and version; the last one counts."""
    version = articles.read(slug, _language(), timezone.now())
    said = request.POST.get("helped", "")
    if version is None or said not in VOTES:
        return redirect("support:article", slug)
    outcome = said if _count(request, version, VOTES[said]) else "later"
    return redirect(f"{reverse('support:article', args=[slug])}?voted={outcome}#helped")


def _count(request: HttpRequest, version: ArticleVersion, helped: bool) -> bool:
    now = timezone.now()
    if not consume([RateLimit("help-vote", client_address(request), VOTE_RATE)], now):
        return False
    voter = request.session.setdefault(VOTER, str(uuid4()))
    cast_vote(version, UUID(voter), helped, now)
    return True
