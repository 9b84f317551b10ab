"""The search for unfold's command palette (Ctrl+K)."""

from typing import Any

from django.http import HttpRequest
from unfold.dataclasses import SearchResult

from desk.search.groups import search


def find_everything(request: HttpRequest, typed: str) -> list[SearchResult]:
    """Return the results of all groups. For `UNFOLD["COMMAND"]["search_callback"]`."""
    found: Any = search(typed, request.user)
    return [
        SearchResult(result.title, f"{group.label}: {result.why}", result.url, group.icon)
        for group in found.groups
        for result in group.results
    ]
