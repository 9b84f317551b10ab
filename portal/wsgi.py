"""The WSGI application, for gunicorn or any other server."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from portal.proxy_headers import ProxyHeaders
from portal.watching import forget_ended_processes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

if settings.METRICS_TOKEN:
    forget_ended_processes(settings.METRICS_FOLDER)

application = ProxyHeaders(
    get_wsgi_application(),
    behind_proxy=settings.BEHIND_PROXY,
    trusted_proxies=settings.TRUSTED_PROXIES,
    client_ip_header=settings.CLIENT_IP_HEADER,
)
