"""Erases the data of a person from threads and charge claims."""

from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils.translation import gettext

from files.models import Upload
from files.services import delete_upload
from notifications.addresses import email_key
from support.models import ChargeClaim, Thread, ThreadFile

BATCH_SIZE = 1000


def threads_of(key: str) -> QuerySet[Thread]:
    return Thread.objects.filter(email_key=key)


def find_obstacles(key: str) -> Iterator[str]:
    """Yield a sentence for each undecided charge claim. Messages to support promise no money, so they don't count."""
    for claim in ChargeClaim.objects.undecided().filter(thread__email_key=key).select_related("thread").order_by("pk"):
        text = gettext("The charge claim %(case)s is undecided. Decide on it first.")
        yield text % {"case": claim.thread.reference}


def uploads_of(key: str) -> QuerySet[Upload]:
    """Return the files sent with the messages of an address."""
    files = ThreadFile.objects.filter(message__case__email_key=key)
    return Upload.objects.filter(pk__in=files.values("upload"))


def claims_naming(key: str) -> list[ChargeClaim]:
    """Return the charge claims of others that name an address. Its spelling may differ, so all lists are read."""
    named = ChargeClaim.objects.exclude(other_emails=[]).exclude(thread__email_key=key)
    rows = named.values_list("pk", "other_emails").iterator(BATCH_SIZE)
    found = [pk for pk, emails in rows if key in map(email_key, emails)]
    return list(ChargeClaim.objects.filter(pk__in=found).order_by("pk"))


def erase_threads(key: str) -> dict[str, int]:
    """Delete the threads of an address with their files, and remove it from the claims of others."""
    counts = {"support.Thread": threads_of(key).count(), "files.Upload": uploads_of(key).count()}
    delete_threads(threads_of(key))
    claims = claims_naming(key)
    for claim in claims:
        claim.other_emails = [each for each in claim.other_emails if email_key(each) != key]
        claim.save(update_fields=["other_emails"])
    return counts | {"support.ChargeClaim": len(claims)}


def delete_threads(threads: QuerySet[Thread]) -> None:
    """Delete threads with their messages, links and claims; files when the transaction commits."""
    ids = list(threads.values_list("pk", flat=True))
    for upload in Upload.objects.filter(thread_file__message__case__in=ids):
        delete_upload(upload)
    Thread.objects.filter(pk__in=ids).delete()
