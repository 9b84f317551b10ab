"""The download of an upload: the only access to its content, for permitted staff, and recorded."""

import logging
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from files.models import DownloadRecord, Upload

logger = logging.getLogger(__name__)


def get_permitted_user(request: HttpRequest) -> User | None:
    """Return the user if they may use the admin and view uploads."""
    user = request.user
    if isinstance(user, User) and admin.site.has_permission(request) and user.has_perm("files.view_upload"):
        return user
    return None


@require_safe
def download(request: HttpRequest, upload_id: UUID) -> HttpResponseBase:
    """Send the content as an attachment that no browser executes.

    Without permission, the response is the same as for an upload that doesn't exist.
    """
    staff = get_permitted_user(request)
    upload = Upload.objects.filter(pk=upload_id).first() if staff else None
    if staff is None or upload is None:
        raise Http404
    try:
        content = upload.open()
    except FileNotFoundError as error:
        raise Http404 from error
    except Exception:  # each storage backend raises its own errors
        logger.exception("The storage of uploads cannot be reached.")
        return HttpResponse(_("File storage can’t be reached. Try again later."), status=503)
    DownloadRecord.objects.create(upload_id=upload.pk, staff=staff)
    response = FileResponse(content, as_attachment=True, filename=upload.name, content_type=upload.media_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "no-store, private"
    return response
