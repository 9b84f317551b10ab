"""The reports count what their lists show, and each section only opens to staff who may see what it counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from desk.charts import DailyChart, Table
from desk.days import last_days, midnight, on_day
from desk.reports.sections import CHART_DAYS, RATE_DAYS
from desk.roles import AGENT, AUDITOR, EDITOR, FINANCE, SUPERVISOR
from licenses.models import Sku
from notifications.models import Message
from orders.access import SiteFailures
from orders.models import Attempt
from orders.rate_limits import Attempts, Rate
from refunds.models import Return, ReturnLine
from support.models import ArticleVote, FailedSearch, Thread
from tests.desk.people import make_busy_person
from tests.desk.staff import signed_in, staff_with, staff_with_role
from tests.factories import (
    make_agent,
    make_article,
    make_line,
    make_order,
    make_product,
    make_reason,
    make_store,
)

pytestmark = pytest.mark.django_db

URL = "/admin/desk/reports/"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


def sections(browser: Client) -> dict[str, Any]:
    return {section.name: section for section in browser.get(URL).context["sections"]}


def figure(section: Any, label: str) -> Any:
    return next(cell for name, cell in section.figures if str(name) == label)


def rows_behind(browser: Client, cell: Any) -> int:
    page = browser.get(cell.url)
    assert page.status_code == 200, cell.url
    return int(page.context["cl"].result_count)


def make_thread(ago: timedelta, answered_after: timedelta | None = None, **fields: Any) -> Thread:
    created_at = timezone.now() - ago
    values = {"kind": "contact", "subject": "Question", "email": "ann@example.com", "created_at": created_at} | fields
    thread = Thread.objects.create(**values)
    thread.events.create(actor="buyer", to_status="waiting", text="Hello", at=created_at)
    if answered_after is not None:
        at = created_at + answered_after
        thread.events.create(actor="staff", from_status="waiting", to_status="waiting", note="Hm", at=created_at)
        thread.events.create(actor="staff", from_status="waiting", to_status="answered", text="Hello", at=at)
        thread.events.create(actor="staff", from_status="answered", to_status="answered", text="Also", at=at)
        Thread.objects.filter(pk=thread.pk).update(status="answered")
    return thread


def make_return(ago: timedelta = timedelta(), **fields: Any) -> Return:
    values = {"status": "received", "amount": 1, "currency": "EUR", "created_at": timezone.now() - ago} | fields
    return Return.objects.create(**values)


# --- Who sees what ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "names"),
    [
        (AGENT, ["first-answers", "cases", "returns", "help", "emails", "attempts"]),
        (SUPERVISOR, ["first-answers", "cases", "returns", "help", "emails", "attempts"]),
        (AUDITOR, ["first-answers", "cases", "returns", "help", "emails", "attempts"]),
        (FINANCE, ["cases", "returns"]),
        (EDITOR, ["help"]),
    ],
)
def test_a_role_sees_the_sections_about_what_it_may_see(role: str, names: list[str]) -> None:
    assert list(sections(staff_with_role(role))) == names


def test_sections_leave_out_what_staff_may_not_see() -> None:
    make_thread(timedelta(days=1))
    finance, editor = sections(staff_with_role(FINANCE)), sections(staff_with_role(EDITOR))
    assert [chart.name for chart in finance["cases"].charts] == [
        "cases-return",
        "cases-withdrawal",
        "cases-swap",
        "cases-cashbackclaim",
    ]
    labels = [str(label) for label, _cell in editor["help"].figures]
    assert "Threads opened" not in labels
    assert "Votes “helped”" in labels


def test_strangers_and_staff_without_these_permissions_see_no_reports() -> None:
    assert Client().get(URL).status_code == 302
    browser = staff_with("licenses.view_product")
    assert browser.get(URL).status_code == 403
    assert URL not in browser.get("/admin/").content.decode()
    assert staff_with_role(AGENT).post(URL).status_code == 405


def test_the_menu_and_the_home_page_lead_to_the_reports() -> None:
    page = staff_with_role(FINANCE).get("/admin/").content.decode()
    assert page.count(f'href="{URL}"') >= 2


# --- What is counted --------------------------------------------------------------------------------------------------


def test_the_time_to_the_first_answer_ignores_notes_and_later_answers() -> None:
    for hours in (1, 2, 3, 4, 50):
        make_thread(timedelta(days=5), timedelta(hours=hours))
    make_thread(timedelta(days=5))
    make_thread(timedelta(days=RATE_DAYS + 1), timedelta(hours=9))
    browser = staff_with_role(AGENT)
    answers = sections(browser)["first-answers"]
    assert figure(answers, "Median").text == "3 h"
    assert figure(answers, "90% within").text == "31 h"
    assert figure(answers, "Answered").text == "5 of 6"
    assert rows_behind(browser, figure(answers, "Answered")) == 6


def test_cases_are_counted_by_the_day_they_were_received_and_decided() -> None:
    reason, order = make_reason(), make_order()
    for ago in (0, 0, 1, CHART_DAYS - 1, CHART_DAYS):
        make_return(timedelta(days=ago), reason=reason, order=order, decided_at=NOW - timedelta(days=ago))
    make_thread(timedelta(days=3), timedelta(days=1))
    browser = staff_with_role(AGENT)
    charts = {chart.name: chart for chart in sections(browser)["cases"].charts}
    returns, threads = charts["cases-return"], charts["cases-thread"]
    assert list(returns.first) == list(returns.second) == [1, *[0] * (CHART_DAYS - 3), 1, 2]
    assert (threads.first[-4], threads.second[-3]) == (1, 1)
    assert (sum(threads.first), sum(threads.second)) == (1, 1)
    for chart in (returns, threads):
        for _day, *cells in chart.table.rows:
            for cell in cells:
                assert rows_behind(browser, cell) == int(cell.text)


def test_days_are_cut_in_the_time_zone_of_staff(settings: Any) -> None:
    settings.STAFF_TIME_ZONE = "America/New_York"
    make_return(timedelta(hours=8), reason=make_reason(), order=make_order())  # 4:00 UTC, 23:00 on the day before
    browser = staff_with_role(AGENT)
    page = browser.get(URL)
    [chart] = [each for each in page.context["sections"][1].charts if each.name == "cases-return"]
    assert "time zone America/New_York" in page.content.decode()
    assert list(chart.first[-2:]) == [1, 0]
    assert rows_behind(browser, chart.table.rows[1][1]) == 1


def test_the_oldest_case_is_named_with_its_age_and_listed() -> None:
    oldest = make_thread(timedelta(days=4))
    make_thread(timedelta(days=2))
    browser = staff_with_role(AGENT)
    cell = figure(sections(browser)["cases"], "Oldest waiting: threads")
    assert cell.text == "4 d"
    assert [thread.pk for thread in browser.get(cell.url).context["cl"].result_list] == [oldest.pk]


def test_returns_are_a_rate_of_the_orders_with_the_same_product() -> None:
    product, other, store = make_product(), make_product(slug="other", name="Other"), make_store()
    Sku.objects.create(store=store, code="A", product=product)
    Sku.objects.create(store=store, code="B", product=product)
    Sku.objects.create(store=store, code="C", product=other)
    Sku.objects.create(store=make_store(slug="second"), code="C", product=product)  # of another store
    reason, lines = make_reason(name="Too slow"), []
    for number in range(8):
        order = make_order(store=store, placed_at=NOW - timedelta(days=number))
        lines.append(make_line(order, sku="C" if number % 4 == 3 else "A"))
    make_line(lines[0].order, sku="B", store_line_id="2")  # the same order counts once
    make_line(make_order(store=store, is_test=True, placed_at=NOW), sku="A")
    make_line(make_order(store=store, placed_at=NOW - timedelta(days=RATE_DAYS)), sku="A")
    for line in (lines[0], lines[1]):
        case = make_return(order=line.order, reason=reason)
        ReturnLine.objects.create(return_case=case, line=line, quantity=1)
    browser = staff_with_role(AGENT)
    section = sections(browser)["returns"]
    by_reason, by_product = section.tables
    assert [cell.text for cell in by_reason.rows[0][:3]] == ["Too slow", "2", "25%"]
    assert figure(section, "Rate").text == "25%"
    [[name, returned, sold, rate, bar]] = by_product.rows
    assert (name.text, returned.text, sold.text, rate.text, bar.bar) == (product.name, "2", "6", "33.3%", "100.0")
    assert rows_behind(browser, returned) == 2
    assert rows_behind(browser, sold) == 6
    assert rows_behind(browser, by_reason.rows[0][1]) == 2
    assert rows_behind(browser, figure(section, "Orders placed")) == 8


def test_help_is_compared_with_threads() -> None:
    article = make_article("find-order")
    version = article.versions.get()
    for helped in (True, True, True, False):
        ArticleVote.objects.create(version=version, helped=helped, at=NOW)
    ArticleVote.objects.create(version=version, helped=True, at=NOW - timedelta(days=RATE_DAYS))
    FailedSearch.objects.create(language="en", term="router", last_at=NOW)
    make_thread(timedelta(days=1))
    browser = signed_in(make_agent())
    section = sections(browser)["help"]
    assert [(str(label), cell.text) for label, cell in section.figures] == [
        ("Votes “helped”", "3"),
        ("Votes “didn’t help”", "1"),
        ("Search terms without a result", "1"),
        ("Threads opened", "1"),
        ("Helped by an article", "75%"),
    ]
    assert [cell.text for cell in section.tables[0].rows[0][:3]] == ["find-order", "3", "1"]
    assert rows_behind(browser, figure(section, "Search terms without a result")) == 1
    assert rows_behind(browser, figure(section, "Threads opened")) == 1


def make_email(address: str, status: str = "sent", at: datetime = NOW) -> None:
    Message.objects.create(kind="x", object_id=Message.objects.count(), recipient=address, status=status, sent_at=at)


def test_emails_are_counted_by_the_domain_of_the_recipient() -> None:
    for address in ("a@example.com", "b@Example.com", '"a@b"@example.com'):
        make_email(address)
    make_email("c@example.com", "bounced")
    make_email("d@example.org")
    make_email("e@example.org", at=NOW - timedelta(days=RATE_DAYS))
    browser = staff_with_role(AGENT)
    section = sections(browser)["emails"]
    rows = [[cell.text for cell in row[:4]] for row in section.tables[0].rows]
    assert rows == [["example.com", "3", "1", "25%"], ["example.org", "1", "0", "0%"]]
    assert figure(section, "Bounce rate").text == "20%"
    for _name, *cells in section.tables[0].rows:
        for cell in cells[:2]:
            assert rows_behind(browser, cell) == int(cell.text)


def test_attempts_are_counted_with_those_that_share_a_row(settings: Any) -> None:
    settings.SITE_FAILED_CARDS_PER_DAY = 5
    Attempt.objects.create(method="card", outcome="refused", subject="a@example.com")
    Attempt.objects.create(method="card", outcome="rate_limited", subject="a@example.com", tries=7)
    Attempt.objects.create(method="card", outcome="found", subject="a@example.com")
    browser = staff_with_role(AGENT)
    [chart] = sections(browser)["attempts"].charts
    assert (chart.first[-1], chart.second[-1]) == (8, 1)
    _day, failed, opened = chart.table.rows[0]
    assert rows_behind(browser, failed) == 2
    assert rows_behind(browser, opened) == 1
    assert sections(browser)["attempts"].alert == ""


def test_a_site_under_enumeration_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = SiteFailures(Attempts(short=3, long=400), Rate(short=60, long=300))
    monkeypatch.setattr("desk.reports.attempts.site_failures", lambda: failures)
    page = staff_with_role(AGENT).get(URL).content.decode()
    assert "Cards are being tried against many addresses." in page
    assert "400, limit 300" in page


# --- The page ---------------------------------------------------------------------------------------------------------


def test_every_number_has_a_list_that_opens() -> None:
    make_busy_person(rows=3)
    make_thread(timedelta(days=1), timedelta(hours=1))
    make_email("a@example.com", "bounced")
    browser = signed_in(make_agent())
    urls = set()
    for section in sections(browser).values():
        tables = [*section.tables, *(chart.table for chart in section.charts)]
        cells = [cell for _label, cell in section.figures]
        for table in tables:
            for row in table.rows:
                cells += row
        numbers = [cell for cell in cells if cell.share is None and cell.text[:1].isdigit() and "-" not in cell.text]
        urls |= {cell.url for cell in numbers if not cell.text.endswith("%")}
    assert "" not in urls
    assert len(urls) > 50
    assert {browser.get(url).status_code for url in urls} == {200}


@pytest.mark.parametrize(
    "url",
    [
        "/admin/support/thread/?todo=all&answered_on=never",
        "/admin/support/thread/?todo=all&answered_on=9999-12-31",
        "/admin/refunds/return/?todo=all&product=x",
        "/admin/refunds/return/?todo=all&product=99999999999999999999",
        "/admin/refunds/return/?todo=all&product=²",
        "/admin/orders/order/?q=product:1:2026-99-99",
        "/admin/orders/order/?q=product:1:0000-01-01",
        "/admin/orders/order/?q=product:999999999999999999:2026-01-01",
    ],
)
def test_invalid_values_in_the_filters_of_the_reports_find_nothing(url: str) -> None:
    make_product()
    make_return(reason=make_reason(), order=make_order())
    make_thread(timedelta(days=1), timedelta(hours=1))
    page = signed_in(make_agent()).get(url)
    assert page.status_code == 200
    assert page.context["cl"].result_count == 0


def test_the_page_has_charts_with_names_and_no_inline_styles() -> None:
    make_thread(timedelta(days=1), timedelta(hours=1))
    page = staff_with_role(AGENT).get(URL).content.decode()
    main = page[page.index('id="content-main"') :]
    assert main.count('role="img"') == 6
    assert main.count("<title") >= 6
    assert 'style="' not in main[: main.index("</section>")]


def test_queries_do_not_grow_with_the_rows() -> None:
    browser = signed_in(make_agent())

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            browser.get(URL)
        return len(queries)

    make_busy_person(rows=2)
    make_thread(timedelta(days=1), timedelta(hours=1))
    count()
    before = count()
    make_busy_person(rows=6, address="bob@example.com")
    for number in range(5):
        make_thread(timedelta(days=number), timedelta(hours=1))
        make_email(f"a@example{number}.com")
        make_article(f"article-{number}")
    assert count() == before
    assert before < 30


def test_an_empty_portal_has_reports_without_numbers() -> None:
    assert signed_in(make_agent()).get(URL).status_code == 200


# --- Days and drawings ------------------------------------------------------------------------------------------------


def test_the_last_days_end_today_and_each_begins_at_midnight() -> None:
    days = last_days(3)
    assert [day.isoformat() for day in days] == ["2026-11-18", "2026-11-19", "2026-11-20"]
    assert midnight(days[0]) == datetime(2026, 11, 18, tzinfo=UTC)
    assert on_day("at", days[0]) == {"at__gte": "2026-11-18T00:00:00+00:00", "at__lt": "2026-11-19T00:00:00+00:00"}


@pytest.mark.parametrize(("largest", "top"), [(0, 1), (1, 1), (3, 5), (10, 10), (11, 20), (99, 100), (734, 1000)])
def test_the_axis_ends_at_a_round_number(largest: int, top: int) -> None:
    days = last_days(2)
    chart = DailyChart("x", "X", ("A", "B"), days, [0, largest], [0, 0], Table("X", [], []))
    assert chart.top == top
    bars = list(chart.bars())
    assert len(bars) == (1 if largest else 0)
    assert all(float(bar.y) >= 10 and float(bar.height) <= 102 for bar in bars)
