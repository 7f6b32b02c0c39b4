"""Settings → who reviews, with which model, and how it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from reviewbot.domain.endpoint import ClientOptions, Endpoint, ModelOptions
from reviewbot.errors import UsageError
from reviewbot.llm.prices import Prices
from reviewbot.settings import environment
from reviewbot.settings.schema import Settings
from reviewbot.wiring import operator, pools
from reviewbot.wiring.surroundings import utc_now

_VERDICT_TOKENS = 800
_NO_KEY = "no API key and no endpoint is set: set REVIEWBOT_API_KEY, or REVIEWBOT_BASE_URL for a server of your own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Who reviews."""

    name: str
    endpoint: Endpoint | None
    """Where the model is; None for the static engine."""
    operators: operator.Operator = field(default_factory=operator.Operator)
    """What the operator's file says of models and prices."""
    pool: pools.Chosen | None = None
    """Where the endpoint's keys are from; None for the default ones."""
    note: str | None = None
    """What the reader should know about the choice."""


def choose(settings: Settings, environ: Mapping[str, str]) -> Engine:
    """Choose the engine. Raises UsageError for a model without a key or an endpoint."""
    if settings.engine == "static":
        return Engine(name="static", endpoint=None)
    operators = operator.read(environ)
    pool = pools.choose(operators.pools, environ)
    endpoint = _endpoint(environ, operators, pool)
    if endpoint is None and settings.engine == "llm":
        message = f"--engine llm needs a model, and {_NO_KEY}"
        raise UsageError(message)
    if endpoint is None:
        return Engine(name="static", endpoint=None, note=f"static rules only: {_NO_KEY}")
    _check_budget(settings, operators, environment.stores(environ))
    return Engine(name="llm", endpoint=endpoint, operators=operators, pool=pool)


def _endpoint(environ: Mapping[str, str], operators: operator.Operator, pool: pools.Chosen | None) -> Endpoint | None:
    if pool is None:
        return environment.endpoint(environ, operators.base_url)
    endpoint = Endpoint(base_url=environment.address(environ, operators.base_url) or environment.DEEPSEEK_URL)
    return replace(endpoint, keys=pools.keys(pool.pool, environ, endpoint.host))


def _check_budget(settings: Settings, operators: operator.Operator, stores: environment.Stores) -> None:
    """Refuse budgets that nothing could keep."""
    budget = settings.budget
    lasting = budget.day_usd is not None or budget.month_usd is not None
    if budget.run_usd is None and not lasting:
        return
    table = Prices.load(operators.prices)
    verifiers = [verifier(settings).name] if settings.review.verify else []
    names = [model(settings).name, *verifiers, *(fallback.model for fallback in operators.fallbacks)]
    unknown = [name for name in names if table.at(name, utc_now()) is None]
    if unknown:
        message = (
            f"there is a budget, but the price of model '{unknown[0]}' is not known, so it could not be "
            "kept: choose a model with a known price, give its price in the operator's file, or drop the budget"
        )
        raise UsageError(message)
    if lasting and stores.folder is None and stores.redis_url is None:
        message = (
            "a day's or month's budget needs a store that outlives the run: set REVIEWBOT_CACHE_DIR to a folder that "
            "is kept between jobs, or REVIEWBOT_REDIS_URL"
        )
        raise UsageError(message)


def model(settings: Settings, task: Literal["review", "verify", "tests", "summary"] = "review") -> ModelOptions:
    """Give the parameters of a task's requests; its own ones win."""
    common = settings.model
    own = {"review": common.review, "verify": common.verify, "tests": common.tests, "summary": common.summary}[task]
    return ModelOptions(
        name=own.name or common.name,
        temperature=common.temperature if own.temperature is None else own.temperature,
        max_tokens=min(own.max_tokens or common.max_tokens, settings.chunks.answer_tokens),
        thinking=common.thinking if own.thinking is None else own.thinking,
    )


def verifier(settings: Settings) -> ModelOptions:
    """Give the parameters of requests that verify a claim of a review.

    A verdict is short, and the budget sets the longest answer aside: without a length of its own, and without
    thinking, `_VERDICT_TOKENS` will do.
    """
    options = model(settings, "verify")
    if options.thinking or settings.model.verify.max_tokens is not None:
        return options
    return replace(options, max_tokens=min(options.max_tokens, _VERDICT_TOKENS))


def client_options(settings: Settings) -> ClientOptions:
    """Give how requests are sent."""
    client = settings.client
    return ClientOptions(
        concurrency=client.concurrency,
        attempts=client.attempts,
        connect_timeout_s=client.connect_timeout_s,
        first_content_s=client.first_content_s,
        idle_s=client.idle_s,
        deadline_s=client.deadline_s,
    )
