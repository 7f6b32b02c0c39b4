"""Load on a gateway: people who read streams, and jobs that wait for whole answers.

pip install locust
GATEWAY_TOKENS=shop=...,platform=... locust --locustfile deploy/locust/locustfile.py --host http://127.0.0.1:8080

Variables: ``GATEWAY_TOKENS`` (needed), ``GATEWAY_MODEL`` (default deepseek-flash), ``GATEWAY_REPEATS``, the share of
questions that were asked before (default 0.4), ``GATEWAY_MAX_TOKENS`` (default 300). Against a real provider this costs
real money.

Streams show three times: as ``stream`` from the request to the end, as ``first byte``, and under their address as HTTP.
"""

import itertools
import json
import os
import random
import sys
import time
from collections.abc import Mapping

from locust import HttpUser, between, events, task

MODEL = os.environ.get("GATEWAY_MODEL", "deepseek-flash")
REPEATS = float(os.environ.get("GATEWAY_REPEATS", "0.4"))
MAX_TOKENS = int(os.environ.get("GATEWAY_MAX_TOKENS", "300"))
TENANTS = [pair.partition("=")[::2] for pair in os.environ.get("GATEWAY_TOKENS", "").split(",") if "=" in pair]
TOO_MANY = 429
RUN = f"{time.time():.0f}"
_turns = itertools.cycle(TENANTS)
_numbers = itertools.count()


@events.init.add_listener
def _check(**_: object) -> None:
    if not TENANTS:
        sys.exit("GATEWAY_TOKENS is not set: tenant=token, comma-separated")


def question(*, stream: bool) -> Mapping[str, object]:
    """Make a request; some were made before, by this run."""
    last = next(_numbers)
    number = random.randrange(last) if last and random.random() < REPEATS else last
    text = f"Run {RUN}, question {number}: which bugs does `for i in range(len(items) + {number % 7}): pop(i)` have?"
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": MAX_TOKENS,
        "stream": stream,
    }


class Tenant(HttpUser):
    """Somebody with a token; tenants take turns."""

    abstract = True

    def on_start(self) -> None:
        """Take the next tenant's token."""
        self.tenant, token = next(_turns)
        self.headers = {"Authorization": f"Bearer {token}", "X-Reviewbot-Task": "review"}


class Job(Tenant):
    """A job in a pipeline: one whole answer after the other."""

    weight = 1
    wait_time = between(0.1, 0.5)

    @task
    def ask(self) -> None:
        """Wait for a whole answer."""
        with self.client.post(
            "/v1/chat/completions", json=question(stream=False), headers=self.headers, name="plain", catch_response=True
        ) as answer:
            if answer.status_code == TOO_MANY:
                answer.failure(f"429, back in {answer.headers.get('Retry-After')} s")
            elif answer.ok and not answer.json()["choices"][0]["message"]["content"]:
                answer.failure("an empty answer")


class Reader(Tenant):
    """Somebody at an editor, who reads as it comes."""

    weight = 3
    wait_time = between(1, 5)

    @task
    def read(self) -> None:
        """Read a stream to its end, which has to be there."""
        began = time.perf_counter()
        first = None
        done = False
        with self.client.post(
            "/v1/chat/completions", json=question(stream=True), headers=self.headers, stream=True, catch_response=True
        ) as answer:
            if not answer.ok:
                return
            for line in answer.iter_lines():
                if line.startswith(b"data: ") and first is None:
                    first = time.perf_counter() - began
                    self._tell("first byte", first)
                if line == b"data: [DONE]":
                    done = True
                elif line.startswith(b"data: ") and "error" in json.loads(line[6:]):
                    answer.failure(f"broke off: {line.decode()[:200]}")
                    return
            if not done:
                answer.failure("the stream has no end")
                return
        self._tell("stream", time.perf_counter() - began)

    def _tell(self, name: str, seconds: float) -> None:
        self.environment.events.request.fire(
            request_type="STREAM",
            name=name,
            response_time=1_000 * seconds,
            response_length=0,
            exception=None,
            context={},
        )
