"""nginx with deploy/nginx.conf, as a process of the test, before a web server of the stack; and its visitors."""

import contextlib
import http.client
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings

from tests.portal.running_demo import ROOT, free_port
from tests.production.stack import HOST, Stack
from tests.production.visitors import TIMEOUT, Headers, Page, Visitor
from tests.programs import find_program
from tests.waiting import wait_until

TEMPLATE = ROOT / "deploy" / "nginx.conf"
START_TIMEOUT = 20.0  # seconds


@dataclass
class Nginx:
    folder: Path
    http_port: int
    https_port: int

    @property
    def log(self) -> str:
        """Return everything that nginx logged."""
        return (self.folder / "access.log").read_text() + (self.folder / "errors.log").read_text()

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))


def render(values: dict[str, object]) -> str:
    """Replace the variables of deploy/nginx.conf, as envsubst does. A variable without a value is an error."""
    return re.sub(r"\$\{(\w+)\}", lambda found: str(values[found[1]]), TEMPLATE.read_text())


@contextlib.contextmanager
def running_nginx(folder: Path, *web_ports: int) -> Iterator[Nginx]:
    """Run nginx before the web servers that listen on these ports."""
    program = find_program("nginx", package="nginx-light")
    nginx = Nginx(folder, free_port(), free_port())
    make_certificate(folder)
    values = {
        "PORTAL_HOST": HOST,
        "PORTAL_SERVERS": " ".join(f"server 127.0.0.1:{port} fail_timeout=2s;" for port in web_ports),
        "RELEASES_ROOT": settings.RELEASES_ROOT,
        "TLS_FOLDER": folder,
        "HTTP_PORT": f"127.0.0.1:{nginx.http_port}",
        "HTTPS_PORT": f"127.0.0.1:{nginx.https_port}",
        "NGINX_FOLDER": folder,
        "FORM_MEGABYTES": 102,
        "RELEASE_MEGABYTES": 2049,
        "ACCESS_LOG": folder / "access.log",
    }
    configuration = folder / "nginx.conf"
    configuration.write_text(render(values))
    # Folders of a test can only be read by the user who runs it.
    directives = f"daemon off; pid {folder}/nginx.pid;" + (" user root;" if os.geteuid() == 0 else "")
    with (folder / "errors.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-p", str(folder), "-e", "stderr", "-c", str(configuration), "-g", directives],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: process.poll() is not None or listens(nginx.https_port), "nginx", START_TIMEOUT)
        assert process.poll() is None, (folder / "errors.log").read_text()
        yield nginx
    finally:
        process.terminate()
        process.wait(START_TIMEOUT)


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def make_certificate(folder: Path) -> None:
    """Write a certificate for the portal's host, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    hosts = [x509.DNSName(HOST), x509.IPAddress(IPv4Address("127.0.0.1"))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "privkey.pem").write_bytes(private)


class NginxVisitor(Visitor):
    """A visitor who connects to nginx over HTTPS. `address` is one of this machine's own, below 127.0.0.0/8."""

    def __init__(self, stack: Stack, nginx: Nginx, address: str = "127.0.0.1") -> None:
        super().__init__(stack, address, nginx.https_port)
        self.nginx = nginx

    def request(
        self, method: str, path: str, *, body: bytes = b"", headers: Headers = (), through_proxy: bool = False
    ) -> Page:
        """Send one request. nginx sets the headers of a proxy, so none are added here."""
        return super().request(method, path, body=body, headers=headers, through_proxy=False)

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=TIMEOUT, context=self.nginx.tls, source_address=(self.address, 0)
        )
