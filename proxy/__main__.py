"""Command line of the server: `python -m proxy`, which `./build.sh serve` runs with the built page."""

from __future__ import annotations

import errno
import gc
import logging
import os
import resource
import socket
import sys

import uvicorn

from proxy.app import PageMissingError, create_app
from proxy.options import Options, read_options
from proxy.settings import ApiKey, SettingsError, is_loopback

OTHER_FILES = 256
"""Open files beside those of relayed requests: the page's files, connections that wait."""


def main() -> int:
    """Serve until Ctrl+C; returns 1 after one clear line when a setting, port or folder will not do."""
    try:
        options = read_options(sys.argv[1:], os.environ)
        app = create_app(options.directory, options.settings)
        listener = listen(options.port, options.bind)
    except (PageMissingError, PortError, SettingsError) as error:
        print(f"proxy: {error}", file=sys.stderr, flush=True)
        return 1
    log_to_stderr(options.settings.key)
    allow_open_files(2 * options.settings.limits.streams)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=1, ws="none"
    )
    server = uvicorn.Server(config)
    spare_collector()
    print(_greeting(options, listener.getsockname()[1]), flush=True)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        print("stopped", flush=True)
    return 0


def _greeting(options: Options, port: int) -> str:
    address = f"http://{options.bind}:{port}"
    settings = options.settings
    if options.directory is not None:
        line = f"TabRL is at {address}  (Ctrl+C stops it)"
    else:
        pages = ", ".join(sorted(settings.origins))
        line = f"The relay is at {address}/anthropic for {pages}  (Ctrl+C stops it)"
    if settings.key is not None:
        line += f"\nClaude is asked at {settings.upstream} with the key of ANTHROPIC_API_KEY"
        if not is_loopback(options.bind):
            line += "; whoever reaches this address can spend it"
    return line


class PortError(Exception):
    """The port cannot be listened on."""


def listen(port: int, host: str) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises:
        PortError: the port is in use, or not allowed to this user, or the address is not this machine's.
    """
    # Only where the protocol is named does asyncio switch off Nagle's algorithm, which holds every body
    # back for 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        other = port + 1 if 1024 <= port < 65535 else 8080
        if error.errno == errno.EADDRINUSE:
            reason = "is in use by another program"
        elif error.errno == errno.EACCES:
            reason = "is not allowed to this user"
        else:
            reason = f"cannot be listened on at {host} ({error.strerror})"
        raise PortError(
            f"port {port} {reason}; choose another one: ./build.sh serve --port {other}"
        ) from None
    return listener


def allow_open_files(count: int) -> None:
    """Raise this process's limit of open files, where it is too low for so many connections and can be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))


def spare_collector() -> None:
    """Keep the pauses of Python's collector short: hundreds of streams hold a few hundred thousand objects.

    All that is imported stays for good, so it is not looked at again; the rest is, less often. Without this
    one full collection held all of 440 streams for a fifth of a second and more.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


class StrikingFormatter(logging.Formatter):
    """Writes records without the key, whatever a library may have put into one."""

    def __init__(self, key: ApiKey | None) -> None:
        super().__init__("proxy: %(message)s")
        self._key = key

    def format(self, record: logging.LogRecord) -> str:
        """One record as text, its traceback included."""
        text = super().format(record)
        return text if self._key is None else self._key.strike(text.encode()).decode()


def log_to_stderr(key: ApiKey | None) -> None:
    """Send every warning of this process, uvicorn's too, through the one formatter."""
    handler = logging.StreamHandler()
    handler.setFormatter(StrikingFormatter(key))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


if __name__ == "__main__":
    sys.exit(main())
