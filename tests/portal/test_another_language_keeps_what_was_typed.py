"""Choosing another language keeps the page and what was typed into its form: on each form, before and after errors.

Secrets and files are not kept. The page says that they have to be entered again.
"""

import json
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import pytest
from django import forms
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from cases.services import ask_question
from orders.drafts import NEW_SESSION_RATE
from orders.forms import PortalForm
from orders.models import Order, Store
from orders.passwords import portal_password
from refunds.models import CashbackClaim, SwapOffer
from refunds.services import returns
from refunds.services.returns import RequestedLine
from support.models import Thread
from tests.factories import make_agent, make_license, make_line, make_order, make_product, make_reason, make_store
from tests.files import factories
from tests.pages import Browser, inside, result, switch_language, text, without_redirects
from tests.refunds.cashback import make_promotion
from tests.support.submissions import submit_message

pytestmark = pytest.mark.django_db

CARD = "4242 4242 4242 4242"
SECRET = "harbour-lantern"


@dataclass
class Filled:
    """A form on its page, with what is typed into it."""

    browser: Client
    page: str
    form_id: str
    kept: dict[str, Any]
    secrets: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, Any] = field(default_factory=dict)  # what is sent in place of that to get errors
    action: str = ""

    @property
    def typed(self) -> dict[str, Any]:
        return self.kept | self.secrets

    def send_wrong(self) -> Any:
        """Send the form with errors. Returns the page that shows them."""
        files = {name: factories.upload(factories.png(), "x.png") for name in self.secrets if name in FILES}
        return self.browser.post(self.action or self.page, self.kept | self.secrets | self.wrong | files)


FILES = ("proof", "files")
EMAIL = "typed@example.com"


@pytest.fixture
def order() -> Order:
    order = make_order(placed_at=timezone.now(), total="159.90", store=make_store(confirm_card_lookup="never"))
    license = make_license(make_line(order), product=make_product(), activated_at=timezone.now())
    assert license.product
    make_promotion(license.product)
    return order


def filled(name: str, order: Order) -> Filled:
    stranger, owner = Browser(), inside(order)
    line, license = order.lines.get(), order.licensed_lines.get().license
    base = f"/orders/{order.public_id}/"
    find = "/orders/find/"
    match name:
        case "find by number":
            secrets = {"password": SECRET}
            return Filled(
                stranger, find, "form_find_number", {"order_number": "A-TYPED"}, secrets, {}, f"{find}number/"
            )
        case "find by card":
            kept, wrong = {"email": EMAIL}, {"card_last4": "12"}
            return Filled(stranger, find, "form_find_card", kept, {"card_last4": "7531"}, wrong, f"{find}card/")
        case "find by link":
            return Filled(stranger, find, "form_find_link", {"email": EMAIL}, {}, {"email": "typed"}, f"{find}link/")
        case "home":
            secrets = {"password": SECRET}
            return Filled(stranger, "/", "form_find_number", {"order_number": "A-TYPED"}, secrets, {}, f"{find}number/")
        case "correct the address":
            kept = {"order_number": "A-TYPED", "new_email": EMAIL}
            secrets = {"password": SECRET, "card_last4": "7531"}
            return Filled(stranger, "/orders/correct-email/", "form_correct_email", kept, secrets)
        case "withdraw":
            kept = {"name": "Bea Typed", "order_number": "A-TYPED", "email": EMAIL}
            return Filled(stranger, "/withdraw/", "form_withdraw", kept, {}, {"name": ""})
        case "contact":
            kept = {"email": EMAIL, "subject": "It is typed", "message": "My typed words"}
            return Filled(stranger, "/help/contact/", "form_contact", kept, {"files": "x.png"}, {"subject": ""})
        case "charge claim":
            kept = {"amount": "71.35", "currency": "EUR", "email": EMAIL, "message": "My typed words"}
            secrets = {"card_last4": "7531", "proof": "x.png"}
            return Filled(stranger, "/help/charged/", "form_charged", kept, secrets, {"amount": "much"})
        case "my data":
            kept = {"email": EMAIL, "kind": "copy"}
            return Filled(stranger, "/my-data/", "form_my_data", kept, {}, {"email": "typed"})
        case "genuine":
            return Filled(stranger, "/genuine/", "form_genuine", {"code": "WXYZ-EFGH-JKLM"}, {}, {"code": ""})
        case "serial number":
            return Filled(stranger, "/downloads/", "form_serial", {"serial": "XTYPED-1"}, {}, {"serial": ""})
        case "code":
            path = f"{base}code/"
            browser = Browser()
            store = Store.objects.get()
            store.confirm_card_lookup = "always"
            store.save()
            browser.post(f"{find}card/", {"email": order.email, "card_last4": order.card_last4})
            return Filled(browser, path, "form_code", {}, {"code": "753159"}, {"code": "1"})
        case "return":
            kept = {f"line-{line.pk}-quantity": "1", "reason": make_reason().pk, "comment": "My typed words"}
            return Filled(owner, f"{base}return/", "form_return", kept, {}, {"reason": ""})
        case "swap":
            SwapOffer.objects.create(
                store=order.store, product=make_product(), name="Other", currency="EUR", price="1.00"
            )
            kept = {"line": line.pk, "wanted": "another", "comment": "My typed words"}
            return Filled(owner, f"{base}swap/", "form_swap", kept, {}, {"wanted": ""})
        case "cashback":
            kept = {"serial": license.serial, "country": "DE", "payout_method": "bank"}
            secrets = {"payout_holder": "Bea Holder", "payout_account": "DE02 1203 0000 0000 2020 51", "proof": "x.png"}
            wrong = {"payout_account": "DE02 1203 0000 0000 2020 52"}
            return Filled(owner, "/cashback/", "form_cashback", kept, secrets, wrong)
        case "answer":
            case = returns.request_return(order, [RequestedLine(line.pk, 1)], make_reason())
            ask_question(case, make_agent(), "Which one?")
            wrong = {"answer": "x" * 2001}
            kept = {"answer": "My typed words"}
            return Filled(owner, case.path, "form_answer", kept, {}, wrong, f"{case.path}answer/")
        case _:
            thread = submit_message(stranger)
            kept = {"message": "My typed words"}
            return Filled(stranger, thread.path, "form_reply", kept, {"files": "x.png"}, {"message": ""})


FORMS = [
    "find by number",
    "find by card",
    "find by link",
    "home",
    "correct the address",
    "withdraw",
    "contact",
    "charge claim",
    "my data",
    "genuine",
    "serial number",
    "code",
    "return",
    "swap",
    "cashback",
    "answer",
    "reply",
]


def path_of(answer: Any) -> str:
    path: str = answer["Location"].partition("?")[0]
    return path


def has(page: Any, form: Filled) -> bool:
    """Whether a page shows again all that was typed and is kept."""
    html = unescape(page.content.decode())
    return all(
        f'value="{value}"' in html or f">\n{value}</textarea>" in html or name == "country"
        for name, value in form.kept.items()
    )


def stored() -> str:
    return json.dumps([session.get_decoded() for session in Session.objects.all()])


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, order: Order) -> Filled:
    return filled(request.param, order)


def test_before_the_form_is_sent(form: Filled) -> None:
    page = form.browser.get(form.page)
    answer = switch_language(form.browser, page, form.form_id, form.typed)
    assert (answer.status_code, path_of(answer)) == (303, form.page)
    german = form.browser.get(answer["Location"])
    assert 'lang="de"' in german.content.decode()
    assert (german.status_code, result(german)) == (200, "")  # no error is shown yet
    assert has(german, form)


def test_after_errors(form: Filled) -> None:
    page = form.send_wrong()
    assert page.status_code == 422
    assert result(page)
    answer = switch_language(form.browser, page, form.form_id, form.kept | form.secrets | form.wrong)
    assert (answer.status_code, path_of(answer)) == (303, form.page if form.page != "/" else "/orders/find/")
    german = form.browser.get(answer["Location"])
    assert (german.status_code, result(german)) == (422, result(page))
    form.kept = {name: value for name, value in form.kept.items() if name not in form.wrong}
    assert has(german, form)
    again = switch_language(form.browser, german, form.form_id, form.kept)
    assert again["Location"] == answer["Location"]  # the same draft


def test_no_secret_is_stored_and_the_page_asks_for_it_again(form: Filled) -> None:
    pages = [form.browser.get(form.page), form.send_wrong()]
    for page in pages:
        answer = switch_language(form.browser, page, form.form_id, form.typed)
        german = form.browser.get(answer["Location"])
        kept = stored() + answer["Location"] + german.content.decode()
        assert [secret for name, secret in form.secrets.items() if name not in FILES and secret in kept] == []
        asked = [label for label in labels(form) if label in text(german)]
        assert len(asked) == len(form.secrets)


def labels(form: Filled) -> list[str]:
    """The names of the fields that are asked for again, in any language."""
    made = PortalForm.by_name[form.form_id.removeprefix("form_")]
    return [str(made.base_fields[name].label) for name in form.secrets]


def test_nothing_is_asked_for_again_if_nothing_was_lost() -> None:
    browser = Browser()
    page = browser.get("/orders/find/")
    german = browser.get(switch_language(browser, page, "form_find_number", {"order_number": "A-1"})["Location"])
    assert "notice-warn" not in german.content.decode()


def test_no_card_number_is_stored(form: Filled) -> None:
    page = form.browser.get(form.page)
    typed = dict.fromkeys({*form.typed, "submission_id", "next", "line-1-quantity"}, CARD)
    answer = switch_language(form.browser, page, form.form_id, typed)
    assert CARD not in stored()
    assert CARD not in form.browser.get(answer["Location"]).content.decode()


def test_another_session_does_not_read_it(form: Filled) -> None:
    page = form.browser.get(form.page)
    answer = switch_language(form.browser, page, form.form_id, form.typed)
    seen = Browser().get(answer["Location"], follow=True).content.decode()
    assert [value for value in form.kept.values() if isinstance(value, str) and len(value) > 4 and value in seen] == []


def test_the_draft_ends_when_the_form_is_sent(order: Order) -> None:
    for name in ("contact", "charge claim", "reply", "answer"):
        form = filled(name, order)
        page = form.browser.get(form.page)
        german = form.browser.get(switch_language(form.browser, page, form.form_id, form.kept)["Location"])
        draft = {"draft": german.wsgi_request.GET["draft"]}
        assert form.browser.session["drafts"]
        assert form.browser.post(form.action or form.page, form.kept | draft).status_code == 302
        assert form.browser.session["drafts"] == {}


def test_a_found_order_ends_the_draft(order: Order) -> None:
    form = filled("find by number", order)
    page = form.browser.get(form.page)
    answer = switch_language(form.browser, page, form.form_id, form.kept)
    typed = {"order_number": order.number, "password": portal_password(order) or ""}
    found = without_redirects(form.browser).post(
        form.action, typed | {"draft": answer["Location"].partition("draft=")[2]}
    )
    assert (found.status_code, form.browser.session["drafts"]) == (302, {})


def test_the_result_of_a_lookup_stays(order: Order) -> None:
    browser = Browser()
    page = browser.post("/orders/find/number/", {"order_number": "A-NONE", "password": SECRET})
    answer = switch_language(browser, page, "form_find_number", {"order_number": "A-NONE", "password": ""})
    german = browser.get(answer["Location"])
    assert (german.status_code, result(german)) == (422, "not-found")
    for _attempt in range(6):
        page = browser.post("/orders/find/number/", {"order_number": order.number, "password": SECRET})
    answer = switch_language(browser, page, "form_find_number", {"order_number": order.number, "password": ""})
    german = browser.get(answer["Location"])
    assert (german.status_code, result(german)) == (429, "too-many")


def test_the_answer_to_a_checked_code_or_serial_number_stays() -> None:
    browser = Browser()
    for path, form_id, typed in (
        ("/genuine/", "form_genuine", {"code": "WXYZ-EFGH-JKLM"}),
        ("/downloads/", "form_serial", {"serial": "XABC-1234"}),
    ):
        page = browser.post(path, typed)
        german = browser.get(switch_language(browser, page, form_id, typed)["Location"])
        assert result(german) == result(page)
        assert result(german) in ("cannot-confirm", "answer")


def test_suggested_articles_stay() -> None:
    browser = Browser()
    typed = {"email": EMAIL, "subject": "Installer", "message": "Words"}
    page = browser.post("/help/contact/", typed | {"look": "1"})
    german = browser.get(switch_language(browser, page, "form_contact", typed)["Location"])
    assert result(german) == result(page) == "answers"


@pytest.mark.parametrize("state", ["", "x", "eyJmb3JtIjoiY29udGFjdCJ9:1abc:forged"])
def test_a_forged_state_keeps_nothing(state: str) -> None:
    browser = Client()
    answer = browser.post("/language/", {"language": "de", "shown_form": state, "email": EMAIL, "next": "/withdraw/"})
    assert answer["Location"] == "/withdraw/"
    assert not Session.objects.exists()


def test_who_starts_too_many_sessions_is_told_what_is_lost() -> None:
    page = Client().get("/help/contact/")
    answers = []
    for _session in range(NEW_SESSION_RATE.short + 1):
        browser = Client()
        answers.append(switch_language(browser, page, "form_contact", {"email": EMAIL}))
    assert Session.objects.count() == NEW_SESSION_RATE.short
    assert answers[-1]["Location"] == "/help/contact/"
    assert "notice-warn" in browser.get("/help/contact/").content.decode()


def test_every_form_withholds_passwords_and_files() -> None:
    Client().get("/")  # imports all forms
    assert len(PortalForm.by_name) > 12
    for made in PortalForm.by_name.values():
        secret = {
            name
            for name, field in made.base_fields.items()
            if isinstance(field.widget, (forms.PasswordInput, forms.FileInput)) or name == "card_last4"
        }
        assert secret <= made.withheld_fields, made


def test_the_language_buttons_name_forms_of_the_page(order: Order) -> None:
    """A button of a form that isn't there would do nothing."""
    order.refunds.all().delete()
    browser = inside(order)
    pages = [f"/orders/{order.public_id}/{page}" for page in ("", "return/", "swap/", "code/", "invoice/")]
    for path in [*pages, "/cashback/", "/help/", "/help/contact/", "/help/charged/", "/withdraw/", "/orders/"]:
        html = browser.get(path).content.decode()
        for form_id in {part.partition('"')[0] for part in html.split(' form="')[1:]}:
            assert f'id="{form_id}"' in html, (path, form_id)
    assert not CashbackClaim.objects.exists()
    assert not Thread.objects.exists()
