"""Fixtures of the tests of the desk."""

import pytest

from desk import limits


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches may take long, because the machine that runs the tests may be busy."""
    monkeypatch.setattr(limits, "STATEMENT_SECONDS", 30.0)
    monkeypatch.setattr(limits, "SEARCH_SECONDS", 30.0)
