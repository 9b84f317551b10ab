"""Install guides. Public pages."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from licenses import guides
from licenses.models import InstallGuide, Product


@require_safe
def guide(request: HttpRequest, slug: str) -> HttpResponse:
    """The guides of a product for each platform, in the reader's language."""
    product = get_object_or_404(Product, slug=slug)
    found = guides.select_guides(InstallGuide.objects.filter(product=product), get_language() or "")
    if not found:
        raise Http404
    shown = [(each, guides.render_markdown(each.body)) for each in found]
    return render(request, "licenses/guide.html", {"product": product, "guides": shown})
