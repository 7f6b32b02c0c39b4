"""What replicas of the gateway save: of 100 identical requests at once, and of a day's traffic.

python benchmarks/gateway_day.py coalesced      100 identical requests at once on two replicas
python benchmarks/gateway_day.py day            24 hours in 120 seconds, and the TTL as much shorter
"""

import argparse
import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from gateway_replicas import MODEL, Call, Provider, Reply, scene, table


async def coalesced() -> None:
    """Put 100 identical requests on two replicas at once, in one JSON body and streamed."""
    provider = Provider(took_s=1.0)
    await provider.start()
    async with scene(MODEL + table("shop"), f"http://127.0.0.1:{provider.port}/v1") as found:
        for stream in (False, True):
            before, found.replies = len(provider.calls), []
            await asyncio.gather(*(found.ask(number, "shop", "the same", stream=stream) for number in range(100)))
            outcomes, calls = Counter(each.outcome for each in found.replies), len(provider.calls) - before
            print(f"100 identical at once, {'streamed' if stream else 'plain'}: {dict(outcomes)}, calls: {calls}")
            assert (outcomes["whole"], calls) == (100, 1)


_GROUPS = {f"team-{number}": "x" if number < 6 else "y" if number < 10 else f"alone-{number}" for number in range(20)}
"""Who shares answers: six, four, and ten tenants each on their own."""


def _traffic(count: int, seconds: float, ttl_s: float) -> list[tuple[float, str, str]]:
    """Make a day: when, who, what. 40 % are repeats within a group, many in bursts; all groups ask the same."""
    chance = random.Random(7)  # noqa: S311 - a load, not a secret
    tenants, members, asked = list(_GROUPS), defaultdict(list), Counter[str]()
    for tenant, group in _GROUPS.items():
        members[group].append(tenant)
    made: list[tuple[float, str, str]] = []
    for _ in range(round(count * 0.6)):
        tenant = chance.choice(tenants)
        # Most of a day's requests come around noon.
        made.append((seconds * chance.betavariate(3, 3), tenant, f"question {asked[_GROUPS[tenant]]}"))
        asked[_GROUPS[tenant]] += 1
    repeats: list[tuple[float, str, str]] = []
    while len(repeats) < count - len(made):
        at_s, tenant, text = chance.choice(made)
        several = chance.random() < 0.15
        for _ in range(min(chance.randint(4, 8) if several else 1, count - len(made) - len(repeats))):
            later_s = at_s if several else at_s + chance.expovariate(2 / ttl_s)
            repeats.append((later_s, chance.choice(members[_GROUPS[tenant]]), text))
    return sorted(made + repeats)


async def day(count: int, seconds: float) -> None:
    """Replay a day's traffic, and see by each answer's number which call it came from."""
    ttl_s = seconds / 24
    sharing = [table(name, *([] if "-" in group else [f'answers = "{group}"'])) for name, group in _GROUPS.items()]
    provider = Provider(took_s=0.3)
    await provider.start()
    config = f"{MODEL}[gateway]\ncache_ttl_s = {ttl_s}\n" + "".join(sharing)
    async with scene(config, f"http://127.0.0.1:{provider.port}/v1") as found, asyncio.TaskGroup() as group:
        began = time.monotonic()
        traffic = _traffic(count, seconds, ttl_s)
        for number, (at_s, tenant, text) in enumerate(traffic):
            await asyncio.sleep(max(began + at_s - time.monotonic(), 0))
            group.create_task(found.ask(number, tenant, text))
    print(f"{count} requests of 20 tenants in {seconds:g} s, TTL {ttl_s:g} s")
    _judge_day(found.replies, provider.calls, ttl_s)


def _judge_day(replies: Sequence[Reply], calls: Sequence[Call], ttl_s: float) -> None:
    """Print what was saved, and fail where an answer went to a stranger, was asked for too early or served too late."""
    readers, stale = defaultdict[int, set[str]](set), 0
    for reply in replies:
        assert reply.outcome == "whole", reply
        readers[reply.call].add(_GROUPS[reply.tenant])
        stale += reply.sent_s > (calls[reply.call].ended_s or 0) + ttl_s + 1
    asked = defaultdict[tuple[str, str], list[float]](list)
    for number, groups in sorted(readers.items()):
        asked[min(groups), calls[number].text].append(calls[number].begun_s)
    early = sum(b - a < ttl_s for begun in asked.values() for a, b in pairwise(begun))
    crossed, unread = sum(len(groups) > 1 for groups in readers.values()), len(calls) - len(readers)
    repeats, anew = len(replies) - len(asked), len(calls) - len(asked)
    print(f"repeats: {repeats} ({100 * repeats / len(replies):.1f} %), of these asked anew after the TTL: {anew}")
    print(f"calls of the provider: {len(calls)}; saved: {len(replies) - len(calls)}")
    print(f"repeats within the TTL asked anew: {early}; answers nobody read: {unread}; served too late: {stale}")
    print(
        f"calls while another group had the answer already: {_tempting(asked, ttl_s)}; answers that crossed: {crossed}"
    )
    assert early == unread == stale == crossed == 0


def _tempting(asked: Mapping[tuple[str, str], Sequence[float]], ttl_s: float) -> int:
    """Count the calls that a shared cache would have spared, at the price of telling strangers."""
    moments = sorted((text, at_s, group) for (group, text), begun in asked.items() for at_s in begun)
    return sum(a[0] == b[0] and a[2] != b[2] and b[1] - a[1] < ttl_s for a, b in pairwise(moments))


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", choices=["coalesced", "day"])
    parser.add_argument("--count", type=int, default=3_000, help="requests of a day")
    parser.add_argument("--seconds", type=float, default=120, help="that a day takes")
    asked = parser.parse_args()
    asyncio.run(coalesced() if asked.run == "coalesced" else day(asked.count, asked.seconds))


if __name__ == "__main__":
    main()
