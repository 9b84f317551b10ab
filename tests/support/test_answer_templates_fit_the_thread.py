"""Staff start answers with templates. Their fields are filled in from the thread, and none is sent unfilled."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.models import Message
from orders.models import Order
from orders.services.ending_access import end_all_access
from support.answer_fields import FIELDS, fill_in
from support.models import AnswerTemplate, Thread
from support.services import threads
from tests.desk.staff import signed_in, staff_with, staff_with_role
from tests.factories import make_agent, make_line, make_order, make_store
from tests.pages import inside, text
from tests.support.submissions import logged_in, make_claim, submit_message

pytestmark = pytest.mark.django_db

ALL_FIELDS = " | ".join(f"{{{name}}}" for name in FIELDS)


@pytest.fixture
def order() -> Order:
    order = make_order(number="A-1001", billing_name="Bea Buyer", store=make_store(name="Acme Store"))
    make_line(order, name="Maximum Security")
    make_line(order, name="Antivirus")
    make_line(order, name="Antivirus")
    return order


@pytest.fixture
def thread(order: Order) -> Thread:
    """About an order that was open in the buyer's browser."""
    return submit_message(inside(order), order=str(order.public_id))


@pytest.fixture
def agent() -> User:
    return make_agent(username="ada", first_name="Ada", last_name="Agent")


def make_template(text: str = "Hello {name}, about {reference}.", **fields: Any) -> AnswerTemplate:
    return AnswerTemplate.objects.create(**{"name": "Greeting", "language": "en", "text": text} | fields)


def insert(browser: Client, thread: Thread, template: AnswerTemplate | str, **typed: Any) -> HttpResponse:
    chosen = template.pk if isinstance(template, AnswerTemplate) else template
    fields = {"action": "answer", "answer-text_template": chosen} | typed
    return browser.post(f"/admin/support/thread/{thread.pk}/template/", fields)


def send(browser: Client, thread: Thread, words: str, action: str = "answer") -> str:
    last_seen_id = thread.events.filter(note="").latest("pk").pk
    fields = {"action": action, f"{action}-text": words, f"{action}-last_seen_id": last_seen_id}
    return text(browser.post(f"/admin/support/thread/{thread.pk}/decide/", fields, follow=True))


def offered(browser: Client, thread: Thread) -> list[str]:
    page = browser.get(f"/admin/support/thread/{thread.pk}/change/").content.decode()
    names = AnswerTemplate.objects.values_list("name", flat=True)
    first = page.partition("answer-text_template")[2].partition("</select>")[0]
    return sorted(name for name in set(names) if f">{name}" in first)


# --- Filling in ------------------------------------------------------------------------------------------------


def test_the_fields_are_filled_in_from_the_thread_and_its_order(thread: Thread, agent: User) -> None:
    assert fill_in(ALL_FIELDS, thread, agent).split(" | ") == [
        thread.reference,
        "Bea Buyer",
        "A-1001",
        "1 November 2026",
        "€79.95",
        "Maximum Security, Antivirus",
        "Acme Store",
        "Ada Agent",
    ]


def test_they_are_written_in_the_language_of_the_buyer(thread: Thread, agent: User) -> None:
    thread.language = "de"
    filled = fill_in("{order_date} {order_total}", thread, agent)
    assert filled.replace("\xa0", " ") == "1. November 2026 79,95 €"


@pytest.mark.parametrize("written", ["{name}", "{ name }", "{{name}}", "{{ name }}"])
def test_spaces_and_double_braces_mean_the_same(thread: Thread, agent: User, written: str) -> None:
    assert fill_in(f"Hello {written}!", thread, agent) == "Hello Bea Buyer!"


def test_a_value_is_never_read_as_a_field(order: Order, agent: User) -> None:
    Order.objects.update(billing_name="Bea {reference}")
    thread = submit_message(inside(order), order=str(order.public_id))
    assert fill_in("{name}: {restart} {0} {name.__class__} %s", thread, agent) == (
        "Bea {reference}: {restart} {0} {name.__class__} %s"
    )


def test_an_unknown_name_is_left_out_with_its_space_and_others_stay_visible(client: Client, agent: User) -> None:
    thread = submit_message(client)
    assert fill_in("Hello {name},\n{order_number}", thread, agent) == "Hello,\n{order_number}"


@pytest.mark.parametrize("email", ["mallory@example.com", "buyer@example.com"])
def test_a_stranger_gets_no_data_of_an_order_that_staff_set(
    client: Client, order: Order, agent: User, email: str
) -> None:
    thread = submit_message(client, email=email)
    threads.attach_order(thread, agent, order)
    thread.refresh_from_db()
    filled = fill_in("{name}{order_number}{order_date}{order_total}{products}", thread, agent)
    assert filled == "{order_number}{order_date}{order_total}{products}"


def test_the_owner_of_the_orders_address_proves_it_by_opening_an_emailed_link(
    client: Client, order: Order, agent: User
) -> None:
    for email, filled in (("buyer@example.com", "A-1001"), ("mallory@example.com", "{order_number}")):
        thread = submit_message(client, email=email)
        threads.attach_order(thread, agent, order)
        Thread.objects.filter(pk=thread.pk).update(email_proven_at=timezone.now())
        thread.refresh_from_db()
        assert fill_in("{order_number}", thread, agent) == filled


def test_a_thief_gets_no_data_once_all_access_was_ended(order: Order, agent: User) -> None:
    thread = submit_message(inside(order), order=str(order.public_id), email="thief@example.net")
    end_all_access(order)
    thread = Thread.objects.select_related("order").get(pk=thread.pk)
    assert fill_in("{order_number}", thread, agent) == "{order_number}"


def test_staff_who_may_not_see_orders_fill_in_none_of_their_data(thread: Thread) -> None:
    browser = staff_with("support.view_thread", "support.change_thread")
    template = make_template("Hello {name}, {order_number}, {reference}")
    page = text(insert(browser, thread, template))
    assert "Hello, {order_number}, " + thread.reference in page
    assert "Bea Buyer" not in page


def test_no_field_contains_a_secret() -> None:
    assert set(FIELDS) == {
        "reference",
        "name",
        "order_number",
        "order_date",
        "order_total",
        "products",
        "store",
        "agent",
    }


# --- Saving templates ------------------------------------------------------------------------------------------


def save(browser: Client, written: str, **fields: Any) -> HttpResponse:
    form = {"name": "Restart", "language": "en", "about": "", "text": written}
    return browser.post("/admin/support/answertemplate/add/", form | fields)


@pytest.mark.parametrize(
    "unknown", ["{nmae}", "{ order number }", "{{ password }}", "{serial}", "{name.__class__}", "{0}"]
)
def test_an_unknown_field_is_refused_with_the_known_ones(unknown: str) -> None:
    page = text(save(staff_with_role("editor"), f"Hello {{name}}, {unknown}"))
    assert f"These fields don’t exist: {unknown}. Use these: {{reference}}, {{name}}, {{order_number}}" in page
    assert not AnswerTemplate.objects.exists()


@pytest.mark.parametrize("written", ["Hello {name}", "No field", "{", "}{", "{}", ALL_FIELDS])
def test_other_texts_are_saved(written: str) -> None:
    assert save(staff_with_role("editor"), written, about="contact").status_code == 302
    assert AnswerTemplate.objects.get().text == written


def test_the_page_of_a_template_lists_the_fields() -> None:
    page = text(staff_with_role("editor").get("/admin/support/answertemplate/add/"))
    for field in FIELDS.values():
        assert f"{{{field.name}}}" in page
        assert str(field.label) in page


def test_an_unknown_language_or_kind_is_refused() -> None:
    for fields in ({"language": "xx"}, {"about": "x"}, {"text": "\0"}):
        assert save(staff_with_role("editor"), "Hello", **fields).status_code == 200
    assert not AnswerTemplate.objects.exists()


# --- In a thread -----------------------------------------------------------------------------------------------


def test_only_templates_that_fit_are_offered(thread: Thread, agent: User) -> None:
    browser = logged_in(agent)
    Thread.objects.update(language="de")
    make_template(name="Both", language="en")
    german = make_template(name="Both", language="de", text="Guten Tag")
    make_template(name="English only")
    make_template(name="French", language="fr")
    make_template(name="Claims", about="charge_claim", language="de")
    make_template(name="Contact", about="contact", language="de")
    assert offered(browser, thread) == ["Both", "Contact", "English only"]
    page = text(browser.get(f"/admin/support/thread/{thread.pk}/change/"))
    assert "English only (English)" in page
    assert "Both (English)" not in page
    assert page.index("Contact") < page.index("English only")
    assert "Guten Tag" in text(insert(browser, thread, german))
    claim = make_claim().thread
    assert "Claims" not in offered(browser, claim)  # the claim is in English
    Thread.objects.filter(pk=claim.pk).update(language="de-AT")
    assert offered(browser, claim) == ["Both", "Claims", "English only"]


def test_inserting_keeps_what_was_typed_and_sends_nothing(thread: Thread, agent: User) -> None:
    browser = logged_in(agent)
    emails = Message.objects.count()
    page = insert(browser, thread, make_template(), **{"answer-text": "I looked into it."})
    content = page.content.decode()
    assert f"I looked into it.\n\nHello Bea Buyer, about {thread.reference}." in content
    assert Message.objects.count() == emails
    assert thread.events.count() == 1
    assert f"/admin/support/thread/{thread.pk}/template/#decide" in content


def test_a_template_of_another_form_is_inserted_there(thread: Thread, agent: User) -> None:
    template = make_template("Which version?")
    page = insert(logged_in(agent), thread, template, action="ask", **{"ask-text_template": template.pk})
    form = page.content.decode().partition('data-action="ask"')[2].partition("</form>")[0]
    assert "Which version?" in form
    assert page.content.decode().count("Which version?") == 1


def test_an_unfilled_field_is_visible_and_is_not_sent(client: Client, agent: User) -> None:
    thread, browser = submit_message(client), logged_in(agent)
    page = text(insert(browser, thread, make_template("Your order {order_number} of {order_date}.")))
    assert "Your order {order_number} of {order_date}." in page
    warning = "Replace or remove these fields before you send it: {order_number}, {order_date}."
    assert warning in page
    for action in ("answer", "ask", "close"):
        content = send(browser, thread, "Your order {order_number} of {order_date}.", action)
        assert warning in content
        assert "Nothing was changed." in content
        assert "Your order {order_number} of {order_date}." in content
    assert thread.events.count() == 1
    assert "saved." in send(browser, thread, "Your order A-1 of yesterday. Use {braces}.")


def test_scripts_get_the_template_as_json(client: Client, agent: User) -> None:
    thread = submit_message(client)
    template = make_template("Hello {name}, {order_number} {reference}")
    fields = {"action": "answer", "answer-text_template": template.pk}
    answer = logged_in(agent).post(
        f"/admin/support/thread/{thread.pk}/template/", fields, headers={"accept": "application/json"}
    )
    assert answer.json() == {
        "text": f"Hello, {{order_number}} {thread.reference}",
        "unfilled": ["{order_number}"],
    }


@pytest.mark.parametrize("chosen", ["", "0", "x", "99999999999999999999", "\0"])
def test_without_a_template_the_text_stays(thread: Thread, agent: User, chosen: str) -> None:
    page = text(insert(logged_in(agent), thread, chosen, **{"answer-text": "I looked into it."}))
    assert "Choose a template." in page
    assert "I looked into it." in page


@pytest.mark.parametrize("action", ["", "burn", "note", "\0"])
def test_an_action_without_templates_leads_back(thread: Thread, agent: User, action: str) -> None:
    assert insert(logged_in(agent), thread, make_template(), action=action).status_code == 302


def test_a_template_that_does_not_fit_cannot_be_inserted(thread: Thread, agent: User) -> None:
    claims_only = make_template("Only for claims", about="charge_claim")
    assert "Only for claims" not in text(insert(logged_in(agent), thread, claims_only))


def test_only_staff_who_answer_threads_insert_templates(thread: Thread) -> None:
    template = make_template()
    for role in ("finance", "editor", "auditor"):
        assert insert(staff_with_role(role), thread, template).status_code == 403
    assert insert(Client(), thread, template).status_code == 302
    assert insert(staff_with_role("agent"), thread, template).status_code == 200
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = signed_in(make_agent()).cookies
    assert insert(careful, thread, template).status_code == 403
    assert logged_in(make_agent()).post("/admin/support/thread/0/template/").status_code == 404


def test_the_queries_do_not_grow_with_the_templates(thread: Thread, agent: User) -> None:
    browser = logged_in(agent)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            browser.get(f"/admin/support/thread/{thread.pk}/change/")
        return len(captured)

    make_template()
    queries()
    before = queries()
    for number in range(5):
        make_template(name=f"Template {number}")
    assert queries() == before
