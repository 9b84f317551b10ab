"""How to install a product, for everybody."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from licenses import guides
from licenses.models import InstallGuide, Product


@require_safe
def guide(request: HttpRequest, slug: str) -> HttpResponse:
    """Every guide of a product in the reader's language, platform by platform."""
    product = get_object_or_404(Product, slug=slug)
    found = guides.in_language(InstallGuide.objects.filter(product=product), get_language() or "")
    if not found:
        raise Http404
    shown = [(each, guides.as_html(each.body)) for each in found]
    return render(request, "licenses/guide.html", {"product": product, "guides": shown})
