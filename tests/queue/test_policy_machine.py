"""The policy in Redis against the one in plain Python, through webhooks, deaths, failures and time in any order."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from queue_model import Entry, Model
from redis_server import RedisServer, running_redis
from review_queue import START, Desk, Hand, a_push, a_reply

from reviewbot.domain.job import ReviewJob
from reviewbot.queue import policy
from reviewbot.queue.outcomes import Ended, Failed, Fate, Later, Taken, Unfinished
from reviewbot.queue.policy import QueueRules

RULES = QueueRules(waiting=3, attempts=2, deliveries=2, first_wait_s=4, most_wait_s=4)
TICKETS = f"{policy.NAMESPACE}:{policy.QUEUE}"
PROJECTS = st.integers(1, 2)
NUMBERS = st.integers(1, 2)
SECONDS = st.integers(0, 9)
PLACES = st.integers(0, 99)


@dataclass
class Held:
    """A job in a hand, as both sides see it."""

    hand: Hand
    taken: Taken
    holder: str


class Machine(RuleBasedStateMachine):
    """Does the same to both, and compares every answer."""

    desk: Desk
    nonces = itertools.count()

    @initialize()
    def begin(self) -> None:
        self.desk.redis.flushall()
        self.desk.now = START
        Machine.nonces = itertools.count()
        self.model = Model(RULES, lambda: self.now)
        self.hands = [Hand(self.desk), Hand(self.desk)]
        self.gone: list[Hand] = []
        self.in_hand: list[Held] = []
        self.done: dict[str, set[str]] = {}
        """Versions that were finished since the subject's newest event."""

    @property
    def now(self) -> float:
        return self.desk.now.timestamp()

    def told(self, job: ReviewJob) -> None:
        before, _ = self.model.told.get(job.subject, (0.0, []))
        enqueued = self.desk.enqueue(job)
        assert self.model.enqueue(job, self.now) is enqueued.admission
        if enqueued.accepted and self.model.told[job.subject][0] > before:
            self.done[job.subject] = set()

    @rule(project=PROJECTS, number=NUMBERS, head=st.sampled_from("abc"), after_s=SECONDS, again=st.booleans())
    def push(self, project: int, number: int, head: str, after_s: int, again: bool) -> None:
        self.told(a_push(number, head, after_s, project, again=again))

    @rule(project=PROJECTS, number=NUMBERS, note=st.sampled_from("xy"), after_s=SECONDS)
    def comment(self, project: int, number: int, note: str, after_s: int) -> None:
        self.told(a_reply(number, "thread", note, after_s, project))

    @rule(place=PLACES, spare=st.booleans())
    def fetch(self, place: int, spare: bool) -> None:
        hand = self.hands[place % len(self.hands)]
        ticket = hand.fetch()
        if ticket is not None:
            self.take(hand, ticket, spare=spare)

    def take(self, hand: Hand, ticket: str, *, spare: bool = False) -> None:
        taken = self.desk.queue.take_spare(ticket) if spare else self.desk.queue.take(ticket)
        lease = taken.lease if isinstance(taken, Taken) else "none"
        expected = self.model.take(ticket, lease, spare=spare)
        if isinstance(expected, Entry) and isinstance(taken, Taken):
            found = (taken.job, taken.attempt, taken.tied)
            assert (expected.job, expected.attempt, bool(expected.tied)) == found
        else:
            assert expected == taken
        if taken is None:
            hand.ack(ticket)
        elif taken is Later.LATER:
            self.take(hand, ticket)  # as a slot does that has waited until an ordinary one fell free
        else:
            self.in_hand.append(Held(hand, taken, f"{ticket} {lease}"))

    def put_down(self, place: int) -> Held:
        return self.in_hand.pop(place % len(self.in_hand))

    @precondition(lambda self: self.in_hand)
    @rule(place=PLACES, ack=st.booleans())
    def finish(self, place: int, ack: bool) -> None:
        held = self.put_down(place)
        job = held.taken.job
        fate = self.desk.queue.end(held.taken, Ended())
        assert self.model.finish(job.request, held.holder) is fate
        if fate is Fate.DONE:
            self.done[job.subject].add(job.version)
        if ack:
            held.hand.ack(held.taken.ticket)

    @precondition(lambda self: self.in_hand)
    @rule(place=PLACES, lasting=st.booleans())
    def fail(self, place: int, lasting: bool) -> None:
        held = self.put_down(place)
        fate = held.hand.end(held.taken, Failed(reason="", lasting=lasting))
        due = None if lasting else self.now + 4
        assert self.model.fail(held.taken.job.request, held.holder, due) is fate

    @precondition(lambda self: self.in_hand)
    @rule(place=PLACES)
    def hand_back(self, place: int) -> None:
        held = self.put_down(place)
        fate = held.hand.end(held.taken, Unfinished())
        assert self.model.hand_back(held.taken.job.request, held.holder) is fate

    @rule(place=PLACES, goes_on=st.booleans())
    def die(self, place: int, goes_on: bool) -> None:
        """Let a worker be taken for dead; ``goes_on``: it is not, and still works on what others have by now."""
        hand = self.hands.pop(place % 2)
        hand.die()
        self.gone.append(hand)
        self.hands.append(Hand(self.desk))
        # What it fetched comes back as members of a set, in an order that Redis makes up anew for each process.
        self.hands[-1].look()
        self.desk.redis.sort(TICKETS, alpha=True, store=TICKETS)
        if not goes_on:
            self.in_hand = [held for held in self.in_hand if held.hand is not hand]

    @rule(seconds=SECONDS)
    def wait(self, seconds: int) -> None:
        self.desk.later(seconds)
        self.desk.queue.sweep()
        self.model.sweep(self.now)

    @rule()
    def requeue(self) -> None:
        assert self.model.requeue(self.now) == self.desk.queue.requeue()

    @invariant()
    def both_say_who_has_to_stop(self) -> None:
        for held in self.in_hand:
            expected = self.model.superseded(held.taken.job.request, held.holder)
            assert expected == self.desk.queue.superseded(held.taken)

    @invariant()
    def both_count_the_same(self) -> None:
        stats, model = self.desk.queue.stats(), self.model
        assert (
            len(model.pending) - len(model.later),
            len(model.running),
            len(model.later),
            sum(1 + len(entry.failed) for entry in model.dead.values()),
        ) == (stats.waiting, stats.running, stats.retrying, stats.dead)

    def teardown(self) -> None:
        """Let everybody die, and one worker do all that is left: it ends with the newest of everything."""
        for hand in (*self.hands, *self.gone):  # an acknowledgement is a sign of life
            hand.die()
        self.hands, self.in_hand = [Hand(self.desk)], []
        for _ in range(9):
            while ticket := self.hands[0].fetch():
                self.take(self.hands[0], ticket)
                while self.in_hand:
                    self.finish(0, ack=True)
            # Nobody waits for a ticket that is not there: no sweep was needed until here.
            assert self.model.pending.keys() == self.model.later.keys()
            self.wait(9)
        assert {} == self.model.pending == self.model.running
        for subject, (_, versions) in self.model.told.items():
            dead = self.model.dead.get(subject)
            given_up = () if dead is None else (dead.job, *dead.failed)
            assert set(versions) <= self.done[subject] | {job.version for job in given_up}


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    yield from running_redis()


def test_redis_and_plain_python_agree_whatever_happens(server: RedisServer) -> None:
    desk = Desk(server.url, RULES, nonce=lambda: f"{next(Machine.nonces):06}")

    class Bound(Machine):
        pass

    Bound.desk = desk
    try:
        run_state_machine_as_test(
            Bound,
            settings=settings(
                max_examples=80, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        desk.close()


def test_the_model_would_notice() -> None:
    model = Model(RULES)
    model.enqueue(a_push(1, "a"), 0)
    model.enqueue(a_push(1, "b", after_s=1), 0)
    entry = model.take("ticket", "lease")
    assert isinstance(entry, Entry)
    assert entry.job.head_sha == "b"
    assert model.take("other", "lease") is None
