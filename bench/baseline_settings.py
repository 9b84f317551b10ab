"""The baseline: a bare Django view on the same server, without middleware, with one query in raw SQL."""

from portal.settings import *  # noqa: F403

MIDDLEWARE = []
ROOT_URLCONF = "bench.baseline"
