"""Headers of every answer: cross-origin isolation, content security, no stale copies."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Together they make `crossOriginIsolated` true, without which there is no SharedArrayBuffer."""

CONTENT_POLICY = (
    "default-src 'none'",
    "script-src {scripts}",
    "connect-src {connections}",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors {ancestors}",
)

PAGE_SCRIPTS = "'self'"
WORKER_SCRIPTS = "'self' 'wasm-unsafe-eval' 'unsafe-eval'"
"""Workers run WebAssembly, and MuJoCo's bindings make functions with `new Function`."""

WORKER_FOLDER = "/workers/"

DESIGNER_SCRIPT = "/workers/designer_worker.js"
DESIGNER_CONNECTIONS = "'self' https://api.anthropic.com"
"""Where no proxy has a key, the designer asks the API itself, with a key that its user gave it. A worker has
the policy of its own script, so neither the page nor a worker that runs rewards can reach that host."""


EMBEDDED = "embed=1"
"""What the query of the page says where another page shows its robots in a frame: without controls, so that
nobody can be made to press one, it may be anybody's."""


def content_security_policy(path: str, inline_scripts: Iterable[str] = (), *, framed: bool = False) -> str:
    """The policy for one path: only files of `workers/` may compile code, only the designer may go elsewhere.

    Args:
        path: the path asked for, from the root of the server.
        inline_scripts: the exact texts of scripts inside the answer that may run, such as an import map.
        framed: whether other pages may show the answer in a frame.
    """
    allowed = WORKER_SCRIPTS if path.startswith(WORKER_FOLDER) else PAGE_SCRIPTS
    digests = [b64encode(sha256(text.encode()).digest()).decode() for text in inline_scripts]
    scripts = " ".join([allowed, *(f"'sha256-{digest}'" for digest in digests)])
    connections = DESIGNER_CONNECTIONS if path == DESIGNER_SCRIPT else "'self'"
    return "; ".join(CONTENT_POLICY).format(
        scripts=scripts, connections=connections, ancestors="*" if framed else "'none'"
    )


class SecurityHeaders:
    """ASGI middleware that adds the headers to every HTTP answer, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the head of its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(ISOLATION)
                headers.setdefault("Content-Security-Policy", content_security_policy(scope["path"]))
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self.app(scope, receive, send_with_headers)
