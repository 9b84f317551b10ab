from django.urls import URLPattern, path

from refunds.views import cashback, returns, swaps, withdrawals

app_name = "refunds"

urlpatterns: list[URLPattern] = [
    path("orders/<uuid:public_id>/return/", returns.request_return, name="request_return"),
    path("returns/<slug:reference>/", returns.follow, name="return"),
    path("returns/<slug:reference>/answer/", returns.answer, name="return_answer"),
    path("returns/<slug:reference>/cancel/", returns.cancel, name="return_cancel"),
    path("orders/<uuid:public_id>/swap/", swaps.request_swap, name="swap"),
    path("swaps/<slug:reference>/", swaps.follow, name="swap_status"),
    path("swaps/<slug:reference>/answer/", swaps.answer, name="swap_answer"),
    path("swaps/<slug:reference>/cancel/", swaps.cancel, name="swap_cancel"),
    path("cashback/", cashback.claim, name="cashback"),
    path("cashback/<slug:reference>/", cashback.follow, name="cashback_status"),
    path("cashback/<slug:reference>/answer/", cashback.answer, name="cashback_answer"),
    path("cashback/<slug:reference>/cancel/", cashback.cancel, name="cashback_cancel"),
    path("withdraw/", withdrawals.withdraw, name="withdraw"),
    path("withdraw/<slug:reference>/", withdrawals.acknowledgement, name="withdrawal"),
]
