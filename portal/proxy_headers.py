"""Drop request headers that only a proxy may set, before Django sees them.

Any client can send `X-Forwarded-Proto` or `SCRIPT_NAME`. Such a header is used only if our own proxy sent it, and the
portal reads it. All other headers of this kind are dropped, including those that no code reads today.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED_PROTO = "HTTP_X_FORWARDED_PROTO"
# Names in a WSGI environment: who the client is, how it connected, which host, path or file it requested, and as whom
# it is signed in. Servers map `-` and `_` to the same name.
PROXY_HEADER = re.compile(
    r"HTTP_(X_)?("
    r"FORWARDED|REAL_|CLIENT_|CLUSTER_|TRUE_CLIENT_|CF_CONNECTING_|FASTLY_CLIENT_|ENVOY_|APPENGINE_|AZURE_"
    r"|SCHEME|URL_SCHEME|PROTO|HTTPS|SSL_|FRONT_END_HTTPS"
    r"|ORIGINAL_|REWRITE_|SCRIPT_|PATH_|PREFIX|PROXY|SERVER_|SENDFILE|ACCEL_"
    r"|REMOTE_|AUTH_|AUTHENTICATED_"
    r")|HTTP_X_(HOST|PORT|HTTP_METHOD_OVERRIDE|HTTP_HOST_OVERRIDE)"
)


class ProxyHeaders:
    """A WSGI application that calls another one, without headers that a client must not set.

    `client_ip_header` is the header in which the proxy passes the client's address; empty if it passes none.
    `trusted_proxies` are the addresses of our proxies; empty if every peer is one. A peer without an address is a local
    socket, which only our proxy can reach.
    """

    def __init__(
        self,
        application: Application,
        *,
        behind_proxy: bool,
        trusted_proxies: Sequence[Network] = (),
        client_ip_header: str = "",
    ) -> None:
        self.application = application
        self.behind_proxy = behind_proxy
        self.trusted_proxies = trusted_proxies
        self.client_ip_header = "HTTP_" + client_ip_header.upper().replace("-", "_") if client_ip_header else ""

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        kept = {FORWARDED_PROTO, self.client_ip_header} if self._is_from_proxy(environ) else set()
        for name in [name for name in environ if self._is_proxy_header(name) and name not in kept]:
            del environ[name]
        self._drop_contradiction(environ)
        # The portal is at the root of its host. A server that takes SCRIPT_NAME from a header has removed it from the
        # path.
        environ["PATH_INFO"] = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        environ["SCRIPT_NAME"] = ""
        return self.application(environ, start_response)

    def _is_proxy_header(self, name: str) -> bool:
        return name == self.client_ip_header or PROXY_HEADER.match(name) is not None

    def _is_from_proxy(self, environ: Environ) -> bool:
        if not self.behind_proxy:
            return False
        try:
            peer = ipaddress.ip_address(environ.get("REMOTE_ADDR", ""))
        except ValueError:
            return True
        if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped:
            peer = peer.ipv4_mapped
        return not self.trusted_proxies or any(peer in network for network in self.trusted_proxies)

    @staticmethod
    def _drop_contradiction(environ: Environ) -> None:
        """Drop several different values: one may be the client's own, so none is trusted."""
        values = {value.strip().lower() for value in environ.get(FORWARDED_PROTO, "").split(",")}
        if len(values) > 1:
            del environ[FORWARDED_PROTO]
        elif FORWARDED_PROTO in environ:
            environ[FORWARDED_PROTO] = values.pop()
