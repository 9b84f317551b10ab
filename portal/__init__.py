# Celery's shared tasks need the application to exist wherever Django runs.
from portal.celery import app as celery_app

__all__ = ["celery_app"]
