"""What is there already: for the overview of `manage.py setup`, and as defaults of its questions."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from licenses.models import Product
from orders.models import Store
from portal.first_setup.answers import ADMINISTRATOR, DRAFTS, NONE, Answers
from refunds.models import ApprovalLimit, ReturnPolicy
from support.models import Article, ArticleVersion, PhoneNumber, StoreRegion

MAX_LISTED = 5


def overview() -> Iterator[tuple[str, str]]:
    """What is there, as labels and values."""
    yield "stores", _listed([f"{store.slug} ({store.name}, {store.time_zone})" for store in _first(Store)])
    yield "return rules", _listed([describe_policy(store) for store in _first(Store)])
    yield (
        "approval limits",
        _listed([f"{limit.currency} {limit.up_to.normalize():f}" for limit in _first(ApprovalLimit)]),
    )
    yield "products", _listed([_describe_product(product) for product in _first(Product)])
    yield "phone numbers", _listed([_describe_phone(phone) for phone in _first(PhoneNumber)])
    published = ArticleVersion.objects.in_force(timezone.now()).filter(is_withdrawal=False)
    count = Article.objects.count()
    yield "help articles", f"{count}, {published.values('article').distinct().count()} published" if count else "none"
    yield (
        "staff",
        _listed(
            [_describe_staff(user) for user in User.objects.filter(is_staff=True).order_by("pk")[: MAX_LISTED + 1]]
        ),
    )
    yield "VENDOR_NAME", settings.VENDOR_NAME


def default_of(name: str, answers: Answers) -> str:
    """What is there as the answer to a question, else what is proposed; empty for nothing."""
    store = Store.objects.filter(slug=answers.store).first() if answers.store else None
    policy = (store.return_policies.newest_first().first() if store else None) or ReturnPolicy()
    has_staff = User.objects.filter(is_staff=True).exists()
    website = StoreRegion.objects.filter(countries=[]).values_list("url", flat=True).first()
    defaults = {
        "store": _only_store(),
        "store_name": store.public_name if store else "",
        "website": website or "",
        "support_email": store.support_email if store else "",
        "language": store.language if store else settings.LANGUAGE_CODE,
        "time_zone": store.time_zone if store and store.is_time_zone_known else "",
        "return_days": str(policy.days),
        "activated_returns": "yes" if policy.activated_may_return else "no",
        "revoke_serials": "yes" if policy.revokes_serials else "no",
        "articles": NONE if Article.objects.exists() else DRAFTS,
        "role": "" if has_staff else ADMINISTRATOR,
        "vendor_name": settings.VENDOR_NAME,
    }
    return defaults.get(name, "")


def describe_policy(store: Store) -> str:
    """The store's newest return rules in words."""
    policy = store.return_policies.newest_first().first()
    if policy is None:
        return f"{store.slug}: {ReturnPolicy().days} days (the default)"
    start = policy.in_force_from.astimezone(store.tzinfo).date()
    return f"{store.slug}: {policy.days} days" + (f" from {start}" if policy.in_force_from > timezone.now() else "")


def _only_store() -> str:
    slugs = list(Store.objects.values_list("slug", flat=True)[:2])
    return slugs[0] if len(slugs) == 1 else ""


def _first(model: Any) -> list[Any]:
    return list(model.objects.order_by("pk")[: MAX_LISTED + 1])


def _listed(texts: list[str]) -> str:
    return ("; ".join(texts[:MAX_LISTED]) + ("; …" if len(texts) > MAX_LISTED else "")) or "none"


def _describe_product(product: Product) -> str:
    prefixes = ", ".join(product.prefixes.order_by("prefix").values_list("prefix", flat=True))
    return f"{product.name} ({prefixes or 'no prefix'})"


def _describe_phone(phone: PhoneNumber) -> str:
    return f"{', '.join(phone.countries) or 'other countries'}: {phone.number}"


def _describe_staff(user: User) -> str:
    roles = [ADMINISTRATOR] if user.is_superuser else list(user.groups.values_list("name", flat=True))
    return f"{user.username} ({', '.join(roles) or 'no role'})"
