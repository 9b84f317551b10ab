"""Who may open the page of a case: whoever has its order open in this browser, and nobody else."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from orders import access

View = Callable[..., HttpResponse]


def with_case(case_type: Any, page: str) -> Callable[[View], View]:
    """Give a view of `<slug:reference>` its case, a DecidedCase with an `order`, as `view(request, case)`.

    Where the case's order is not open, and where there is no such case, the answer is one and the same: the
    find page, which knows the way back. While an emailed code is awaited, the page that takes it. `page` is the
    name of the case's status page, to which a form that came too late leads back.
    """

    def decorator(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, reference: str, **kwargs: Any) -> HttpResponse:
            case = _open_case(request, case_type, reference)
            if case is None:
                back = request.path if request.method in ("GET", "HEAD") else reverse(page, args=[reference])
                return access.redirect_to_find_page(back)
            if access.pending_code_address(request, case.order):
                return redirect("orders:code", case.order.public_id)
            return view(request, case, **kwargs)

        def get_order_id(reference: str) -> UUID | None:
            """For the find page, which leads back here whoever opened this very order."""
            cases = case_type._default_manager.filter(reference=reference.upper())
            return cases.values_list("order__public_id", flat=True).first()

        guarded.get_order_id = get_order_id  # type: ignore[attr-defined]
        return guarded

    return decorator


def _open_case(request: HttpRequest, case_type: Any, reference: str) -> Any:
    cases = case_type._default_manager.filter(reference=reference.upper(), order__in=access.granted_orders(request))
    return cases.select_related("order__store").first()
