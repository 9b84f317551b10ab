"""The addresses of all pages for buyers, by the names of their URLs."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from desk.models import ExportLink, PersonRequest
from licenses.download_links import download_path, public_download_path
from licenses.models import Device, Download, Product, Release
from notifications.models import Message
from notifications.opt_outs import opt_out_url
from orders import theme
from orders.models import AccessLink, CorrectionLink, Order
from orders.services.address_corrections import correct_address
from refunds.models import CashbackClaim, Return, Swap, Withdrawal
from support.models import Article, Thread, ThreadLink


@dataclass
class Shop:
    """The pages of one order, and of everything that belongs to it. All of its rows belong only to it."""

    order: Order

    def path(self, name: str, *args: object) -> str:
        return reverse(name, args=args)

    @property
    def id(self) -> object:
        return self.order.public_id


def _order(name: str) -> Callable[[Shop], list[str]]:
    return lambda shop: [shop.path(name, shop.id)]


def _plain(name: str) -> Callable[[Shop], list[str]]:
    return lambda shop: [shop.path(name)]


def _cases(name: str, model: type) -> Callable[[Shop], list[str]]:
    """The page of a case in each of its states, and of one that does not exist."""

    def paths(shop: Shop) -> list[str]:
        by_status = {case.status: case for case in model._default_manager.all()}
        return [shop.path(name, reference) for reference in [*(case.reference for case in by_status.values()), "X-1"]]

    return paths


def _threads(name: str) -> Callable[[Shop], list[str]]:
    return _cases(name, Thread)


def _access_link(name: str) -> Callable[[Shop], list[str]]:
    def paths(shop: Shop) -> list[str]:
        fresh = AccessLink.objects.create(email_key=shop.order.email_key)
        used = AccessLink.objects.create(email_key=shop.order.email_key)
        tokens = [fresh.make_token(), used.make_token(), "made.up"]
        used.mark_used(timezone.now())
        return [shop.path(name, token) for token in tokens]

    return paths


def _thread_link(name: str) -> Callable[[Shop], list[str]]:
    def paths(shop: Shop) -> list[str]:
        thread = Thread.objects.order_by("pk").first()
        link = ThreadLink.objects.create(thread=thread)
        return [shop.path(name, link.make_token()), shop.path(name, "made.up")]

    return paths


def _person_request(shop: Shop) -> list[str]:
    asked = PersonRequest.objects.create(kind=PersonRequest.Kind.COPY, email_key=shop.order.email_key)
    return [shop.path("desk:my_data_confirm", token) for token in (asked.make_token(), "made.up")]


def _export_link(shop: Shop) -> list[str]:
    asked = PersonRequest.objects.create(kind=PersonRequest.Kind.COPY, email_key=shop.order.email_key)
    link = ExportLink.objects.create(request=asked)
    return [shop.path("desk:my_data_download", token) for token in (link.make_token(), "made.up")]


def _undo_link(shop: Shop) -> list[str]:
    other = Order.objects.exclude(pk=shop.order.pk).filter(address_corrections=None).exclude(store_email="").first()
    assert other is not None
    link = CorrectionLink.objects.create(correction=correct_address(other, f"{uuid4().hex}@example.com"))
    return [shop.path("orders:undo_correction", link.make_token()), shop.path("orders:undo_correction", "made.up")]


def _download(shop: Shop) -> list[str]:
    releases = Release.objects.order_by("pk")[:3]
    return [shop.path("licenses:download", shop.id, pk) for pk in [*(release.pk for release in releases), 0]]


def _installer(shop: Shop) -> list[str]:
    issued = Download.objects.create(release=Release.objects.first(), order=shop.order, client="192.0.2.1")
    return [download_path(issued), shop.path("licenses:installer", "made:up:x")]


def _public_download(shop: Shop) -> list[str]:
    releases = Release.objects.order_by("-product__public_download", "pk")[:2]
    return [shop.path("licenses:public_download", pk) for pk in [*(release.pk for release in releases), 0]]


def _public_installer(shop: Shop) -> list[str]:
    release = Release.objects.filter(product__public_download=True).first()
    assert release is not None
    return [public_download_path(release), shop.path("licenses:public_installer", "made:up:x")]


def _devices(name: str) -> Callable[[Shop], list[str]]:
    return lambda shop: [shop.path(name, pk) for pk in [*Device.objects.values_list("pk", flat=True)[:2], 0]]


def _pushing(name: str) -> Callable[[Shop], list[str]]:
    """Webhooks of stores; WooCommerce tests its address with GET."""
    return lambda shop: [shop.path(name, store, format) for store in ("no-such",) for format in ("woocommerce", "x")]


def _follow_ups(shop: Shop) -> list[str]:
    message = Message.objects.order_by("pk").first()
    assert message is not None
    return [urlsplit(opt_out_url(message)).path, shop.path("notifications:follow_ups", "made.up")]


ADDRESSES: dict[str, Callable[[Shop], list[str]]] = {
    "orders:home": _plain("orders:home"),
    "orders:theme": lambda shop: [theme.url(), "/theme-old.css"],
    "orders:language": _plain("orders:language"),
    "orders:list": _plain("orders:list"),
    "orders:find": _plain("orders:find"),
    "orders:find_number": _plain("orders:find_number"),
    "orders:find_card": _plain("orders:find_card"),
    "orders:find_link": _plain("orders:find_link"),
    "orders:link_sent": _plain("orders:link_sent"),
    "orders:correct_email": _plain("orders:correct_email"),
    "orders:correct_email_check": _plain("orders:correct_email_check"),
    "orders:undo_correction": _undo_link,
    "orders:order": _order("orders:order"),
    "orders:code": _order("orders:code"),
    "orders:code_again": _order("orders:code_again"),
    "orders:invoice": _order("orders:invoice"),
    "orders:invoice_as_pdf": _order("orders:invoice_as_pdf"),
    "orders:confirmation": _order("orders:confirmation"),
    "orders:access": _access_link("orders:access"),
    "orders:renew_access": _access_link("orders:renew_access"),
    "licenses:list": _plain("licenses:list"),
    "licenses:release_device": _devices("licenses:release_device"),
    "licenses:undo_release": _devices("licenses:undo_release"),
    "licenses:downloads": _plain("licenses:downloads"),
    "licenses:download": _download,
    "licenses:installer": _installer,
    "licenses:public_download": _public_download,
    "licenses:public_installer": _public_installer,
    "licenses:guide": lambda shop: [
        shop.path("licenses:guide", slug) for slug in [*Product.objects.values_list("slug", flat=True)[:2], "no-such"]
    ],
    "refunds:request_return": _order("refunds:request_return"),
    "refunds:check_return": _order("refunds:check_return"),
    "refunds:return_status": _cases("refunds:return_status", Return),
    "refunds:return_answer": _cases("refunds:return_answer", Return),
    "refunds:return_cancel": _cases("refunds:return_cancel", Return),
    "refunds:swap": _order("refunds:swap"),
    "refunds:check_swap": _order("refunds:check_swap"),
    "refunds:swap_status": _cases("refunds:swap_status", Swap),
    "refunds:swap_answer": _cases("refunds:swap_answer", Swap),
    "refunds:swap_cancel": _cases("refunds:swap_cancel", Swap),
    "refunds:cashback": _plain("refunds:cashback"),
    "refunds:cashback_status": _cases("refunds:cashback_status", CashbackClaim),
    "refunds:cashback_answer": _cases("refunds:cashback_answer", CashbackClaim),
    "refunds:cashback_cancel": _cases("refunds:cashback_cancel", CashbackClaim),
    "refunds:withdraw": _plain("refunds:withdraw"),
    "refunds:check_withdrawal": _plain("refunds:check_withdrawal"),
    "refunds:withdrawal": _cases("refunds:withdrawal", Withdrawal),
    "support:cards": _plain("support:cards"),
    "support:contacts": _plain("support:contacts"),
    "support:stores": _plain("support:stores"),
    "support:genuine": _plain("support:genuine"),
    "support:help": _plain("support:help"),
    "support:search": _plain("support:search"),
    "support:article_preview": lambda shop: [shop.path("support:article_preview", pk) for pk in (1, 0)],
    "support:charged": _plain("support:charged"),
    "support:contact": _plain("support:contact"),
    "support:thread_link_sent": _plain("support:thread_link_sent"),
    "support:open_thread": _thread_link("support:open_thread"),
    "support:renew_thread_link": _thread_link("support:renew_thread_link"),
    "support:thread": _threads("support:thread"),
    "support:thread_solved": _threads("support:thread_solved"),
    "support:request_thread_link": _threads("support:request_thread_link"),
    "support:article": lambda shop: [
        shop.path("support:article", slug) for slug in [*Article.objects.values_list("slug", flat=True), "no-such"]
    ],
    "support:article_vote": lambda shop: [shop.path("support:article_vote", "cashback")],
    "notifications:follow_ups": _follow_ups,
    "intake:activations": _plain("intake:activations"),
    "intake:bounces": lambda shop: [shop.path("intake:bounces", provider) for provider in ("postmark", "no-such")],
    "intake:store_events": _pushing("intake:store_events"),
    "intake:store_events_bare": _pushing("intake:store_events_bare"),
    "desk:my_data": _plain("desk:my_data"),
    "desk:my_data_sent": _plain("desk:my_data_sent"),
    "desk:my_data_confirm": _person_request,
    "desk:my_data_download": _export_link,
    "files:download": lambda shop: [shop.path("files:download", uuid4())],
    "orders:sign_out": _plain("orders:sign_out"),  # the last one, because it ends access
}


def names_of_urls() -> set[str]:
    """Return the names of all URLs except those of the admin and the demo."""
    return set(_names(get_resolver().url_patterns, ""))


def _names(patterns: Iterable[URLPattern | URLResolver], namespace: str) -> Iterator[str]:
    for each in patterns:
        if isinstance(each, URLResolver):
            if each.namespace not in ("admin", "demo"):
                yield from _names(each.url_patterns, each.namespace or namespace)
        else:
            yield f"{namespace}:{each.name}"
