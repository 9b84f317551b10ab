"""What every test of downloads needs."""

import pytest

from licenses.views import sending


@pytest.fixture(autouse=True)
def _nobody_else_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A response that an earlier test did not read completely occupies no download slot."""
    monkeypatch.setattr(sending, "_download_slots", sending._DownloadSlots())
