"""A local server with the part of the S3 API that uploads need."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>{}</Message></Error>"


class S3Server(ThreadingHTTPServer):
    """`objects` has content by key. If `fails` is set, every request fails with this error code."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, bytes] = {}
        self.signed = True
        self.fails = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: S3Server
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        address = urlsplit(self.path)
        _bucket, _slash, key = unquote(address.path).lstrip("/").partition("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.signed &= "AWS4-HMAC-SHA256 Credential=portal/" in self.headers.get("Authorization", "")
        if self.server.fails:
            self.reply(507, ERROR.format(self.server.fails, "No room").encode())
        elif self.command == "PUT":
            self.server.objects[key] = body
            self.reply(200)
        elif self.command == "DELETE":
            self.server.objects.pop(key, None)
            self.reply(204)
        elif not key:
            self.reply(200, self.listing(parse_qs(address.query).get("prefix", [""])[0]))
        elif key in self.server.objects:
            self.reply(200, self.server.objects[key])
        else:
            self.reply(404, ERROR.format("NoSuchKey", "There is none").encode())

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def do_PUT(self) -> None:
        self.answer()

    def do_DELETE(self) -> None:
        self.answer()

    def listing(self, prefix: str) -> bytes:
        here = [key.removeprefix(prefix) for key in self.server.objects if key.startswith(prefix)]
        folders = sorted({key.split("/")[0] for key in here if "/" in key})
        parts = [f"<CommonPrefixes><Prefix>{prefix}{folder}/</Prefix></CommonPrefixes>" for folder in folders]
        parts += [f"<Contents><Key>{prefix}{key}</Key></Contents>" for key in here if "/" not in key]
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(parts)}</ListBucketResult>".encode()

    def reply(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"0"')
        self.send_header("Last-Modified", format_datetime(datetime.now(UTC), usegmt=True))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_details: object) -> None:
        """Log nothing."""


@contextmanager
def running_s3_server() -> Iterator[S3Server]:
    with S3Server() as bucket:
        threading.Thread(target=bucket.serve_forever, daemon=True).start()
        yield bucket
        bucket.shutdown()
