"""Visitors of the stack: each has a browser and a network address, and comes through the proxy, which terminates HTTPS.

visitor = Visitor(stack)
page = visitor.post_form("/orders/find/", "/orders/find/number/", order_number="A-1", password="…")
"""

import http.client
import itertools
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from tests.production.stack import HOST, SITE, Stack

Headers = Iterable[tuple[str, str]]
TIMEOUT = 30  # seconds
MAX_REDIRECTS = 5
_addresses = itertools.count(1)


def new_address() -> str:
    """Return an IPv4 address that no other visitor has."""
    number = next(_addresses)
    return f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"


@dataclass
class Upload:
    name: str
    content: bytes
    media_type: str = "application/octet-stream"


@dataclass
class Page:
    status: int
    path: str
    headers: http.client.HTTPMessage
    content: bytes
    cookies: dict[str, "Morsel[str]"]  # set by this response

    @property
    def text(self) -> str:
        return self.content.decode()

    @property
    def location(self) -> str:
        """The redirect target, without the site's own address; empty if there is none."""
        return (self.headers["Location"] or "").removeprefix(SITE)

    @property
    def forms(self) -> list["Form"]:
        return _parsed(self.text).forms

    def links(self, *attributes: str) -> set[str]:
        """The values of these attributes of all elements, such as `href` and `src`."""
        return {value for name, value in _parsed(self.text).attributes if name in attributes}

    @property
    def csrf_token(self) -> str:
        return next(
            (form.fields["csrfmiddlewaretoken"] for form in self.forms if "csrfmiddlewaretoken" in form.fields), ""
        )


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)  # the values of all fields as shown in the page
    names: set[str] = field(default_factory=set)  # of all fields, including files, buttons and unselected ones


class Visitor:
    def __init__(self, stack: Stack, address: str = "", port: int = 0) -> None:
        self.port = port or stack.port
        self.address = address or new_address()
        self.cookies: dict[str, str] = {}

    def get(self, path: str, *, headers: Headers = (), follow: bool = False) -> Page:
        page = self.request("GET", path, headers=headers)
        for _redirect in range(MAX_REDIRECTS if follow else 0):
            if not page.location:
                break
            page = self.request("GET", urljoin(page.path, page.location), headers=headers)
        return page

    def post(
        self,
        path: str,
        fields: Mapping[str, Any] | None = None,
        *,
        files: Mapping[str, Upload] | None = None,
        headers: Headers = (),
    ) -> Page:
        """Send a form like a browser on the site. The caller adds the token: see `post_form`."""
        if files:
            media_type, body = _multipart(fields or {}, files)
        else:
            media_type, body = "application/x-www-form-urlencoded", urlencode(fields or {}, doseq=True).encode()
        own = [("Content-Type", media_type), ("Origin", SITE), ("Referer", SITE + path)]
        given = {name.lower() for name, _value in headers}
        return self.request(
            "POST", path, body=body, headers=[*(each for each in own if each[0].lower() not in given), *headers]
        )

    def post_form(
        self, page_path: str, action: str = "", *, files: Mapping[str, Upload] | None = None, **fields: Any
    ) -> Page:
        """Open a page, fill in the form with this action (by default: the first that posts to the page), and send it.

        Values in the page, such as the token and hidden fields, are sent along.
        """
        page = self.get(page_path, follow=True)
        wanted = urlsplit(action or page_path).path
        form = next((each for each in page.forms if urlsplit(urljoin(page_path, each.action)).path == wanted), None)
        assert form is not None, f"{page_path} ({page.status}) has no form for {wanted}"
        return self.post(urljoin(page.path, form.action), form.fields | fields, files=files)

    def csrf_token(self) -> str:
        return self.get("/orders/find/").csrf_token

    def request(
        self, method: str, path: str, *, body: bytes = b"", headers: Headers = (), through_proxy: bool = True
    ) -> Page:
        """Send one request. `headers` are the visitor's own, including several with the same name.

        The proxy passes them on, except those that it sets itself.
        """
        sent = list(headers)
        given = {name.lower() for name, _value in sent}
        if "host" not in given:
            sent.insert(0, ("Host", HOST))
        if self.cookies and "cookie" not in given:
            sent.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())))
        if through_proxy:
            forwarded = [value for name, value in sent if name.lower() == "x-forwarded-for"]
            sent = [each for each in sent if each[0].lower() not in ("x-forwarded-for", "x-forwarded-proto")]
            sent += [("X-Forwarded-For", ", ".join([*forwarded, self.address])), ("X-Forwarded-Proto", "https")]
        if body or method == "POST":
            sent.append(("Content-Length", str(len(body))))
        connection = self._connect()
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent:
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            page = Page(response.status, path, response.headers, response.read(), {})
        finally:
            connection.close()
        self._keep_cookies(page)
        return page

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)

    def _keep_cookies(self, page: Page) -> None:
        for header in page.headers.get_all("Set-Cookie", []):
            for name, morsel in SimpleCookie(header).items():
                page.cookies[name] = morsel
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.coded_value


def _multipart(fields: Mapping[str, Any], files: Mapping[str, Upload]) -> tuple[str, bytes]:
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, file in files.items():
        header = f'Content-Disposition: form-data; name="{name}"; filename="{file.name}"'
        parts.append(f"--{boundary}\r\n{header}\r\nContent-Type: {file.media_type}\r\n\r\n".encode())
        parts.append(file.content + b"\r\n")
    return f"multipart/form-data; boundary={boundary}", b"".join([*parts, f"--{boundary}--\r\n".encode()])


class _PageParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.attributes: list[tuple[str, str]] = []
        self._form: Form | None = None
        self._select = ""
        self._textarea = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.attributes += values.items()
        name = values.get("name", "")
        if tag == "form":
            self._form = Form(values.get("action", ""), values.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is None:
            return
        if name and tag in ("input", "select", "textarea", "button"):
            self._form.names.add(name)
        if tag == "input" and name and values.get("type") not in ("checkbox", "radio", "submit", "file"):
            self._form.fields[name] = values.get("value", "")
        elif tag == "input" and name and "checked" in values:
            self._form.fields[name] = values.get("value", "on")
        elif tag == "select":
            self._select = name
            self._form.fields[name] = ""
        elif tag == "option" and self._select and "selected" in values:
            self._form.fields[self._select] = values.get("value", "")
        elif tag == "textarea":
            self._textarea = name
            self._form.fields[name] = ""

    def handle_data(self, data: str) -> None:
        if self._textarea and self._form is not None:
            self._form.fields[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""


def _parsed(text: str) -> _PageParser:
    parser = _PageParser()
    parser.feed(text)
    return parser
