"""Webhooks to posted reviews: under kills, at full speed, and beside a project that floods.

    python benchmarks/webhook_reviews.py killed                                     # 500 webhooks, 200 requests
    python benchmarks/webhook_reviews.py steady --webhooks 160 --requests 64 --model-s 20
    python benchmarks/webhook_reviews.py flood --requests 400 --model-s 2

The real gateway, two real workers, a real Redis that writes each change to disk before it answers, a git server, and a
fake GitLab of many merge requests that stand on one repository. Everybody shares the machine's cores.

`killed`: one of the workers, by chance, is killed every 5 s and another started; Redis is killed and started again half
way through the webhooks, which come twice, late, and out of order. In the end the forge is looked at: fails unless each
request has one summary, at its newest head, and each finding once. `steady`: webhooks first, then workers, no kills:
how much of the slots' time is the model's. `flood`: how soon a request of another project is begun.
"""

import argparse
import itertools
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

from gitrepo import Repo
from jobs import named
from review_queue import a_desk
from webhook_scene import (
    BOT,
    FLOODING,
    OTHERS,
    WORKERS,
    Crew,
    Requests,
    Scene,
    opened,
    path_of,
    pause,
    until,
)
from webhook_story import Step, imagined, wrongs

_KILL_S = 5.0
_ONES = 5
"""How many requests are sent beside a flood, one after the other."""
_SUMMARY = re.compile(r"reviewbot:v1 summary head=([0-9a-f]{40})")


def _faults(requests: Requests, newest: Mapping[int, tuple[int, str]]) -> Iterator[str]:
    """Say what is wrong on the forge, which should have each thing once."""
    for (_, number), fake in requests.fakes.items():
        head, sha = newest[number]
        comments = [one for one in fake.comments() if one.author == BOT]
        summaries = [mark for one in comments for mark in _SUMMARY.findall(one.body)]
        found = Counter(name for one in comments if not _SUMMARY.search(one.body) for name in named(one.body))
        if summaries != [sha]:
            yield f"!{number}: summaries at {summaries}, newest head {sha}"
        if found != Counter(wrongs(number, head)):
            yield f"!{number}: {dict(found)}, where {wrongs(number, head)} are to be found once each"
        if fake.drafts or fake.broken or any((logged.status or 0) >= 500 for logged in fake.log):
            yield f"!{number}: drafts {len(fake.drafts)}, broken {fake.broken}, or an answer of the forge's went wrong"


def _at(line: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(line["time"]).timestamp()


def _tell(scene: Scene, crew: Crew) -> None:
    """Print what happened."""
    taken, ended = crew.said("taken"), crew.said("ended")
    again = Counter((line["job"], line["attempt"]) for line in taken)
    print(f"webhooks answered                {dict(scene.outcomes)}")
    print(f"from the first to the last job   {_at(ended[-1]) - _at(taken[0]):.0f} s")
    print(f"jobs ended, as the queue counts  {dict(scene.ended())}")
    print(f"begun {len(taken)}, ended {dict(Counter(line['outcome'] for line in ended))}")
    print(
        f"failed                           {dict(Counter(line['reason'][:40] for line in ended if 'reason' in line))}"
    )
    print(f"begun again after a worker's end {again.total() - len(again)}")
    print(f"calls of the model               {scene.model.hits}, {scene.model.most_at_once} at once at most")


def _check(scene: Scene, newest: Mapping[int, tuple[int, str]]) -> None:
    """Look at the forge. Raises AssertionError."""
    with a_desk(scene.redis.url) as desk:
        dead = [f"{one.job.number}: {one.reason}" for one in desk.queue.dead()]
    faults = list(_faults(scene.requests, newest))
    writes = Counter(
        _SUMMARY.findall(str(logged.params))[0] == newest[number][1]
        for (_, number), fake in scene.requests.fakes.items()
        for logged in fake.writes
        if _SUMMARY.search(str(logged.params))
    )
    print(f"requests                         {len(scene.requests.fakes)}, wrong in the end {len(faults)}")
    print(f"summaries written                {writes[True]} of newest heads, {writes[False]} of older ones")
    print(f"dead letters                     {len(dead)}")
    assert not faults, "\n".join(faults)
    assert not dead, "\n".join(dead)
    assert len(scene.requests.fakes) == len(newest), "a request was never opened"


def _newest(repo: Repo, story: Iterable[Step]) -> dict[int, tuple[int, str]]:
    last = {step.number: step.head for step in story if step.push}
    return {number: (head, repo.git("rev-parse", f"{number}/{head}")) for number, head in last.items()}


def _killed(scene: Scene, story: tuple[Step, ...], *, in_turn: bool) -> None:
    """Kill, until all is done."""
    sending = threading.Thread(target=scene.play, args=(story,))
    half_s, began = story[len(story) // 2].at_s, time.monotonic()
    with Crew(scene) as crew:
        sending.start()
        restarted = False
        for kill in itertools.count(1):
            pause(max(began + kill * _KILL_S - time.monotonic(), 0))
            crew.kill(in_turn=in_turn)
            if not restarted and time.monotonic() - began >= half_s:
                scene.redis.stop()
                pause(0.5)
                scene.redis.start()
                restarted = True
            busy = scene.busy()
            print(f"after {time.monotonic() - began:4.0f} s {busy} jobs wait or run", file=sys.stderr)
            if restarted and not sending.is_alive() and not busy:
                break
        print(f"kills of workers                 {crew.kills}; Redis killed once")
        _tell(scene, crew)
    _check(scene, _newest(scene.repo, story))


def _asked_s(calls: Iterable[tuple[int, float, float]]) -> float:
    """Add up for how long each request had a call under way, however many at once."""
    total_s, until_s = 0.0, dict[int, float]()
    for number, begun_s, ended_s in sorted(calls):
        total_s += max(ended_s - max(begun_s, until_s.get(number, 0)), 0)
        until_s[number] = max(ended_s, until_s.get(number, 0))
    return total_s


def _steady(scene: Scene, story: tuple[Step, ...]) -> None:
    """Measure the share of the slots' time in which the model works for a review that is posted."""
    scene.play(story, at_once=True)
    with Crew(scene) as crew:
        until(lambda: not scene.busy())
        _tell(scene, crew)
        taken, ended = crew.said("taken"), crew.said("ended")
        each_s = [line["ms"] / 1_000 for line in ended if line["outcome"] == "reviewed"]
    done = [line for line in ended if line["outcome"] == "reviewed"]
    took_s, slots = _at(done[-1]) - _at(taken[0]), WORKERS * scene.slots
    at_best_s, busy_s = _asked_s(scene.asked) / slots, sum(line["ms"] for line in ended) / 1_000 / slots
    models_s = at_best_s * slots / len(done)
    print(f"a review                         {median(each_s):.2f} s, median; {models_s:.2f} s of it the model's")
    print(f"share of the slots' time in a job {busy_s / took_s:.3f}")
    print(f"at best, by slots and the model  {at_best_s:.1f} s; took {took_s:.1f} s: ratio {at_best_s / took_s:.3f}")
    _check(scene, _newest(scene.repo, story))


def _flood(scene: Scene, requests: int) -> None:
    """Measure how soon a request is begun, and done, on an idle queue and beside a flood."""
    projects = itertools.count(OTHERS)
    with Crew(scene) as crew:

        def one() -> tuple[float, float]:
            project = next(projects)
            scene.push(project, 1, 1)
            began = time.time()
            scene.send(project, 1, 1)
            mine = path_of(project)
            until(lambda: any(line["project"] == mine for line in crew.said("ended")))
            times = [next(_at(line) for line in crew.said(e) if line["project"] == mine) for e in ("taken", "ended")]
            return times[0] - began, times[1] - began

        idle = [one() for _ in range(_ONES)]
        for number in range(1, requests + 1):
            scene.push(FLOODING, number, 1)
        for number in range(1, requests + 1):
            scene.send(FLOODING, number, 1)
        before = {one.place: one.waiting for one in scene.stats().projects}
        beside = [one() for _ in range(_ONES)]
        waiting = [one.waiting for one in scene.stats().projects if one.place.endswith(path_of(FLOODING))]
    print(f"the flood's requests in line     {max(before.values())} before, {waiting} after")
    for what, at in (("begun", 0), ("done", 1)):
        quiet, loud = [times[at] for times in idle], [times[at] for times in beside]
        print(f"{what:5} idle                       {_spread(quiet)}")
        print(f"{what:5} beside a flood             {_spread(loud)}")
        print(f"{what:5} ratio of the medians       {median(loud) / median(quiet):.2f}")


def _spread(times_s: list[float]) -> str:
    return f"median {1_000 * median(times_s):,.0f} ms, most {1_000 * max(times_s):,.0f} ms"


def main() -> None:
    """Measure, print, and fail where something is lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=("killed", "steady", "flood"))
    parser.add_argument("--webhooks", type=int, default=500)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--rate", type=float, default=5, help="webhooks a second, more or less (killed alone)")
    parser.add_argument("--model-s", type=float, default=0.5, help="seconds that the model takes for an answer")
    parser.add_argument("--in-turn", action="store_true", help="kill the workers in turn, not by chance")
    parser.add_argument("--slots", type=int, default=4, help="of each worker")
    options = parser.parse_args()
    webhooks = options.webhooks if options.mode != "flood" else 0
    story = imagined(webhooks, options.requests, webhooks / options.rate)
    heads = {step.number: step.head for step in story if step.push}
    with opened(options, heads) as scene:
        if options.mode == "killed":
            _killed(scene, story, in_turn=options.in_turn)
        elif options.mode == "steady":
            _steady(scene, story)
        else:
            _flood(scene, options.requests)


if __name__ == "__main__":
    main()
