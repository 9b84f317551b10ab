from django.urls import URLPattern, path

from refunds.views import cashback, returns, swaps, withdrawals

app_name = "refunds"

urlpatterns: list[URLPattern] = [
    path("orders/<uuid:public_id>/return/", returns.request_return, name="request_return"),
    path("orders/<uuid:public_id>/return/check/", returns.check_return, name="check_return"),
    *returns.status_pages.urls("returns"),
    path("orders/<uuid:public_id>/swap/", swaps.request_swap, name="swap"),
    path("orders/<uuid:public_id>/swap/check/", swaps.check_swap, name="check_swap"),
    *swaps.status_pages.urls("swaps"),
    path("cashback/", cashback.claim, name="cashback"),
    *cashback.status_pages.urls("cashback"),
    path("withdraw/", withdrawals.withdraw, name="withdraw"),
    path("withdraw/check/", withdrawals.check, name="check_withdrawal"),
    path("withdraw/<slug:reference>/", withdrawals.acknowledgement, name="withdrawal"),
]
