"""Headers of every answer: what a browser may do with it. CORS is closed: no other origin is ever named."""

from __future__ import annotations

from api.door.hosts import Headers, Message, Send

CSP = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'", "connect-src 'self'",
    "manifest-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'", "object-src 'none'",
))
"""Content Security Policy, level 3: everything comes from us, and no script or style stands in a page itself."""
_ALWAYS: dict[bytes, bytes] = {
    b"content-security-policy": CSP.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",  # with no-referrer, forms would send `Origin: null`
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HSTS = (b"strict-transport-security", b"max-age=31536000")
_NO_STORE = (b"cache-control", b"no-store")


def protected(headers: Headers, *, secure: bool) -> Headers:
    """The headers of an answer with ours in place of its own; ``no-store`` unless it says how it may be kept."""
    kept = [(name, value) for name, value in headers if (low := name.lower()) not in _ALWAYS and not low.startswith(b"access-control-")]
    if not any(name.lower() == b"cache-control" for name, _ in kept):
        kept.append(_NO_STORE)
    return [*kept, *_ALWAYS.items(), *([_HSTS] if secure else [])]


def protecting(send: Send, *, secure: bool) -> Send:
    """``send`` that puts them on what passes."""
    async def passing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": protected(list(message.get("headers", ())), secure=secure)}
        await send(message)

    return passing
