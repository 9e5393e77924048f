"""Command line of the server: `python -m proxy [--port 8080] [--directory dist]`."""

from __future__ import annotations

import argparse
import errno
import socket
import sys
from pathlib import Path

import uvicorn

from proxy.app import PageMissingError, create_app

HOST = "127.0.0.1"


def main() -> int:
    """Serve until Ctrl+C; returns 1 after one clear line when the port or the folder will not do."""
    options = _parser().parse_args()
    try:
        app = create_app(options.directory)
        listener = listen(options.port)
    except (PageMissingError, PortError) as error:
        print(f"proxy: {error}", file=sys.stderr, flush=True)
        return 1
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    print(f"TabRL is at http://{HOST}:{listener.getsockname()[1]}  (Ctrl+C stops it)", flush=True)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        print("stopped", flush=True)
    return 0


class PortError(Exception):
    """The port cannot be listened on."""


def listen(port: int) -> socket.socket:
    """A listening socket on this machine's loopback address; port 0 takes any free one.

    Raises:
        PortError: the port is in use, or not allowed to this user.
    """
    # Only where the protocol is named does asyncio switch off Nagle's algorithm, which holds every body
    # back for 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        other = port + 1 if 1024 <= port < 65535 else 8080
        if error.errno == errno.EADDRINUSE:
            reason = "is in use by another program"
        elif error.errno == errno.EACCES:
            reason = "is not allowed to this user"
        else:
            reason = f"cannot be listened on ({error.strerror})"
        raise PortError(
            f"port {port} {reason}; choose another one: ./build.sh serve --port {other}"
        ) from None
    return listener


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number from 0 to 65535")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m proxy", description="Serve the built page on this machine."
    )
    parser.add_argument("--port", type=_port, default=8080, help="8080 unless told; 0 takes any free one")
    parser.add_argument(
        "--directory", type=Path, default=Path("dist"), help="the built page; dist unless told"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
