"""The report about returns, by reason and by product."""

from decimal import Decimal
from typing import Any

from django.db.models import (
    Count,
    F,
)
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from desk.charts import Cell, Table
from desk.days import last_days, midnight, since_day, with_query
from desk.panels import product_search
from desk.reports.sections import RATE_DAYS, Section, list_url, number_cell, rate
from licenses.models import Sku
from orders.admin_cells import EMPTY
from orders.models import Order
from refunds.models import Return, ReturnReason

MAX_PRODUCTS = 20


def load(request: HttpRequest) -> Section:
    first_day = last_days(RATE_DAYS)[0]
    since = midnight(first_day)
    orders = Order.objects.filter(placed_at__gte=since, is_test=False).count()
    reasons = dict(
        Return.objects.filter(created_at__gte=since).order_by().values_list("reason").annotate(number=Count("pk"))
    )
    returns = sum(reasons.values())
    names = {reason.pk: reason.label for reason in ReturnReason.objects.filter(pk__in=reasons)}
    received = {"todo": "all"} | since_day("created_at", first_day)
    placed = since_day("placed_at", first_day) | {"is_test__exact": "0"}
    by_reason = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    by_product = _returns_by_product(since)
    highest = max((Decimal(number) / sold for _pk, _name, number, sold in by_product if sold), default=Decimal(0))
    return Section(
        "returns",
        _("Returns as a rate of orders, last 30 days"),
        _(
            "Returns received in the last 30 days, compared with the orders placed in the same days, without test"
            " orders. The product is that of the item’s SKU; a return of several products counts for each."
        ),
        figures=[
            (_("Returns received"), number_cell(returns, Return, received)),
            (_("Orders placed"), number_cell(orders, Order, placed)),
            (_("Rate"), Cell(rate(returns, orders), with_query(list_url(Return), received))),
        ],
        tables=[
            Table(
                gettext("By reason"),
                [_("Reason"), _("Returns received"), _("Rate of all orders"), _("Share of the most frequent reason")],
                [
                    [
                        Cell(names.get(pk, EMPTY)),
                        number_cell(number, Return, received | {"reason__id__exact": str(pk)}),
                        Cell(rate(number, orders)),
                        Cell("", share=number / by_reason[0][1]),
                    ]
                    for pk, number in by_reason
                ],
            ),
            Table(
                gettext("By product"),
                [_("Product"), _("Returns received"), _("Orders placed"), _("Rate"), _("Share of the highest rate")],
                [
                    [
                        Cell(name),
                        number_cell(number, Return, received | {"product": str(pk)}),
                        number_cell(sold, Order, placed | {"q": product_search(pk, first_day)}),
                        Cell(rate(number, sold)),
                        Cell("", share=float(Decimal(number) / sold / highest) if sold and highest else 0),
                    ]
                    for pk, name, number, sold in by_product
                ],
            ),
        ],
    )


def _returns_by_product(since: Any) -> list[tuple[int, str, int, int]]:
    """Return ids and names of products, their returns and orders since then; those with most returns first."""
    products = Sku.objects.filter(product__isnull=False).order_by().values_list("product")
    returned = products.filter(
        store__orders__returns__created_at__gte=since, store__orders__returns__lines__line__sku=F("code")
    ).annotate(number=Count("store__orders__returns", distinct=True))
    sold = products.filter(
        store__orders__placed_at__gte=since, store__orders__is_test=False, store__orders__lines__sku=F("code")
    ).annotate(number=Count("store__orders", distinct=True))
    most = list(
        returned.values_list("product", "product__name", "number").order_by("-number", "product")[:MAX_PRODUCTS]
    )
    orders = dict(sold)
    return [(pk, name, number, orders.get(pk, 0)) for pk, name, number in most]
