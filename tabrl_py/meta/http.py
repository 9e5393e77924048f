"""The SDK's connection. In Pyodide it is the browser's fetch (httpx2-jsfetch)."""

from collections.abc import AsyncIterator

import httpx2


class WholeBytes(httpx2.AsyncBaseTransport):
    """Gives `bytes`, whatever the transport below gives: the SDK reads events out of bytes alone.

    httpx2-jsfetch 1.0 gives memory views of the browser's chunks.
    """

    def __init__(self, below: httpx2.AsyncBaseTransport) -> None:
        self._below = below

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See httpx2.AsyncBaseTransport."""
        response = await self._below.handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Chunks(response.stream)
        return response

    async def aclose(self) -> None:
        """See httpx2.AsyncBaseTransport."""
        await self._below.aclose()


class _Chunks(httpx2.AsyncByteStream):
    def __init__(self, below: httpx2.AsyncByteStream) -> None:
        self._below = below

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._below:
            yield bytes(chunk)

    async def aclose(self) -> None:
        await self._below.aclose()


def http_client(timeout_s: float) -> httpx2.AsyncClient:
    """A client for the SDK, which closes it with its own."""
    return httpx2.AsyncClient(transport=WholeBytes(httpx2.AsyncHTTPTransport()), timeout=timeout_s)
