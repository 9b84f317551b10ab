"""Pages of help articles: the list, the search, an article, its preview, and votes."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from csp.decorators import csp_update
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, get_language_info, override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from orders.access import client_address
from orders.rate_limits import Rate, RateLimit, consume
from support.markdown import render_markdown
from support.models import ArticleVersion, FailedSearch
from support.models.articles import Topic
from support.published_articles import (
    annotate_product_names,
    common_questions,
    find_published,
    find_related,
    group_by_topic,
    published_versions,
)
from support.search import MAX_CHARACTERS, search_articles

VOTER_SESSION_KEY = "help_voter"  # holds a random UUID
# Votes by one client: more than a person reads in a day.
VOTE_RATE = Rate(short=30, long=150)
# Recorded searches without a result, per client: a bot must not fill the list for staff.
FAILED_SEARCH_RATE = Rate(short=10, long=30)
VOTES = {"yes": True, "no": False}
# The browser sends no form of a page with this decorator: a preview changes nothing, for example no language.
read_only: Any = csp_update({"sandbox": ["allow-same-origin", "allow-scripts"]})


def _language() -> str:
    return get_language() or ""


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """Search, common questions, and all articles by topic. The query parameter `topic` names the first topic."""
    topic = request.GET.get("topic", "")
    versions = list(published_versions(_language(), timezone.now()))
    context = {
        "common": common_questions(versions),
        "sections": group_by_topic(versions, topic),
        "topic": topic if topic in Topic else "",
    }
    return render(request, "support/help.html", context)


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    typed = request.GET.get("q", "").replace("\0", "").strip()
    now = timezone.now()
    results = search_articles(typed, _language(), now)
    if typed and not results and request.method == "GET":
        _record_failed_search(request, typed, now)
    return render(request, "support/search.html", {"typed": typed[:MAX_CHARACTERS], "results": results})


def _record_failed_search(request: HttpRequest, typed: str, now: datetime) -> None:
    """Count a search without a result, for staff. Each client is counted only a few times."""
    if consume([RateLimit("failed-search", client_address(request), FAILED_SEARCH_RATE)], now):
        FailedSearch.record(typed, _language(), now)


@require_safe
def article(request: HttpRequest, slug: str) -> HttpResponse:
    now = timezone.now()
    version = find_published(slug, _language(), now)
    if version is None:
        typed = slug.replace("-", " ")
        context = {"typed": typed, "results": search_articles(typed, _language(), now)}
        return render(request, "support/article_missing.html", context, status=404)
    voted = request.GET.get("voted", "")
    return _page(request, version, voted=voted, related=find_related(version.article, _language(), now))


@never_cache
@require_safe
@read_only
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Preview of a stored version for staff. All others get 404."""
    if not (request.user.is_staff and request.user.has_perm("support.view_articleversion")):
        raise Http404
    versions = annotate_product_names(ArticleVersion.objects.select_related("article"))
    return render_preview(request, get_object_or_404(versions, pk=pk))


def render_preview(request: HttpRequest, version: ArticleVersion) -> HttpResponse:
    """The page of an article as buyers see it in its language. `version` has `product_names`; it may be unsaved."""
    with override(version.language):
        related = find_related(version.article, version.language, timezone.now())
        return _page(request, version, is_preview=True, related=related)


def _page(request: HttpRequest, version: ArticleVersion, **context: object) -> HttpResponse:
    other_language = version.language.partition("-")[0] != _language().partition("-")[0]
    context |= {"version": version, "text": render_markdown(version.body), "other_language": other_language}
    if other_language:
        context["language_name"] = get_language_info(version.language)["name_translated"]
    return render(request, "support/article.html", context)


@require_POST
def vote(request: HttpRequest, slug: str) -> HttpResponse:
    """Record whether the article helped. A browser has one vote per version; the last one counts."""
    version = find_published(slug, _language(), timezone.now())
    answer = request.POST.get("helped", "")
    if version is None or answer not in VOTES:
        return redirect("support:article", slug)
    outcome = answer if _record_vote(request, version, VOTES[answer]) else "later"
    return redirect(f"{reverse('support:article', args=[slug])}?voted={outcome}#helped")


def _record_vote(request: HttpRequest, version: ArticleVersion, helped: bool) -> bool:
    now = timezone.now()
    if not consume([RateLimit("help-vote", client_address(request), VOTE_RATE)], now):
        return False
    voter = request.session.setdefault(VOTER_SESSION_KEY, str(uuid4()))
    version.record_vote(UUID(voter), helped, now)
    return True
