"""Whether there is a model that takes the keys and knows its name."""

from collections.abc import Mapping

from reviewbot.domain.checkup import Check, Health
from reviewbot.domain.endpoint import ApiKey, Endpoint
from reviewbot.errors import ProviderError, ReviewbotError
from reviewbot.llm import catalogue
from reviewbot.llm.catalogue import Catalogue
from reviewbot.llm.keypool import key_id
from reviewbot.settings.schema import Settings
from reviewbot.wiring import engines

_SHOWN = 5
_REFUSED = (401, 403)
_UNKNOWN = (404, 405)
_ERRORS_FROM = 300
"""Redirects are not followed: the key goes to its own host alone."""


def check(settings: Settings, environ: Mapping[str, str]) -> tuple[Check, ...]:
    """Look at the endpoint with each of its keys, by listing its models."""
    try:
        engine = engines.choose(settings, environ)
    except ReviewbotError as error:
        return (Check(name="model", health=Health.BAD, finding=str(error), exit_code=error.exit_code),)
    if engine.endpoint is None:
        return (Check(name="model", health=Health.ABSENT, finding=engine.note or "static rules only, as configured"),)
    model = engines.model(settings).name
    keys: tuple[ApiKey | None, ...] = engine.endpoint.keys or (None,)
    return tuple(_with_key(engine.endpoint, key, model) for key in keys)


def _with_key(endpoint: Endpoint, key: ApiKey | None, model: str) -> Check:
    name = "model" if key is None else f"key {key_id(key.value)}"
    try:
        return _judged(name, endpoint.host, catalogue.ask(endpoint, key), model)
    except ProviderError as error:
        return _bad(name, str(error), "check REVIEWBOT_BASE_URL, the network, and the proxy of this machine")


def _judged(name: str, host: str, answer: Catalogue, model: str) -> Check:
    if answer.status in _REFUSED:
        advice = "make a new key with the provider, and set it where this one came from, such as REVIEWBOT_API_KEY"
        return _bad(name, f"{host} refuses the key with {answer.status}", advice)
    if answer.status in _UNKNOWN:
        finding = f"{host} answers, but lists no models ({answer.status}): neither key nor model could be checked"
        advice = "if reviews fail, check that REVIEWBOT_BASE_URL is as for any OpenAI client; it often ends in /v1"
        return Check(name=name, health=Health.DOUBTFUL, finding=finding, advice=advice)
    if answer.status >= _ERRORS_FROM:
        return _bad(name, f"{host} answers with {answer.status}", "this may pass: look at the provider's status page")
    if answer.models and model not in answer.models:
        more = f" and {len(answer.models) - _SHOWN} more" if len(answer.models) > _SHOWN else ""
        finding = f"{host} has no model '{model}'; it has {', '.join(answer.models[:_SHOWN])}{more}"
        return _bad(name, finding, "set REVIEWBOT_MODEL, or model.name in the configuration")
    known = f"and has {model}" if answer.models else f"but does not say whether it has {model}"
    return Check(name=name, health=Health.GOOD, finding=f"{host} answers, {known}")


def _bad(name: str, finding: str, advice: str) -> Check:
    return Check(name=name, health=Health.BAD, finding=finding, advice=advice, exit_code=ProviderError.exit_code)
