"""The door: which hosts are answered, who may act, how large a request may be, and the headers of every answer."""

import hashlib
import hmac
import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "evenstride_coach"
BODY_MAX_BYTES = 4096
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# A report is one self-contained page with its own styles and pictures; it runs no script and reaches nothing.
REPORT_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-popups allow-modals"
)
_HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}


class CoachKey:
    """The coach's token. The cookie holds a value derived from it, so a stolen cookie file does not reveal it."""

    def __init__(self, token: str) -> None:
        if not token:
            raise ValueError("the coach's token is empty: everybody would be the coach")
        self._token = token.encode()
        self.cookie = hmac.new(self._token, b"evenstride cookie", hashlib.sha256).hexdigest()

    def opens(self, token: str) -> bool:
        """True when this is the token; takes the same time for every wrong one."""
        return hmac.compare_digest(token.encode(), self._token)

    def held_by(self, request: Request) -> bool:
        """True when the request carries the token (Authorization: Bearer) or the cookie."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.opens(given.strip())
        return hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), self.cookie.encode())


def from_this_machine(request: Request) -> bool:
    """True when the peer's address is a loopback address."""
    if request.client is None:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def host_name(authority: str) -> str:
    """`localhost` of `localhost:8000`, `::1` of `[::1]:8000`; empty when it is none."""
    try:
        return (urlsplit(f"//{authority}").hostname or "").lower()
    except ValueError:
        return ""


class Guard:
    """ASGI middleware: refuses foreign hosts (DNS rebinding), foreign origins and large bodies; adds the headers."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        if refusal:
            await refusal(scope, receive, send_guarded)
            return
        received = 0

        async def receive_capped() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > BODY_MAX_BYTES:
                return {"type": "http.request", "body": b"", "more_body": False}  # read on as an empty, invalid body
            return message

        await self._app(scope, receive_capped, send_guarded)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host_name(host) not in self._hosts:
            return _refuse(421, f"Host {host[:80]!r} is not served here: open the address the gateway printed")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return _refuse(403, f"requests from {origin[:80]!r} are not accepted")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > BODY_MAX_BYTES:
            return _refuse(413, f"the request is larger than {BODY_MAX_BYTES} bytes")
        return None


def _refuse(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status_code=status)
