"""Settings, engine and stores → what client is to be opened; one place for reviews and for the benchmark."""

from reviewbot.domain.endpoint import ApiKey, Endpoint
from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import UsageError
from reviewbot.llm.budget import Limits
from reviewbot.llm.keyfile import KeysFile
from reviewbot.llm.prices import Prices
from reviewbot.settings.environment import Stores, keys_in
from reviewbot.settings.schema import Settings
from reviewbot.wiring import engines, pools
from reviewbot.wiring.clients import ClientPlan
from reviewbot.wiring.engines import Engine


def client_plan(engine: Engine, settings: Settings, stores: Stores, world: Surroundings) -> ClientPlan:
    """Say what client a model's engine needs. Raises UsageError for a keys file that cannot be read."""
    client, budget, cache = settings.client, settings.budget, settings.cache
    if engine.endpoint is None:
        message = "the static engine asks no model"
        raise UsageError(message)
    return ClientPlan(
        endpoint=engine.endpoint,
        model=engines.model(settings).name,
        options=engines.client_options(settings),
        fallbacks=engine.operators.fallbacks,
        limits=Limits(run_usd=budget.run_usd, day_usd=budget.day_usd, month_usd=budget.month_usd),
        prices=Prices.load(engine.operators.prices),
        requests_per_minute=client.requests_per_minute,
        tokens_per_minute=client.tokens_per_minute,
        folder=stores.folder,
        keys_file=_keys_file(engine.pool, stores, engine.endpoint, world),
        redis_url=stores.redis_url,
        fail_open=settings.redis.fail_open,
        cached=cache.enabled,
        cache_ttl_s=cache.ttl_s,
        cache_bytes=cache.max_bytes,
        cache_secret=stores.cache_secret,
    )


def _keys_file(chosen: pools.Chosen | None, stores: Stores, endpoint: Endpoint, world: Surroundings) -> KeysFile | None:
    """Give the file that the keys in force are from, to be read again when it changes."""
    if chosen is None:
        path, origin = stores.keys_file, "REVIEWBOT_API_KEYS_FILE"
    else:
        path, origin = chosen.pool.keys_file, chosen.origin
    if path is None:
        return None

    def parse(text: str) -> tuple[ApiKey, ...]:
        found = keys_in(text, origin)
        return found if chosen is None else pools.labelled(found, chosen.pool, endpoint.host)

    keys_file = KeysFile(path, parse, world)
    keys_file.read()
    return keys_file
