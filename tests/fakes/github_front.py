"""From a request to its answer: who asks, which route, what the contract says, and the faults on the way."""

import json
import threading
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from fakes import github_contract, github_graph, github_routes
from fakes import github_refusals as words
from fakes.github_apps import FakeApp
from fakes.github_calls import Call, Reply
from fakes.github_faults import Fault, Faults, Logged
from fakes.github_refusals import Refused
from fakes.github_shapes import Shapes
from fakes.github_world import World


class Front:
    """Answers requests, one at a time."""

    def __init__(self, world: World, base_path: str, *, check_answers: bool) -> None:
        self.world = world
        self.faults = Faults()
        self.log: list[Logged] = []
        self.drift: list[str] = []
        """Where answers were not as GitHub describes them."""
        self.failures: list[Exception] = []
        """The fake's own mistakes."""
        self.stopping = threading.Event()
        self.lock = threading.RLock()
        self.base_path = base_path
        self.app: FakeApp | None = None
        """The GitHub App that is registered, if one is."""
        self.graphql_path = f"{base_path.removesuffix('/v3')}/graphql"
        self.check_answers = check_answers
        self._shapes: Shapes | None = None

    def open(self, root: str) -> None:
        """Say under which address the server can be reached; nothing is answered before."""
        self._shapes = Shapes(self.world, f"{root}{self.base_path}", root)

    def answer(self, logged: Logged, token: str, accept: str) -> Reply:
        """Answer a request, faults included."""
        fault = self.faults.take(logged)
        if fault is not None and not fault.after_store:
            refusal = _came_about(fault)
            if refusal is not None:
                return _said(refusal)
        with self.lock:
            reply = self._judged(logged, token, accept)
        if fault is not None and fault.after_store:
            refusal = _came_about(fault)
            if refusal is not None:
                return _said(refusal)
        return reply

    def read(self, method: str, target: str, token: str, data: bytes) -> Logged:
        """Read a request as it came from the wire."""
        url = urlsplit(target)
        on_graphql = url.path == self.graphql_path
        path = "/graphql" if on_graphql else unquote(url.path.removeprefix(self.base_path))
        try:
            body = json.loads(data or b"{}")
        except ValueError:
            body = None
        known = self.world.tokens.get(token)
        return Logged(
            method=method,
            path=path if on_graphql or url.path.startswith(self.base_path) else "/outside",
            query=dict(parse_qsl(url.query)),
            body=body if isinstance(body, dict) else {"": "no JSON object"},
            user=None if known is None else known.account.login,
        )

    def _judged(self, logged: Logged, token: str, accept: str) -> Reply:
        if self.app is not None and self.app.concerns(logged.path):
            try:
                return self.app.answer(self.world, logged.method, logged.path, token, logged.body)
            except Refused as refusal:
                return _said(refusal)
        template = ""
        try:
            found = github_routes.find(logged.method, logged.path)
            template = "" if found is None else found[1]
            call = self._call(logged, token, accept, {} if found is None else found[2])
            if "" in logged.body:
                raise words.refused(400, "Problems parsing JSON")
            if logged.path == "/graphql":
                return Reply(body=github_graph.answer(call))
            if found is None or not github_routes.concerns(call):
                raise words.not_found()
            self._check_request(logged, template)
            reply = found[0](call)
        except Refused as refusal:
            reply = _said(refusal)
        if self.check_answers and not isinstance(reply.body, str):
            self.drift += github_contract.answer_faults(logged.method, template, reply.status, reply.body)
        return reply

    def _call(self, logged: Logged, token: str, accept: str, names: Mapping[str, str]) -> Call:
        known = self.world.tokens.get(token)
        if known is None:
            raise words.bad_credentials()
        login = known.account.login
        if self.world.setup.private and known.kind == "classic" and self.world.roles[login] == "none" and names:
            raise words.not_found()
        assert self._shapes is not None
        return Call(
            world=self.world,
            shapes=self._shapes,
            token=known,
            path=logged.path,
            query=logged.query,
            accept=accept,
            body=logged.body,
            names=names,
        )

    def _check_request(self, logged: Logged, template: str) -> None:
        faults = github_contract.request_faults(logged.method, template, logged.body)
        if faults:
            raise words.refused(422, "Invalid request.\n\n" + "\n".join(faults))


def _came_about(fault: Fault) -> Refused | None:
    if callable(fault.kind):
        fault.kind()
        return None
    if fault.kind in {"hang", "reset"}:
        raise ConnectionAbortedError(fault.kind)
    return fault.refusal()


def _said(refusal: Refused) -> Reply:
    return Reply(status=refusal.status, body=refusal.body, headers=refusal.headers)
