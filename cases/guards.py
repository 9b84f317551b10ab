"""Access to the pages of a case: only with access to its order in the same session."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from orders import access

View = Callable[..., HttpResponse]


def with_case(case_type: Any, page: str) -> Callable[[View], View]:
    """Decorate `view(request, case)`, whose URL has `<slug:reference>`.

    Without access to the case's order, and for a reference that doesn't exist, the response is the same redirect to the
    find page, with the return path in `next`. While the order still requires an emailed code, it is a redirect to the
    page that asks for the code. `page` names the case's status page: if a POST is redirected, `next` is that page.
    """

    def decorator(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, reference: str, **kwargs: Any) -> HttpResponse:
            case = _get_accessible_case(request, case_type, reference)
            if case is None:
                next_path = request.path if request.method in ("GET", "HEAD") else reverse(page, args=[reference])
                return access.redirect_to_find_page(next_path)
            if access.needs_code(request, case.order):
                return access.redirect_to_code_page(case.order)
            return view(request, case, **kwargs)

        def get_order_id(reference: str) -> UUID | None:
            """Used by the find page (orders/forms/next_page.py): people who open this order return here."""
            cases = case_type._default_manager.filter(reference=reference.upper())
            return cases.values_list("order__public_id", flat=True).first()

        guarded.get_order_id = get_order_id  # type: ignore[attr-defined]
        return guarded

    return decorator


def _get_accessible_case(request: HttpRequest, case_type: Any, reference: str) -> Any:
    cases = case_type._default_manager.filter(reference=reference.upper(), order__in=access.granted_orders(request))
    return cases.select_related("order__store").first()
