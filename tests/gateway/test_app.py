"""The app's addresses, as a client sees them over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.answers import Answer, Asked, refusal
from fakes.model_server import ModelServer, serving
from gateway_scene import MODEL, OTHER, TOKEN, Gateway, gateway, question

from reviewbot.errors import UsageError
from reviewbot.wiring.gateway import tenants


def answer(asked: Asked) -> Answer:
    return Answer(text=f"you said {asked.user}")


@pytest.fixture(scope="module")
def upstream() -> Iterator[ModelServer]:
    with serving(answer) as server:
        yield server


@pytest.fixture(scope="module")
def team(upstream: ModelServer) -> Iterator[Gateway]:
    with gateway(upstream) as running:
        yield running


def test_a_completion_is_the_providers_own_byte_for_byte(team: Gateway, upstream: ModelServer) -> None:
    found = team.ask(question("plain"))
    direct = team.client.post(f"{upstream.base_url}/chat/completions", json=question("plain"))
    assert (200, "application/json", "miss") == (
        found.status_code,
        found.headers["content-type"],
        found.headers["x-reviewbot-cache"],
    )
    assert direct.content == found.content


def test_the_body_goes_upstream_as_it_came_under_the_gateways_own_key(team: Gateway, upstream: ModelServer) -> None:
    body = question("tools", tools=[{"type": "function", "function": {"name": "f"}}], logprobs=True, unknown={"a": [1]})
    team.ask(body)
    asked = upstream.asked[-1]
    assert body == asked.body
    assert "Bearer upstream-key" == asked.headers["authorization"]


def test_the_same_question_again_is_answered_from_the_cache(team: Gateway, upstream: ModelServer) -> None:
    first = team.ask(question("again"))
    before = upstream.hits
    second = team.ask({"messages": question("again")["messages"], "model": MODEL, "user": "somebody else"})
    assert ("hit", first.content, before) == (second.headers["x-reviewbot-cache"], second.content, upstream.hits)


def test_whoever_wants_a_fresh_answer_gets_one_and_it_is_not_kept(team: Gateway, upstream: ModelServer) -> None:
    team.ask(question("fresh"))
    before = upstream.hits
    again = [team.ask(question("fresh"), x_reviewbot_cache="no").headers["x-reviewbot-cache"] for _ in range(2)]
    assert (["miss", "miss"], before + 2) == (again, upstream.hits)


def test_an_answer_of_one_tenant_is_not_anothers(team: Gateway) -> None:
    found = [team.ask(question("mine"), token=token).headers["x-reviewbot-cache"] for token in (TOKEN, OTHER, TOKEN)]
    assert ["miss", "miss", "hit"] == found


def test_models_are_listed_and_each_has_an_address(team: Gateway) -> None:
    listed = team.get("/v1/models").json()
    assert [MODEL] == [model["id"] for model in listed["data"]]
    assert listed["data"][0] == team.get(f"/v1/models/{MODEL}").json()
    assert 404 == team.get("/v1/models/other").status_code


@pytest.mark.parametrize("path", ["/v1/models", f"/v1/models/{MODEL}", "/status"])
@pytest.mark.parametrize("token", [None, "wrong"])
def test_nothing_is_told_without_a_token(team: Gateway, path: str, token: str | None) -> None:
    found = team.get(path, token=token)
    assert (401, "Bearer", "invalid_api_key") == (
        found.status_code,
        found.headers["www-authenticate"],
        found.json()["error"]["code"],
    )


def test_probes_want_no_token(team: Gateway) -> None:
    assert ({"status": "alive"}, {"status": "ready", "reasons": []}) == (
        team.get("/healthz", token=None).json(),
        team.get("/readyz", token=None).json(),
    )


def test_metrics_want_no_token_since_those_who_scrape_have_none(team: Gateway) -> None:
    assert 200 == team.get("/metrics", token=None).status_code


def test_metrics_may_be_kept_for_operators(upstream: ModelServer, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('[gateway]\nmetrics = "operator"\n[tenant.team]\n[tenant.other]\noperator = true\n')
    with gateway(upstream, config=config) as running:
        answers = [running.get("/metrics", token=token) for token in (None, TOKEN, OTHER)]
    assert [401, 403, 200] == [answer.status_code for answer in answers]
    assert "not_an_operator" == answers[1].json()["error"]["code"]


def test_a_rule_for_metrics_that_nobody_knows_is_refused_at_the_start() -> None:
    with pytest.raises(UsageError, match="metrics = 'everybody' is not valid"):
        tenants.parse('[gateway]\nmetrics = "everybody"\n', "gateway.toml", {})


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "unknown_url"),
        ("POST", "/v1/completions", 404, "unknown_url"),
        ("POST", "/v1/chat/completions/", 404, "unknown_url"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
    ],
)
def test_what_is_not_there_is_refused_in_the_same_form(
    team: Gateway, method: str, path: str, status: int, code: str
) -> None:
    found = team.client.request(method, path)
    assert (status, code, "invalid_request_error") == (
        found.status_code,
        found.json()["error"]["code"],
        found.json()["error"]["type"],
    )


def test_a_sane_request_id_comes_back_and_stands_in_the_log(team: Gateway) -> None:
    found = team.ask(question("id"), x_request_id="job-17.a")
    assert "job-17.a" == found.headers["x-request-id"]
    (line,) = [line for line in team.lines if line["id"] == "job-17.a"]
    assert ("team", MODEL, 200, "miss", 1, False) == (
        line["tenant"],
        line["model"],
        line["status"],
        line["cache"],
        line["attempts"],
        line["stream"],
    )
    assert 8 == len(line["key"])


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, 'a"b', "é"])
def test_a_request_id_that_could_harm_a_log_is_replaced(team: Gateway, given: str) -> None:
    headers = {"authorization": f"Bearer {TOKEN}", "x-request-id": given.encode("latin-1")}
    found = team.client.get("/v1/models", headers=headers)  # type: ignore[arg-type] # bytes are taken too
    assert found.headers["x-request-id"].startswith("req-")


def test_the_log_holds_neither_texts_nor_tokens(team: Gateway) -> None:
    team.ask(question("a word that is nobody's business"))
    assert "nobody's business" not in team.journal.getvalue()
    assert TOKEN not in team.journal.getvalue()
    assert "upstream-key" not in team.journal.getvalue()


def test_a_model_that_a_tenant_may_not_ask_for_is_not_found(upstream: ModelServer, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('[tenant.team]\nmodels = ["small-*"]\n')
    before = upstream.hits
    with gateway(upstream, config=config) as running:
        found = running.ask()
    assert (404, "model_not_found", before) == (found.status_code, found.json()["error"]["code"], upstream.hits)


def test_a_refusal_of_the_providers_comes_with_its_status_and_its_words() -> None:
    with (
        serving(lambda _: refusal(422, "this model has no eyes")) as upstream,
        gateway(upstream) as running,
    ):
        found = running.ask()
    assert 422 == found.status_code
    assert "this model has no eyes" in found.json()["error"]["message"]


def test_a_bug_is_told_as_one_without_its_details(upstream: ModelServer) -> None:
    def broken(text: str) -> int:
        raise ZeroDivisionError(text)

    with gateway(upstream) as running:
        assert running.opened is not None
        running.opened.house.count = broken
        found = running.ask(question("a secret text"))
        alive = running.get("/healthz").status_code
    assert (500, "bug", 200) == (found.status_code, found.json()["error"]["code"], alive)
    assert "close" == found.headers["connection"]
    assert "secret" not in found.text
    assert ("bug", 500) == (running.lines[-1]["error"], running.lines[-1]["status"])
