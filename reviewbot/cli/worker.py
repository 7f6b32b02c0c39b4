"""``reviewbot worker``."""

import argparse
import logging
import os
import random
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING

from reviewbot.cli import streams
from reviewbot.errors import UsageError
from reviewbot.queue.connecting import ANSWER_S, QueueDownError, check_answer, open_blocking
from reviewbot.queue.reviews import ReviewQueue
from reviewbot.wiring import apps, working

if TYPE_CHECKING:
    from reviewbot.queue.outcomes import DeadJob, Taken
    from reviewbot.wiring.working import Working
    from reviewbot.worker.measuring import Measures
    from reviewbot.worker.reviewing import Bench
    from reviewbot.worker.telling import Log

_GB = 1_000_000_000
_MEMORY_BYTES = 2 * _GB
"""For one review: a large change takes a tenth of it."""
_FORKS_IDLE_S = 60.0
"""After which a worker without reviews lets go of what reviews are forked from, and of its memory."""


def worker(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Review what is in the queue, until told to end; or show and put back what is dead. Gives the exit code."""
    if find_spec("dramatiq") is None or find_spec("redis") is None:
        message = "the worker needs dramatiq and redis: pip install 'reviewbot[worker]'"
        raise UsageError(message)
    if options.dead or options.requeue:
        return _dead(options, environ)
    tokens = apps.app_tokens(environ, _now, time.sleep)  # noqa: TID251 - the command line is the world
    _work(options, working.working(environ, options.store, tokens))
    return 0


def _dead(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    with open_blocking(working.redis_url(environ), tries=1) as redis:
        queue = ReviewQueue(redis, _now, random.random)  # noqa: TID251 - the command line is the world
        try:
            if options.dead:
                streams.write_text("".join(_row(dead) for dead in queue.dead()) or "no job is dead\n")
                return 0
            count = queue.requeue(None if options.requeue == "all" else options.requeue)
        except QueueDownError as error:
            message = f"{error}. Check REVIEWBOT_REDIS_URL, or wait for that Redis: what is dead stays there"
            raise UsageError(message) from error
    if count == 0 and options.requeue != "all":
        message = f"no dead job has the id '{options.requeue}': see --dead"
        raise UsageError(message)
    streams.write_text(f"put back: {count}\n")
    return 0


def _row(dead: "DeadJob") -> str:
    job, tries = dead.job, f"{dead.attempts} attempt{'s' if dead.attempts > 1 else ''}"
    reason = dead.reason.strip().replace("\n", "\n    ")
    at = f"{dead.at:%Y-%m-%d %H:%M} UTC"
    return f"{job.id}  {job.place} {job.number} at {job.head_sha[:7]}, {tries}, {at}\n    {reason}\n"


def _work(options: argparse.Namespace, found: "Working") -> None:
    from reviewbot.queue.delivery import Delivery
    from reviewbot.worker import reviewing, serving
    from reviewbot.worker.measuring import Measures
    from reviewbot.worker.telling import Log, Records

    log = Log(sys.stderr, _now, found.secrets)
    logging.basicConfig(handlers=[Records(log)], level=logging.WARNING, force=True)
    # Jobs wait for a Redis that restarts; whoever asks in between does not, and asks again. Whether it is there at all
    # has to be known soon.
    with (
        open_blocking(found.redis_url) as redis,
        open_blocking(found.redis_url, tries=1) as quick,
        open_blocking(found.redis_url, tries=1, answer_s=ANSWER_S) as hurried,
    ):
        queue = ReviewQueue(redis, _now, random.random)  # noqa: TID251 - the command line is the world
        asked = ReviewQueue(quick, _now, random.random)  # noqa: TID251
        measures = Measures(options.slots + options.spare_slots, asked.stats, time.monotonic)
        bench = _bench(options, found, asked, log, measures)
        if options.metrics_port is not None:
            log("metrics", port=_show(measures, options.metrics_port))
        delivery = Delivery(
            redis,
            queue,
            lambda taken: reviewing.review(bench, taken),
            slots=options.slots,
            spare=options.spare_slots,
            sweeper=ReviewQueue(hurried, _now, random.random),  # noqa: TID251
        )
        serving.serve(delivery, bench.stopping, log, os._exit, lambda: check_answer(hurried))
        bench.forks.close()


def _show(measures: "Measures", port: int) -> int:
    """Serve metrics on all addresses, since whoever scrapes them is elsewhere; give the port."""
    from prometheus_client import start_http_server

    try:
        server, _ = start_http_server(port, registry=measures.registry)
    except OSError as error:
        message = f"--metrics-port {port} cannot be used: {error.strerror or error}"
        raise UsageError(message) from error
    return server.server_port


def _bench(
    options: argparse.Namespace, found: "Working", queue: ReviewQueue, log: "Log", measures: "Measures"
) -> "Bench":
    from reviewbot.repository.bare import Limits, Stores
    from reviewbot.worker import child
    from reviewbot.worker.forks import ForkServer
    from reviewbot.worker.reviewing import Bench

    def superseded(taken: "Taken") -> bool:
        try:
            return queue.superseded(taken)
        except QueueDownError:
            return False  # what is begun goes on: the queue is asked again soon

    stores = Stores(
        folder=found.folder,
        limits=Limits(total_bytes=round(options.max_store_gb * _GB)),
        environ=found.surroundings,
        clock=time.monotonic,
        pause=time.sleep,  # noqa: TID251
    )
    return Bench(
        stores=stores,
        forks=ForkServer(child.imported(found.forges), found.surroundings, idle_s=_FORKS_IDLE_S),
        token=found.token,
        environ=found.review,
        superseded=superseded,
        stopping=threading.Event(),
        clock=time.monotonic,
        log=log,
        measures=measures,
        timeout_s=options.job_timeout,
        memory_bytes=_MEMORY_BYTES,
    )


def _now() -> datetime:
    return datetime.now(UTC)
