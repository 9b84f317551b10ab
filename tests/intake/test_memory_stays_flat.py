"""For a file of any length, only one batch of it is in memory."""

import tracemalloc
from pathlib import Path

import pytest

from intake import records, source_file
from intake.ingest import run
from tests.intake.exports import json_lines, portal_order, run_import, shopify_row, table

pytestmark = pytest.mark.django_db

SHORT, LONG = 75, 300  # orders


def peak(path: Path, **options: str) -> int:
    records.serial_key.cache_clear()
    tracemalloc.start()
    try:
        assert run_import(path, **options).exit_status == 0
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def orders_of(count: int, name: str) -> str:
    if name.endswith("jsonl"):
        # All of one license, such as a serial number for everyone in a company.
        return json_lines(*(portal_order(number=f"{count}-{n}") for n in range(count)))
    return table(*(shopify_row(Name=f"#{count}-{n}") for n in range(count)))


@pytest.mark.parametrize(("name", "store"), [("orders.jsonl", ""), ("orders.csv", "shop")])
def test_a_file_four_times_as_long_takes_no_more_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, store: str
) -> None:
    monkeypatch.setattr(run, "BATCH_SIZE", 25)
    monkeypatch.setattr(source_file, "SAMPLE_BYTES", 10_000)
    monkeypatch.setattr(run, "GARBAGE_THRESHOLD", 5_000)
    monkeypatch.setattr("intake.feeds.shopify.MAX_OPEN_ORDERS", 25)
    path = tmp_path / name
    peaks = []
    for count in (SHORT // 3, SHORT, LONG):  # the first one fills permanent caches
        path.write_text(orders_of(count, name))
        peaks.append(peak(path, store=store))
    assert peaks[2] < peaks[1] * 1.5, peaks
