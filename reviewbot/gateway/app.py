"""The HTTP side: which address does what."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reviewbot.domain.tenant import Tenant
from reviewbot.gateway.completing import Completing
from reviewbot.gateway.house import House
from reviewbot.gateway.identifying import headers_of, identify, request_id
from reviewbot.gateway.refusing import Refusal, Refused, model_not_allowed, reject

_LOG = logging.getLogger("reviewbot")
_NOT_READY: Final = 503


def build(house: House, more: Sequence[BaseRoute] = ()) -> Starlette:
    """Put the app together; ``more`` are routes besides the model's own."""
    desk = _Desk(house)
    routes: list[BaseRoute] = [
        # First, since routes are tried in order.
        Route("/v1/chat/completions", Completing(house), methods=["POST"]),
        Route("/v1/models", desk.models),
        Route("/v1/models/{name:path}", desk.model),
        Route("/healthz", desk.healthz),
        Route("/readyz", desk.readyz),
        Route("/metrics", desk.metrics),
        Route("/status", desk.status),
        *more,
    ]
    handlers = {HTTPException: desk.unknown, Refused: desk.refused, Exception: desk.broken}
    app = Starlette(routes=routes, exception_handlers=handlers)  # type: ignore[arg-type] # each takes its own error
    app.router.redirect_slashes = False
    return app


class _Desk:
    """Answers that need no model."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def models(self, request: Request) -> Response:
        names = self._allowed(self._tenant(request))
        return self._json(request, {"object": "list", "data": [_model(name) for name in names]})

    async def model(self, request: Request) -> Response:
        name = str(request.path_params["name"])
        if name not in self._allowed(self._tenant(request)):
            raise model_not_allowed(name)
        return self._json(request, _model(name))

    async def healthz(self, request: Request) -> Response:
        """Tell that the process lives; nothing else, or an outage of Redis would have it killed."""
        return self._json(request, {"status": "alive"})

    async def readyz(self, request: Request) -> Response:
        troubles = ("the gateway is stopping",) if self._house.draining else self._house.told.troubles()
        said = {"status": "not ready" if troubles else "ready", "reasons": list(troubles)}
        return self._json(request, said, _NOT_READY if troubles else 200)

    async def metrics(self, request: Request) -> Response:
        if self._house.tenancy.rules.metrics == "operator":
            self._operator(request)
        told = self._house.told
        return Response(await told.metrics(), headers=self._headers(request) | {"content-type": told.metrics_type})

    async def status(self, request: Request) -> Response:
        return self._json(request, await self._house.told.status(self._tenant(request)))

    async def refused(self, request: Request, refused: Refused) -> Response:
        return self._refusal(request, refused.refusal)

    async def unknown(self, request: Request, error: HTTPException) -> Response:
        """Spell what the routes refuse, a method or an address, as everything else is."""
        known = f"{request.method} {request.url.path[:200]} is nothing that this gateway does: see docs/gateway.md"
        headers = dict(error.headers or {})
        code = "method_not_allowed" if error.status_code == 405 else "unknown_url"  # noqa: PLR2004 - HTTP's own
        return self._refusal(request, Refusal(status=error.status_code, message=known, code=code, headers=headers))

    async def broken(self, request: Request, error: Exception) -> Response:
        _LOG.error("%s %s failed", request.method, request.url.path[:200], exc_info=error)
        message = "this is a bug of the gateway: please report it, with the request's id"
        # uvicorn closes the connection after a bug: a client that is not told would send its next request into that.
        headers = {"connection": "close"}
        return self._refusal(
            request, Refusal(status=500, message=message, kind="api_error", code="bug", headers=headers)
        )

    def _tenant(self, request: Request) -> Tenant:
        return identify(request.scope, headers_of(request.scope), self._house.tenancy)

    def _operator(self, request: Request) -> None:
        if not self._tenant(request).operator:
            reject("this is for tenants with 'operator = true' alone", None, "not_an_operator", 403)

    def _allowed(self, tenant: Tenant) -> list[str]:
        return [name for name in self._house.tenancy.models if tenant.may_ask(name)]

    def _refusal(self, request: Request, refusal: Refusal) -> Response:
        headers = self._headers(request) | dict(refusal.headers)
        self._house.told.refused(refusal.status, refusal.code)
        return Response(refusal.body, refusal.status, headers, media_type="application/json")

    def _json(self, request: Request, said: Mapping[str, object], status: int = 200) -> Response:
        return JSONResponse(said, status, self._headers(request))

    def _headers(self, request: Request) -> dict[str, str]:
        return {"x-request-id": request_id(request.scope, self._house.new_id), "cache-control": "no-store"}


def _model(name: str) -> Mapping[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "reviewbot"}
