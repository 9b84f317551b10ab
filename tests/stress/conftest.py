"""Prints the results of the long tests as a table at the end of the run."""

from collections.abc import Callable

import pytest
from rich.console import Console
from rich.table import Table

Finding = Callable[[str, object], None]


@pytest.fixture
def found(record_property: Finding) -> Finding:
    """Record one figure of this test, as `found("orders shown", 0)`."""
    return record_property


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    rows = [
        (report.nodeid.split("::")[-1], str(name), str(value), report.outcome)
        for report in reports
        if "stress" in report.keywords
        for name, value in report.user_properties
    ]
    if not rows:
        return
    table = Table("what was done", "what was counted", "figure", "test", title="Under stress")
    for row in rows:
        table.add_row(*row)
    Console(width=160, markup=False).print(table)  # a parameter in brackets isn't markup
    if log := terminalreporter.config.getoption("log_file"):
        terminalreporter.write_line(f"What was logged meanwhile: {log}")
