"""The worker's part of uploads: checking files for the preview, and importing them."""

import logging
from datetime import datetime, timedelta
from pathlib import Path

from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from intake.format_detection import ImportSource
from intake.models import ImportRun, ImportUpload
from intake.models.mappings import try_lock_upload, unlock_upload
from intake.services.import_steps import Preview, RunEnded, check_step, import_step
from intake.services.imports import start_run
from intake.services.uploads import find_source, local_copy
from intake.source_file import UnusableFile

logger = logging.getLogger(__name__)

State = ImportUpload.State


def request_check(upload: ImportUpload) -> bool:
    """Let a worker check the file for the preview. False if a worker has it already, or it was imported."""
    return upload.change_state(State.UPLOADED, State.CHECKED, State.FAILED, to=State.CHECKING, preview={}, problem="")


def request_import(upload: ImportUpload, user: User) -> bool:
    """Let a worker import the file, or continue a failed import. False if it was not checked."""
    from_states = [State.FAILED] if upload.run_id else [State.CHECKED]
    return upload.change_state(*from_states, to=State.IMPORTING, import_requested_by=user, problem="")


def work_on_uploads(until: datetime) -> None:
    """Check and import requested files, until this time. Can be called again to continue."""
    for upload in ImportUpload.objects.at_work().order_by("uploaded_at"):
        if not try_lock_upload(upload.pk):
            continue
        try:
            upload.refresh_from_db()
            _work_on(upload, until - timezone.now())
        except ImportUpload.DoesNotExist:
            continue  # it was discarded
        finally:
            unlock_upload(upload.pk)
        if timezone.now() >= until:
            return


def _work_on(upload: ImportUpload, duration: timedelta) -> None:
    try:
        with local_copy(upload) as path:
            if upload.state == State.CHECKING:
                _check(upload, path, duration)
            elif upload.state == State.IMPORTING:
                _import(upload, path, duration)
    except UnusableFile as error:
        _fail(upload, str(error))
    except RunEnded:
        _fail(upload, _("This import was undone, so it can’t continue. Upload the file again."))
    except FileNotFoundError:
        _fail(upload, _("The file was deleted. Upload it again."))
    except (OperationalError, InterfaceError):
        raise  # the next task continues
    except Exception:
        logger.exception("An uploaded file could not be imported: %s", upload.pk)
        _fail(upload, _("An unexpected error stopped this. The log of the worker has its details."))
        return
    if upload.state == State.IMPORTED:
        upload.delete_content()


def _fail(upload: ImportUpload, problem: str) -> None:
    upload.change_state(State.CHECKING, State.IMPORTING, to=State.FAILED, problem=problem[:500])


def _check(upload: ImportUpload, path: Path, duration: timedelta) -> None:
    preview = Preview.from_json(upload.preview)
    check_step(find_source(upload, path), preview, duration)
    state = State.CHECKED if preview.is_complete else State.CHECKING
    upload.change_state(State.CHECKING, to=state, preview=preview.to_json())


def _import(upload: ImportUpload, path: Path, duration: timedelta) -> None:
    source = find_source(upload, path)
    run = upload.run or _start(upload, source)
    if import_step(run, source, duration):
        upload.change_state(State.IMPORTING, to=State.IMPORTED)


def _start(upload: ImportUpload, source: ImportSource) -> ImportRun:
    options = {"encoding": upload.encoding, "date_order": upload.date_order, "mapping": str(source.mapping or "")}
    user = upload.import_requested_by
    with transaction.atomic():
        run = start_run(
            [source],
            ImportRun.Source.UPLOAD,
            user if isinstance(user, User) else None,
            "",
            {name: value for name, value in options.items() if value},
        )
        upload.change_state(State.IMPORTING, to=State.IMPORTING, run=run)
    return run
