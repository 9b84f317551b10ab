"""The only way to what buyers sent: for staff who may, as a download, and on record."""

import logging
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from files.models import Upload, UploadLook

logger = logging.getLogger(__name__)


def staff_member(request: HttpRequest) -> User | None:
    """Who asks, where the staff site is open to them, and uploads are, too."""
    user = request.user
    if isinstance(user, User) and admin.site.has_permission(request) and user.has_perm("files.view_upload"):
        return user
    return None


@require_safe
def download(request: HttpRequest, upload_id: UUID) -> HttpResponseBase:
    """The content as an attachment that no browser runs.

    Whoever may not look gets the same answer as for an upload that does not exist.
    """
    staff = staff_member(request)
    upload = Upload.objects.filter(pk=upload_id).first() if staff else None
    if staff is None or upload is None:
        raise Http404
    try:
        content = upload.open()
    except FileNotFoundError as error:
        raise Http404 from error
    except Exception:  # every storage has errors of its own
        logger.exception("The storage of uploads cannot be reached.")
        return HttpResponse(_("The storage of files cannot be reached. Please try again later."), status=503)
    UploadLook.objects.create(upload_id=upload.pk, staff=staff)
    response = FileResponse(content, as_attachment=True, filename=upload.name, content_type=upload.media_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "no-store, private"
    return response
