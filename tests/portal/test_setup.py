"""`manage.py setup` asks or takes flags, changes only what it is told, and writes all or nothing."""

import io
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from licenses.models import Product, SerialPrefix
from orders.models import Store
from portal.demo import vendor
from portal.first_setup import writing
from portal.first_setup.answers import QUESTIONS
from portal.sample_content import country_data, help_articles
from refunds.models import ApprovalLimit, ReturnPolicy
from support.models import Article, ArticleVersion, PhoneNumber, StoreRegion
from tests.factories import make_order, make_store

pytestmark = pytest.mark.django_db

NEW_STORE = ("--store", "acme", "--store-name", "Acme Shop", "--time-zone", "Europe/Berlin")
ALL = (
    *NEW_STORE, "--website", "https://shop.acme.example", "--support-email", "help@acme.example", "--language", "de",
    "--return-days", "14", "--activated-returns", "no", "--revoke-serials", "yes",
    "--approval-limit", "EUR=100/1000", "--approval-limit", "JPY=15000",
    "--product", "Acme Suite=X,XA", "--product", "Acme Backup",
    "--phone", "DE,AT=0221 123456/+49 221 123456", "--phone", "=+1 555 0100", "--hours", "9:00 to 17:00",
    "--articles", "drafts", "--staff", "ann", "--staff-email", "ann@acme.example", "--role", "supervisor",
    "--vendor-name", "Acme", "--vendor-color", "#336699", "--staff-time-zone", "Europe/Vienna",
)  # fmt: skip


def setup(*flags: str, asks: bool = False) -> str:
    output = StringIO()
    call_command("setup", *flags, *([] if asks else ["--no-input"]), stdout=output)
    return output.getvalue()


def refused(*flags: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as error:
        setup(*flags)
    return error.value.returncode, str(error.value)


# --- Flags -------------------------------------------------------------------------------------------------


def test_everything_is_written_from_flags(client: Client) -> None:
    output = setup(*ALL)
    store = Store.objects.get()
    assert (store.slug, store.name, store.time_zone, store.language) == ("acme", "Acme Shop", "Europe/Berlin", "de")
    assert (store.support_email, store.is_time_zone_known) == ("help@acme.example", True)
    assert StoreRegion.objects.get().url == "https://shop.acme.example"
    policy = ReturnPolicy.objects.get()
    assert (policy.days, policy.activated_may_return, policy.revokes_serials) == (14, False, True)
    assert policy.in_force_from.year < 2001  # applies to all orders that will be imported
    assert list(ApprovalLimit.objects.values_list("currency", "up_to", "two_people_above")) == [
        ("EUR", Decimal(100), Decimal(1000)),
        ("JPY", Decimal(15000), None),
    ]
    assert set(SerialPrefix.objects.values_list("prefix", "product__name")) == {
        ("X", "Acme Suite"),
        ("XA", "Acme Suite"),
    }
    assert Product.objects.filter(name="Acme Backup", prefixes=None).exists()
    assert list(
        PhoneNumber.objects.order_by("pk").values_list("countries", "number", "international_number", "hours")
    ) == [
        (["DE", "AT"], "0221 123456", "+49 221 123456", "9:00 to 17:00"),
        ([], "+1 555 0100", "", "9:00 to 17:00"),
    ]
    assert PhoneNumber.objects.filter(digits__contains=["49221123456"]).exists()
    assert ArticleVersion.objects.exists()
    assert not ArticleVersion.objects.exclude(publish_at=None).exists()
    ann = User.objects.get()
    assert [group.name for group in ann.groups.all()] == ["supervisor"]
    password = next(line for line in output.splitlines() if line.startswith("Password")).split()[-1]
    assert ann.check_password(password)
    for line in ("VENDOR_NAME='Acme'", "VENDOR_COLOR='#336699'", "STAFF_TIME_ZONE='Europe/Vienna'"):
        assert line in output
    assert "manage.py doctor" in output


def test_the_same_flags_again_change_nothing() -> None:
    setup(*ALL)
    output = setup(*ALL)
    assert "Nothing was changed." in output
    assert "Password" not in output
    assert (Store.objects.count(), ReturnPolicy.objects.count(), User.objects.count()) == (1, 1, 1)


def test_a_dry_run_shows_the_same_and_writes_nothing() -> None:
    output = setup(*ALL, "--dry-run")
    assert "Store acme created" in output
    assert "Login ann created: supervisor" in output
    assert "This was a dry run. Nothing was written." in output
    assert "Password" not in output
    for model in (Store, ReturnPolicy, ApprovalLimit, Product, PhoneNumber, Article, User):
        assert not model.objects.exists()


def test_without_flags_it_shows_what_is_there() -> None:
    setup(*ALL)
    output = setup()
    about = ("acme (Acme Shop, Europe/Berlin)", "acme: 14 days", "EUR 100", "Acme Suite (X, XA)", "ann (supervisor)")
    for shown in (*about, "DE, AT: 0221 123456"):
        assert shown in output
    assert "Nothing was changed." in output


def test_only_what_is_told_changes() -> None:
    setup(*ALL)
    output = setup("--language", "en", "--phone", "DE,AT=030 999999", "--articles", "none")
    assert "Store acme changed: language “en”" in output
    store = Store.objects.get()
    assert (store.name, store.language, store.support_email) == ("Acme Shop", "en", "help@acme.example")
    assert [phone.number for phone in PhoneNumber.objects.order_by("pk")] == ["030 999999", "+1 555 0100"]


def test_an_imported_store_gets_its_name_and_time_zone() -> None:
    store = make_store(slug="acme", name="acme", time_zone="UTC", is_time_zone_assumed=True)
    setup("--store-name", "Acme Shop", "--time-zone", "UTC")
    store.refresh_from_db()
    assert (store.public_name, store.is_time_zone_known) == ("Acme Shop", True)


def test_new_return_rules_apply_to_later_orders_only() -> None:
    setup(*NEW_STORE, "--return-days", "14")
    setup("--return-days", "20")  # no orders yet: the same version
    assert ReturnPolicy.objects.get().days == 20
    make_order(store=Store.objects.get())
    assert "20 days" in setup()
    assert "Return rules: acme: 60 days from" in setup("--return-days", "60")
    old, new = ReturnPolicy.objects.order_by("in_force_from")
    assert (old.days, new.days) == (20, 60)
    assert timezone.now() < new.in_force_from <= timezone.now() + timedelta(days=1)
    setup("--return-days", "70")  # tomorrow's version isn't in force yet
    assert [policy.days for policy in ReturnPolicy.objects.order_by("in_force_from")] == [20, 70]


def test_an_existing_login_is_not_changed() -> None:
    ann = User.objects.create_user("ann", password="hers")
    assert "Password" not in setup("--staff", "ann", "--role", "administrator")
    ann.refresh_from_db()
    assert ann.check_password("hers")
    assert not ann.is_superuser


# --- Wrong values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--store", "Acme Shop"), "--store: Enter a valid"),
        (("--store", "acme", "--time-zone", "UTC"), "--store-name is needed for the new store acme."),
        (("--store", "acme", "--store-name", "Acme"), "--time-zone is needed for the new store acme."),
        ((*NEW_STORE[:5], "Berlin"), "--time-zone: Berlin isn’t a time zone."),
        ((*NEW_STORE, "--website", "shop"), "--website: Enter a valid URL."),
        ((*NEW_STORE, "--support-email", "help"), "--support-email: Enter a valid email address."),
        ((*NEW_STORE, "--language", "xx"), "--language: Enter one of: en"),
        ((*NEW_STORE, "--store-name", "4111 1111 1111 1111"), "--store-name: Remove the full card number."),
        ((*NEW_STORE, "--return-days", "a month"), "--return-days: Enter a number of days"),
        ((*NEW_STORE, "--return-days", "4000"), "--return-days: Enter a number of days"),
        ((*NEW_STORE, "--activated-returns", "maybe"), "--activated-returns: Enter yes or no."),
        (("--approval-limit", "100"), "--approval-limit: Enter a three-letter currency code"),
        (("--approval-limit", "EUR=much"), "--approval-limit: “much” value must be a decimal number."),
        (("--approval-limit", "EUR=100/10"), "--approval-limit: Enter an amount of 0 or more"),
        (("--product", "=X"), "--product: This field cannot be blank."),
        (("--product", "Suite=Ä"), "--product: Ä isn’t a prefix."),
        (("--phone", "0221 123456"), "--phone: Enter countries, an equals sign and a number"),
        (("--phone", "Germany=0221 123456"), "--phone: Germany isn’t a country code."),
        (("--phone", "DE=call us"), "--phone: “call us” isn’t a phone number."),
        (("--hours", "always"), "--hours is needed only with --phone."),
        (("--articles", "some"), "--articles: Enter one of: drafts, published, none."),
        (("--role", "agent"), "--staff is needed with --staff-email and --role."),
        (("--staff", "ann", "--role", "boss"), "--role: Enter one of: administrator, agent"),
        (("--staff", "no spaces here"), "--staff: Enter a valid username."),
        (("--vendor-color", "blue"), "--vendor-color: Enter a color"),
        (("--vendor-name", ""), "--vendor-name: Enter a single line."),
        (("--return-days", "10"), "--store is needed to say which store --return-days is about."),
    ],
)  # fmt: skip
def test_a_wrong_value_is_a_sentence_that_names_its_flag(flags: tuple[str, ...], said: str) -> None:
    code, text = refused(*flags)
    assert code == 2
    assert said in text
    assert not Store.objects.exists()


def test_a_prefix_of_another_product_is_refused_with_its_name() -> None:
    setup("--product", "Acme Suite=X")
    code, text = refused("--product", "Other=X")
    assert (code, text) == (2, "--product: The prefix X belongs to Acme Suite. Remove it there first.")
    code, text = refused("--product", "One=Q", "--product", "Two=Q")  # nothing knows this before it is written
    assert (code, text) == (1, "--product: The prefix Q belongs to One. Remove it there first. Nothing was written.")
    assert Product.objects.count() == 1


def test_nothing_is_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise writing.Refused("--staff: no.")

    monkeypatch.setattr(writing, "_write_staff", fail)  # the last step
    assert refused(*ALL) == (1, "--staff: no. Nothing was written.")
    for model in (Store, ReturnPolicy, ApprovalLimit, Product, PhoneNumber, Article, User):
        assert not model.objects.exists()


# --- Questions ---------------------------------------------------------------------------------------------


def answer(monkeypatch: pytest.MonkeyPatch, *lines: str) -> str:
    """Run the command and type these lines."""
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    return setup(asks=True)


def test_it_asks_for_everything_and_again_after_a_wrong_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    output = answer(
        monkeypatch,
        "Acme Shop", "acme",  # a wrong short name, then a right one
        "", "Acme Shop",  # a name is needed
        "https://shop.acme.example",
        "help@acme.example",
        "de",
        "Berlin", "Europe/Berlin",
        "", "", "",  # return rules
        "EUR=100/1000", "",
        "Acme Suite=X", "",
        "DE=0221 123456", "",
        "9:00 to 17:00",
        "",  # articles
        "ann", "ann@acme.example", "",
        "Acme",
    )  # fmt: skip
    for reason in ("Enter a valid “slug”", "An answer is needed.", "Berlin isn’t a time zone."):
        assert reason in output
    for question in QUESTIONS:
        assert (question.text in output) == question.is_asked
    store = Store.objects.get()
    assert (store.slug, store.name, store.language) == ("acme", "Acme Shop", "de")
    assert not ReturnPolicy.objects.exists()  # Enter: the defaults apply
    assert SerialPrefix.objects.get().product.name == "Acme Suite"
    assert PhoneNumber.objects.get().hours == "9:00 to 17:00"
    assert User.objects.get().is_superuser
    assert ArticleVersion.objects.filter(publish_at=None).exists()
    assert "VENDOR_NAME='Acme'" in output


def test_enter_keeps_everything_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    setup(*ALL)
    assert "Nothing was changed." in answer(monkeypatch, *[""] * len(QUESTIONS))


def test_a_flag_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n" * 20))
    assert QUESTIONS[1].text not in setup(*NEW_STORE, asks=True)


def test_without_a_terminal_it_says_what_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(CommandError, match="Use --no-input with flags in scripts") as error:
        setup(asks=True)
    assert error.value.returncode == 2


# --- Articles ----------------------------------------------------------------------------------------------


def test_articles_contain_no_facts_about_the_vendor_of_the_demo() -> None:
    setup("--articles", "published")
    texts = "\n".join(
        f"{version.title} {version.summary} {version.keywords} {version.body}"
        for version in ArticleVersion.objects.all()
    )
    numbers = [number for _countries, *both in country_data.PHONES for number in both if number]
    names = [vendor.NAME, "Tarnholt", *(product.name for product in vendor.PRODUCTS), *country_data.WORLD_CARDS[1:]]
    facts = [*names, *numbers, vendor.STORE_URL, vendor.SUPPORT_EMAIL, "€", "$"]
    assert [fact for fact in facts if fact.lower() in texts.lower()] == []
    everything = "\n".join(file.read_text() for file in help_articles.ARTICLES_FOLDER.rglob("*.md"))
    assert "Maximum Security" in everything  # the facts are there to be found


def test_sample_articles_are_no_remains_of_a_demo(settings: Settings) -> None:
    setup("--articles", "published")
    assert not ArticleVersion.objects.filter(body__in=help_articles.demo_bodies()).exists()
    assert ArticleVersion.objects.exclude(publish_at=None).exists()
