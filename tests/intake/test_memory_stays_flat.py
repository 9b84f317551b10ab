"""However long the file, only a batch of it is in memory."""

import tracemalloc
from pathlib import Path

import pytest

from intake import reading
from intake.ingest import run
from tests.intake.exports import json_lines, portal_order, run_import, shopify_row, table

pytestmark = pytest.mark.django_db


def peak(path: Path, **options: str) -> int:
    tracemalloc.start()
    try:
        assert run_import(path, **options).exit_status == 0
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_file_ten_times_as_long_takes_no_more_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BATCH_SIZE", 50)
    monkeypatch.setattr(reading, "SAMPLE_BYTES", 10_000)
    monkeypatch.setattr(run, "GARBAGE_THRESHOLD", 5_000)
    monkeypatch.setattr("intake.feeds.shopify.OPEN_ORDERS", 50)
    for name, options in (("orders.jsonl", {}), ("orders.csv", {"store": "shop"})):
        peaks = []
        for count in (500, 3000):
            path = tmp_path / name
            if name.endswith("jsonl"):
                path.write_text(json_lines(*(portal_order(number=f"{count}-{n}") for n in range(count))))
            else:
                path.write_text(table(*(shopify_row(Name=f"#{count}-{n}") for n in range(count))))
            peaks.append(peak(path, **options))
        assert peaks[1] < peaks[0] * 1.5, (name, peaks)
