"""The WSGI application, for gunicorn or any other server."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from portal.proxy_headers import ProxyHeaders

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = ProxyHeaders(
    get_wsgi_application(),
    behind_proxy=settings.BEHIND_PROXY,
    trusted_proxies=settings.TRUSTED_PROXIES,
    client_ip_header=settings.CLIENT_IP_HEADER,
)
