"""A small load generator: keep-alive connections from separate processes, so that it is never the bottleneck."""

import multiprocessing
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

CONNECTIONS = 8
PATIENCE = 10  # seconds; a response that takes longer counts for nothing


@dataclass(frozen=True)
class Result:
    requests: int
    seconds: float
    statuses: dict[int, int]

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def _read_response(connection: socket.socket, buffer: bytearray) -> int:
    """Read one response from a keep-alive connection. Returns its status."""
    while b"\r\n\r\n" not in buffer:
        part = connection.recv(65536)
        if not part:
            raise ConnectionError("the server closed the connection")
        buffer += part
    head, _, rest = bytes(buffer).partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    missing = length - len(rest)
    while missing > 0:
        missing -= len(connection.recv(min(missing, 65536)))
    buffer.clear()
    return int(head.split(b" ", 2)[1])


def _client(
    port: int,
    requests: Sequence[bytes],
    until: float,
    tls: ssl.SSLContext | None,
    results: "multiprocessing.Queue[dict[int, int]]",
) -> None:
    statuses: dict[int, int] = {}
    buffer = bytearray()
    connection: socket.socket | None = None
    index = 0
    while time.monotonic() < until:
        if connection is None:
            connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
            if tls is not None:
                connection = tls.wrap_socket(connection, server_hostname="127.0.0.1")
        try:
            connection.sendall(requests[index % len(requests)])
            status = _read_response(connection, buffer)
        except (ConnectionError, OSError):  # a worker was recycled
            connection.close()
            connection = None
            buffer.clear()
            continue
        statuses[status] = statuses.get(status, 0) + 1
        index += 1
    results.put(statuses)


def run(port: int, requests: Sequence[bytes], seconds: float, tls: ssl.SSLContext | None = None) -> Result:
    """Send the requests in rotation over CONNECTIONS connections for this long, or through TLS."""
    results: multiprocessing.Queue[dict[int, int]] = multiprocessing.Queue()
    until = time.monotonic() + seconds
    share = max(1, len(requests) // CONNECTIONS)
    clients = [
        multiprocessing.Process(
            target=_client,
            args=(port, requests[number * share :] + requests[: number * share], until, tls, results),
        )
        for number in range(CONNECTIONS)
    ]
    started = time.monotonic()
    for client in clients:
        client.start()
    statuses: dict[int, int] = {}
    for _client_done in clients:
        for status, count in results.get().items():
            statuses[status] = statuses.get(status, 0) + count
    for client in clients:
        client.join()
    return Result(sum(statuses.values()), time.monotonic() - started, statuses)


def get(path: str, cookies: str = "", host: str = "127.0.0.1") -> bytes:
    """Return the bytes of a GET."""
    cookie = f"Cookie: {cookies}\r\n" if cookies else ""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive\r\n{cookie}\r\n".encode()


def post(path: str, body: str, cookies: str, client: str) -> bytes:
    """Return the bytes of a form's POST, as a proxy passes on this client's request."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\nCookie: {cookies}\r\n"
        f"X-Forwarded-For: {client}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}"
    ).encode()
