"""What happens when a replica of the gateway, Redis or the provider goes away, and when the provider fails for long.

python benchmarks/gateway_trouble.py trouble          each goes away in turn, the provider for 60 s
python benchmarks/gateway_trouble.py soak             the fault mix of fast_server.py on one replica, 30 minutes
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence

from gateway import started
from gateway_replicas import ANSWER_USD, HERE, MODEL, PRICE, Call, Provider, Reply, Scene, scene, steadily, table

_CAPPED_USD = 5.0
_SETTLING_S = 75.0
"""After the provider is back: longer than a breaker is open."""
_WINDOW_S = 3.0
"""Over which a success rate is taken."""


async def trouble(cut_s: float, rate: float) -> None:
    """Let a replica, Redis and the provider go away one after the other, under load."""
    provider = Provider(took_s=0.5)
    await provider.start()
    tenants = table("free") + table("paying", "budget_day_usd = 100000")
    config = MODEL + PRICE + tenants + table("capped", f"budget_day_usd = {_CAPPED_USD}")
    marks: dict[str, float] = {}
    async with scene(config, f"http://127.0.0.1:{provider.port}/v1") as found:
        rota = ["free", "paying"] * 4 + ["free", "capped"]
        async with asyncio.TaskGroup() as group:
            over = asyncio.Event()
            group.create_task(steadily(found, rate, over.is_set, rota))
            await _troubles(found, provider, cut_s, marks)
            over.set()
    _judge_trouble(found.replies, provider.calls)
    usual = rate * sum(each != "capped" for each in rota) / len(rota)
    for name, ended_s in marks.items():
        print(f"{name}: {_recovery(found.replies, usual, ended_s)}")


async def _troubles(found: Scene, provider: Provider, cut_s: float, marks: dict[str, float]) -> None:
    await asyncio.sleep(12)
    found.replicas[0].kill()
    await asyncio.sleep(2)
    marks["replica killed, 2 s"] = time.monotonic()
    found.replicas[0].start()
    await asyncio.sleep(20)
    found.redis.stop()
    await asyncio.sleep(2)
    marks["Redis killed, 2 s"] = time.monotonic()
    await asyncio.to_thread(found.redis.start)
    await asyncio.sleep(20)
    await provider.cut()
    await asyncio.sleep(cut_s)
    await provider.start()
    marks[f"provider cut, {cut_s:g} s"] = time.monotonic()
    await asyncio.sleep(_SETTLING_S)


def _recovery(replies: Sequence[Reply], usual: float, ended_s: float) -> str:
    """Say when answers came again, and when as many as are asked for, from the moment at which a trouble ended."""
    counted = [each for each in replies if each.tenant != "capped"]
    whole = sorted(each.ended_s for each in counted if each.outcome == "whole")
    first_s = next((at_s - ended_s for at_s in whole if at_s >= ended_s), _SETTLING_S)
    for tenth in range(int(first_s * 10), int(_SETTLING_S * 10)):
        begun_s = ended_s + tenth / 10
        good = sum(begun_s <= at_s < begun_s + _WINDOW_S for at_s in whole)
        every = sum(begun_s <= each.ended_s < begun_s + _WINDOW_S for each in counted)
        if good >= 0.95 * usual * _WINDOW_S and good >= 0.95 * every:
            return f"first answer after {first_s:.1f} s, 95 % of {usual:.1f} answers/s after {tenth / 10:.1f} s"
    return f"first answer after {first_s:.1f} s, 95 % of {usual:.1f} answers/s never again"


def _judge_trouble(replies: Sequence[Reply], calls: Sequence[Call]) -> None:
    """Print what came of the requests, and fail where an answer was lost, doubled or too dear."""
    whole = [each for each in replies if each.outcome == "whole"]
    made, given = Counter(call.text for call in calls if call.ended_s), Counter(each.call for each in whole)
    for tenant in ("free", "paying", "capped"):
        print(f"{tenant}: {dict(Counter(each.outcome for each in replies if each.tenant == tenant))}")
    broken = Counter("streamed" if each.streamed else "plain" for each in replies if each.outcome == "broken off")
    print(f"{len(replies)} requests, {len(whole)} answered; broken off after the answer began: {dict(broken)}")
    unread = made.total() - len(whole)
    print(f"answers made: {made.total()}, not read: {unread}, made twice: {sum(n > 1 for n in made.values())}")
    spent = ANSWER_USD * sum(number for text, number in made.items() if text.startswith("capped"))
    print(f"budget {_CAPPED_USD:.2f} USD, billed {spent:.2f}")
    assert len({each.text for each in replies}) == len(replies)
    assert max(given.values()) == 1, "one answer went to two requests"
    assert all(made[each.text] for each in whole)
    assert not broken["plain"]
    assert spent <= _CAPPED_USD


async def soak(minutes: float, rate: float) -> None:
    """Ask one replica for long while the provider fails often, and look at its memory."""
    # Told no limit, the client takes the rate at its first 429 for one, and a cold start's is far too low.
    client = "[client]\nfirst_content_s = 5\nidle_s = 5\nrequests_per_minute = 3000\n"
    command = [sys.executable, str(HERE / "fast_server.py"), f"--seconds={minutes * 60 + 600}"]
    with started(command, {}, None) as process:
        assert process.stdout is not None
        url = (
            f"http://127.0.0.1:{int(process.stdout.readline())}/p/fault=mix,seed=9,ttft=50,total=300,tok=20,ra=0.05/v1"
        )
        async with scene(MODEL + client + table("shop"), url, replicas=1) as found, asyncio.TaskGroup() as group:
            over = asyncio.Event()
            group.create_task(steadily(found, rate, over.is_set, ["shop"]))
            for tenth in range(11):
                memory_mb = found.replicas[0].memory_mb
                print(f"{tenth * minutes / 10:5.1f} min: {memory_mb:6.1f} MB, {len(found.replies)} replies", flush=True)
                await asyncio.sleep(minutes * 6 if tenth < 10 else 0)
            over.set()
    for streamed in (False, True):
        outcomes = Counter(each.outcome for each in found.replies if each.streamed is streamed)
        share = 100 * outcomes["whole"] / outcomes.total()
        print(f"{'streamed' if streamed else 'plain'}: {share:.2f} % whole, {dict(outcomes)}")


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", choices=["trouble", "soak"])
    parser.add_argument("--cut", type=float, default=60, help="seconds without a provider")
    parser.add_argument("--minutes", type=float, default=30, help="of the soak")
    parser.add_argument("--rate", type=float, default=20, help="requests a second")
    asked = parser.parse_args()
    asyncio.run(trouble(asked.cut, asked.rate) if asked.run == "trouble" else soak(asked.minutes, asked.rate))


if __name__ == "__main__":
    main()
