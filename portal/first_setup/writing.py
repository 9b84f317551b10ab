"""Write the answers of `manage.py setup`, in one transaction. Only what was told changes."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.text import slugify

from cases.refusals import NotPossible
from desk.staff_accounts import RoleMissing, create_staff
from licenses.models import Product, SerialPrefix
from orders.models import Store
from portal.first_setup.answers import ADMINISTRATOR, NONE, PUBLISHED, Answers, Limit, NamedProduct, Phone
from portal.first_setup.present import describe_policy
from portal.sample_content.help_articles import load_help_articles
from refunds.models import ApprovalLimit
from refunds.services.policies import change_rules
from support.models import PhoneNumber, StoreRegion

SETTINGS = ("vendor_name", "vendor_color", "staff_time_zone")  # the environment has them


class Refused(Exception):
    """Something can't be written, so nothing was. The message names the flag."""


@dataclass
class Written:
    """What was changed, in words; the first password of a new login; and the settings to add to the environment."""

    changes: list[str] = field(default_factory=list)
    password: str = ""
    settings: list[str] = field(default_factory=list)


def write(answers: Answers, *, dry_run: bool = False) -> Written:
    """Write the answers, or with `dry_run` only find out what would change. Raises Refused; then nothing is written."""
    written = Written(settings=_environment(answers))
    try:
        with transaction.atomic():
            _write_store(answers, written)
            for limit in answers.approval_limit:
                _write_limit(limit, written)
            for product in answers.product:
                _write_product(product, written)
            for phone in answers.phone:
                _write_phone(phone, answers.hours, written)
            _write_articles(answers, written)
            _write_staff(answers, written)
            transaction.set_rollback(dry_run)
    except IntegrityError:
        raise Refused("Something was changed at the same time. Run the command again.") from None
    return written


def _environment(answers: Answers) -> list[str]:
    """Lines for the environment, for settings that differ from the current ones."""
    told = {name.upper(): getattr(answers, name) for name in SETTINGS}
    return [
        _environment_line(name, value) for name, value in told.items() if value and value != getattr(settings, name)
    ]


def _environment_line(name: str, value: str) -> str:
    quote = '"' if "'" in value else "'"
    return f"{name}={quote}{value}{quote}"


def _save(row: models.Model, flag: str, values: dict[str, Any], what: str, written: Written) -> None:
    """Set these values, and save the row if it is new or one of them is different."""
    is_new = row._state.adding
    changed = {name: value for name, value in values.items() if is_new or getattr(row, name) != value}
    if not (is_new or changed):
        return
    for name, value in changed.items():
        setattr(row, name, value)
    try:
        row.full_clean()
    except ValidationError as error:
        raise Refused(f"{flag}: {' '.join(error.messages)}") from None
    row.save()
    said = {name: value for name, value in changed.items() if value not in ("", None) and str(value) not in what}
    told = ", ".join(f"{name.replace('_', ' ')} {_in_words(value)}" for name, value in said.items())
    written.changes.append(f"{what} {'created' if is_new else 'changed'}{f': {told}' if told else ''}")


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) or "other countries" if isinstance(value, list) else f"“{value}”"


def _write_store(answers: Answers, written: Written) -> None:
    if answers.store is not None:
        store = Store.objects.select_for_update().filter(slug=answers.store).first() or Store(slug=answers.store)
        told = {
            "name": answers.store_name,
            "support_email": answers.support_email,
            "language": answers.language,
            "time_zone": answers.time_zone,
        }
        values = {name: value for name, value in told.items() if value is not None}
        if answers.time_zone:
            store.is_time_zone_assumed = False
            if not store._state.adding:
                Store.objects.filter(pk=store.pk).update(is_time_zone_assumed=False)
        _save(store, "--store", values, f"Store {store.slug}", written)
        _write_policy(store, answers, written)
    if answers.website:
        region = StoreRegion.objects.filter(countries=[]).order_by("pk").first()
        region = region or StoreRegion(name=answers.store_name or settings.VENDOR_NAME, countries=[])
        _save(region, "--website", {"url": answers.website}, "Link to the store", written)


def _write_policy(store: Store, answers: Answers, written: Written) -> None:
    told = {
        "days": answers.return_days,
        "activated_may_return": answers.activated_returns,
        "revokes_serials": answers.revoke_serials,
    }
    rules = {name: value for name, value in told.items() if value is not None}
    if not rules:
        return
    try:
        policy = change_rules(store, rules)
    except (ValidationError, NotPossible) as error:
        text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        raise Refused(f"--return-days: {text}") from None
    if policy is not None:
        written.changes.append(f"Return rules: {describe_policy(store)}")


def _write_limit(limit: Limit, written: Written) -> None:
    row = ApprovalLimit.objects.filter(currency=limit.currency).first() or ApprovalLimit(currency=limit.currency)
    values = {"up_to": limit.up_to, "two_people_above": limit.two_people_above}
    _save(row, "--approval-limit", values, f"Approval limit in {limit.currency}", written)


def _write_product(told: NamedProduct, written: Written) -> None:
    slug = slugify(told.name)[:64]
    product = Product.objects.filter(models.Q(name=told.name) | models.Q(slug=slug)).first() or Product(slug=slug)
    _save(product, "--product", {"name": told.name}, f"Product {told.name}", written)
    for prefix in told.prefixes:
        known = SerialPrefix.objects.filter(prefix=prefix).first() or SerialPrefix(prefix=prefix, product=product)
        if known.product_id != product.pk:
            raise Refused(f"--product: The prefix {prefix} belongs to {known.product}. Remove it there first.")
        _save(known, "--product", {}, f"Prefix {prefix}", written)


def _write_phone(told: Phone, hours: str | None, written: Written) -> None:
    """A number of the same countries is replaced; a number that is there gets the countries."""
    countries = list(told.countries)
    numbers = PhoneNumber.objects.order_by("pk")
    phone = numbers.filter(countries=countries).first() or numbers.filter(number=told.number).first() or PhoneNumber()
    values: dict[str, Any] = {"countries": countries, "number": told.number}
    if told.international:
        values["international_number"] = told.international
    if hours is not None:
        values["hours"] = hours
    _save(phone, "--phone", values, f"Phone number {told.number}", written)


def _write_articles(answers: Answers, written: Written) -> None:
    if answers.articles in (None, NONE):
        return
    publish = answers.articles == PUBLISHED
    if count := load_help_articles(publish=publish, for_any_vendor=True):
        written.changes.append(f"Help articles created: {count} texts, {'published' if publish else 'as drafts'}")


def _write_staff(answers: Answers, written: Written) -> None:
    if not answers.staff or User.objects.filter(username=answers.staff).exists():
        return
    role = answers.role or ADMINISTRATOR
    is_administrator = role == ADMINISTRATOR
    roles = [] if is_administrator else [role]
    try:
        user, written.password = create_staff(
            answers.staff, answers.staff_email or "", roles, is_administrator=is_administrator
        )
    except RoleMissing:
        raise Refused("--role: The role’s group was deleted. Restore it: manage.py restore_roles") from None
    except ValidationError as error:
        raise Refused(f"--staff: {' '.join(error.messages)}") from None
    written.changes.append(f"Login {user.username} created: {role}")
