"""The least that a gateway can do: Starlette passes bytes on over aiohttp, and knows nothing of them."""

import argparse
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route


def app(upstream: str) -> Starlette:
    """Make the proxy for an endpoint's base URL."""
    state: dict[str, aiohttp.ClientSession] = {}

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            state["session"] = session
            yield

    async def completions(request: Request) -> StreamingResponse:
        body = await request.body()
        headers = {"content-type": "application/json", "authorization": "Bearer sk-up"}
        answer = await state["session"].post(f"{upstream}/chat/completions", data=body, headers=headers)

        async def pieces() -> AsyncIterator[bytes]:
            async with answer:
                async for piece in answer.content.iter_any():
                    yield piece

        return StreamingResponse(pieces(), answer.status, media_type=answer.headers["content-type"])

    return Starlette(routes=[Route("/v1/chat/completions", completions, methods=["POST"])], lifespan=lifespan)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    wanted = parser.parse_args()
    uvicorn.run(
        app(wanted.upstream), port=wanted.port, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
