"""Whether answers, budgets and limits can be kept where the environment says."""

import asyncio
import os
from collections.abc import Mapping

from reviewbot.domain.checkup import Check, Health
from reviewbot.errors import UsageError
from reviewbot.llm.redis_link import RedisDownError, RedisLink
from reviewbot.settings import environment
from reviewbot.settings.schema import Settings
from reviewbot.wiring.surroundings import real_world


def check(settings: Settings, environ: Mapping[str, str]) -> tuple[Check, ...]:
    """Look at the cache's folder and at Redis."""
    stores = environment.stores(environ)
    checks = []
    if stores.folder is not None:
        usable = os.access(stores.folder if stores.folder.exists() else stores.folder.parent, os.W_OK)
        finding = f"REVIEWBOT_CACHE_DIR {stores.folder} {'can' if usable else 'cannot'} be written"
        health = Health.GOOD if usable else Health.BAD
        checks.append(Check(name="cache", health=health, finding=finding, exit_code=UsageError.exit_code))
    if stores.redis_url is not None:
        checks.append(_redis(stores.redis_url, fail_open=settings.redis.fail_open))
    if not checks:
        finding = (
            "nothing is kept between runs: REVIEWBOT_CACHE_DIR or REVIEWBOT_REDIS_URL would save repeated requests"
        )
        checks.append(Check(name="cache", health=Health.ABSENT, finding=finding))
    return tuple(checks)


def _redis(url: str, *, fail_open: bool) -> Check:
    try:
        asyncio.run(_pinged(url))
    except (RedisDownError, UsageError) as error:
        advice = "start it, correct REVIEWBOT_REDIS_URL, or let requests go on without it: redis.fail_open = true"
        health = Health.DOUBTFUL if fail_open else Health.BAD
        return Check(name="redis", health=health, finding=str(error), advice=advice, exit_code=4)
    return Check(name="redis", health=Health.GOOD, finding="Redis answers")


async def _pinged(url: str) -> None:
    link = RedisLink.open(url, real_world())
    try:
        await link.ask(lambda redis: redis.ping())
    finally:
        await link.aclose()
