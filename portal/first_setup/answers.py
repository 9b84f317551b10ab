"""The answers of `manage.py setup`, and how each is read from a flag or a line. Nothing here writes."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models

from desk.roles import ROLES
from licenses.models import Product, SerialPrefix, normalize_serial
from orders.models import Store
from orders.models.stores import validate_time_zone
from portal.environment import COLOR
from refunds.models import ApprovalLimit
from support.admin.region_admin import CountriesField
from support.models import PhoneNumber, StoreRegion
from support.models.regions import digits_only

ADMINISTRATOR = "administrator"  # may do everything; not a role
DRAFTS, PUBLISHED, NONE = "drafts", "published", "none"
MAX_DAYS = 3650
YES, NO = ("yes", "y"), ("no", "n")
PHONE = re.compile(r"\+?[0-9 ()./-]+")
MIN_PHONE_DIGITS = 3


class WrongAnswer(Exception):
    """An answer that can't be used. The message says what is expected."""


class NamedProduct(NamedTuple):
    name: str
    prefixes: tuple[str, ...]


class Phone(NamedTuple):
    countries: tuple[str, ...]  # none: all other countries
    number: str
    international: str


class Limit(NamedTuple):
    currency: str
    up_to: Decimal
    two_people_above: Decimal | None


@dataclass
class Answers:
    """What was told. None, or an empty list, means that nothing changes."""

    store: str | None = None
    store_name: str | None = None
    website: str | None = None
    support_email: str | None = None
    language: str | None = None
    time_zone: str | None = None
    return_days: int | None = None
    activated_returns: bool | None = None
    revoke_serials: bool | None = None
    approval_limit: list[Limit] = field(default_factory=list)
    product: list[NamedProduct] = field(default_factory=list)
    phone: list[Phone] = field(default_factory=list)
    hours: str | None = None
    articles: str | None = None
    staff: str | None = None
    staff_email: str | None = None
    role: str | None = None
    vendor_name: str | None = None
    vendor_color: str | None = None
    staff_time_zone: str | None = None


@dataclass(frozen=True)
class Question:
    """One answer: its flag, what it means in a line, and how it is read."""

    name: str
    text: str
    parse: Callable[[str], Any]
    is_repeated: bool = False
    is_asked: bool = True  # on a terminal; otherwise only the flag sets it

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"


def _column(model: type[models.Model], name: str) -> Callable[[str], Any]:
    """Read a value as the form of the model would: with its length, its format, and without card numbers."""
    column = model._meta.get_field(name)
    assert isinstance(column, models.Field)

    def parse(typed: str) -> Any:
        try:
            return column.clean(typed.strip(), None)
        except ValidationError as error:
            raise WrongAnswer(" ".join(error.messages)) from None

    return parse


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(typed: str) -> str:
        value = typed.strip().lower()
        if value not in choices:
            raise WrongAnswer(f"Enter one of: {', '.join(choices)}.")
        return value

    return parse


def _time_zone(typed: str) -> str:
    try:
        validate_time_zone(typed.strip())
    except ValidationError as error:
        raise WrongAnswer(" ".join(error.messages)) from None
    return typed.strip()


def _days(typed: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", typed.strip()) or int(typed) > MAX_DAYS:
        raise WrongAnswer(f"Enter a number of days from 0 to {MAX_DAYS}.")
    return int(typed)


def _yes_or_no(typed: str) -> bool:
    value = typed.strip().lower()
    if value not in YES + NO:
        raise WrongAnswer("Enter yes or no.")
    return value in YES


def _color(typed: str) -> str:
    if not COLOR.fullmatch(typed.strip()):
        raise WrongAnswer("Enter a color with six hexadecimal digits, for example #0b5cad.")
    return typed.strip()


def _line(typed: str) -> str:
    if not typed.strip() or "\n" in typed or "\x00" in typed:
        raise WrongAnswer("Enter a single line.")
    return typed.strip()


def _product(typed: str) -> NamedProduct:
    name, _equals, prefixes = typed.partition("=")
    found = NamedProduct(
        _column(Product, "name")(name), tuple(_prefix(each) for each in prefixes.split(",") if each.strip())
    )
    for known in SerialPrefix.objects.filter(prefix__in=found.prefixes).select_related("product"):
        if known.product.name != found.name:
            raise WrongAnswer(f"The prefix {known.prefix} belongs to {known.product.name}. Remove it there first.")
    return found


def _prefix(typed: str) -> str:
    prefix: str = _column(SerialPrefix, "prefix")(normalize_serial(typed))
    if not re.fullmatch("[A-Z0-9]+", prefix):
        raise WrongAnswer(f"{typed.strip()} isn’t a prefix. Use letters from A to Z and digits.")
    return prefix


def _phone(typed: str) -> Phone:
    countries, equals, numbers = typed.partition("=")
    if not equals:
        raise WrongAnswer("Enter countries, an equals sign and a number, for example DE,AT=0221 123456.")
    try:
        codes = CountriesField(required=False).clean(countries)
    except ValidationError as error:
        raise WrongAnswer(" ".join(error.messages)) from None
    national, _slash, international = numbers.partition("/")
    return Phone(tuple(codes), _phone_number(national), _phone_number(international) if international else "")


def _phone_number(typed: str) -> str:
    number: str = _column(PhoneNumber, "number")(typed)
    if not PHONE.fullmatch(number) or len(digits_only(number)) < MIN_PHONE_DIGITS:
        raise WrongAnswer(f"“{number}” isn’t a phone number.")
    return number


def _limit(typed: str) -> Limit:
    currency, _equals, amounts = typed.partition("=")
    alone, _slash, two_people = amounts.partition("/")
    amount = _column(ApprovalLimit, "up_to")
    limit = Limit(
        _column(ApprovalLimit, "currency")(currency), amount(alone), amount(two_people) if two_people else None
    )
    if limit.up_to < 0 or (limit.two_people_above is not None and limit.two_people_above < limit.up_to):
        raise WrongAnswer("Enter an amount of 0 or more, and a second one that isn’t lower: EUR=100/1000.")
    return limit


QUESTIONS = (
    Question(
        "store", "Short name of the store, which imports and files use, for example acme.", _column(Store, "slug")
    ),
    Question("store_name", "Name of the store, as buyers see it.", _column(Store, "name")),
    Question("website", "Address of the store, where buyers see prices and renew.", _column(StoreRegion, "url")),
    Question(
        "support_email", "Replies to the store’s emails go here. Empty: SUPPORT_EMAIL.", _column(Store, "support_email")
    ),
    Question("language", "Language for orders without one.", _choice(*(code for code, _name in settings.LANGUAGES))),
    Question("time_zone", "Time zone of the store, for its dates and return periods: Europe/Berlin.", _time_zone),
    Question("return_days", "Days in which buyers can request a return. The purchase day is day 0.", _days),
    Question("activated_returns", "Whether licenses that were activated can be returned: yes or no.", _yes_or_no),
    Question("revoke_serials", "Whether a refund revokes the serial number: yes or no.", _yes_or_no),
    Question(
        "approval_limit",
        "Up to which amount one person approves, and above which even supervisors need a second one: EUR=100/1000.",
        _limit,
        is_repeated=True,
    ),
    Question(
        "product", "A product and the prefixes of its serial numbers: Maximum Security=X.", _product, is_repeated=True
    ),
    Question(
        "phone",
        "A support phone number, for countries or (with none) for all others: DE,AT=0221 123456/+49 221 123456.",
        _phone,
        is_repeated=True,
    ),
    Question("hours", "When these numbers answer: Monday to Friday, 9:00 to 17:00.", _column(PhoneNumber, "hours")),
    Question(
        "articles",
        f"Help articles that fit any vendor: {DRAFTS} to edit, {PUBLISHED} right away, or {NONE}.",
        _choice(DRAFTS, PUBLISHED, NONE),
    ),
    Question(
        "staff", "User name of the first member of staff. An existing login doesn’t change.", _column(User, "username")
    ),
    Question("staff_email", "Their email address, for a forgotten password.", _column(User, "email")),
    Question("role", f"Their role: {ADMINISTRATOR} (everything), {', '.join(ROLES)}.", _choice(ADMINISTRATOR, *ROLES)),
    Question("vendor_name", "Your name, as pages and emails show it (the setting VENDOR_NAME).", _line),
    Question("vendor_color", "Color of buttons and links (the setting VENDOR_COLOR).", _color, is_asked=False),
    Question(
        "staff_time_zone",
        "Time zone of staff, if it isn’t the store’s (the setting STAFF_TIME_ZONE).",
        _time_zone,
        is_asked=False,
    ),
)
assert [question.name for question in QUESTIONS] == list(Answers.__dataclass_fields__)
ABOUT_THE_STORE = (
    "store_name",
    "support_email",
    "language",
    "time_zone",
    "return_days",
    "activated_returns",
    "revoke_serials",
)
NEEDED_FOR_A_NEW_STORE = ("store_name", "time_zone")


def read(question: Question, typed: str | list[str]) -> Any:
    """Read the value of a flag. Raises WrongAnswer with the flag's name."""
    try:
        return [question.parse(each) for each in typed] if isinstance(typed, list) else question.parse(typed)
    except WrongAnswer as error:
        raise WrongAnswer(f"{question.flag}: {error}") from None


def check(answers: Answers) -> None:
    """Check what depends on other answers. Raises WrongAnswer."""
    if answers.store is None:
        slugs = list(Store.objects.order_by("slug").values_list("slug", flat=True)[:2])
        told = [name for name in ABOUT_THE_STORE if getattr(answers, name) is not None]
        if told and len(slugs) != 1:
            raise WrongAnswer(f"--store is needed to say which store --{told[0].replace('_', '-')} is about.")
        answers.store = slugs[0] if told else None
    if answers.store is not None and not Store.objects.filter(slug=answers.store).exists():
        for name in NEEDED_FOR_A_NEW_STORE:
            if not getattr(answers, name):
                raise WrongAnswer(f"--{name.replace('_', '-')} is needed for the new store {answers.store}.")
    if answers.staff is None and (answers.staff_email or answers.role):
        raise WrongAnswer("--staff is needed with --staff-email and --role.")
    if answers.hours is not None and not answers.phone:
        raise WrongAnswer("--hours is needed only with --phone.")
