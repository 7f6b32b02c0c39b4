"""How jobs end: failures, dead letters, workers that die or stop, and what the sweep puts right."""

import pytest
from review_queue import RULES, Desk, Hand, a_push, head

from reviewbot.queue.outcomes import Admission, Ended, Failed, Fate, Unfinished


def test_a_failure_is_tried_again_after_a_while_and_dead_at_last(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    for attempt, wait_s in ((1, 10), (2, 15)):
        taken = hand.take()
        assert taken is not None
        assert attempt == taken.attempt
        assert Fate.RETRIED == hand.end(taken, Failed(reason="the forge is down"))
        desk.later(wait_s - 0.1)
        desk.queue.sweep()
        assert hand.take() is None
        desk.later(0.1)
        desk.queue.sweep()
    taken = hand.take()
    assert taken is not None
    assert Fate.DEAD == hand.end(taken, Failed(reason="the forge is gone"))
    (dead,) = desk.queue.dead()
    assert (taken.job, 3, "the forge is gone", desk.now) == (dead.job, dead.attempts, dead.reason, dead.at)
    assert (dead,) == desk.awaited_dead()


def test_a_failure_waits_as_long_as_it_was_told_to(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    taken = hand.take()
    assert taken is not None
    hand.end(taken, Failed(reason="429", wait_s=60))
    desk.later(59)
    desk.queue.sweep()
    assert hand.take() is None
    desk.later(1)
    desk.queue.sweep()
    assert head(hand.take()) == "a"


def test_another_attempt_comes_after_those_that_came_before_it_was_due(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    taken = hand.take()
    assert taken is not None
    hand.end(taken, Failed(reason=""))
    desk.later(9)
    desk.enqueue(a_push(2, "b"))
    desk.later(1)
    desk.queue.sweep()
    assert ["b", "a"] == [head(hand.take()), head(hand.take())]


def test_a_lasting_failure_is_dead_at_once_and_can_be_put_back(desk: Desk, hand: Hand) -> None:
    for number in (1, 2):
        desk.enqueue(a_push(number, f"{number}"))
        taken = hand.take()
        assert taken is not None
        assert Fate.DEAD == hand.end(taken, Failed(reason="no such project \udcff" + "." * 3_000, lasting=True))
        desk.later(1)
    last, first = desk.queue.dead()
    assert ["2", "1"] == [last.job.head_sha, first.job.head_sha]
    assert len(first.reason) == 2_000
    assert desk.queue.requeue(first.job.id) == 1
    assert desk.queue.requeue(first.job.id) == 0
    back = hand.take()
    assert back is not None
    assert (first.job, 1) == (back.job, back.attempt)
    assert desk.queue.requeue() == 1
    assert head(hand.take()) == "2"
    assert desk.queue.dead() == ()


def test_a_new_push_buries_a_dead_job_for_good(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    taken = hand.take()
    assert taken is not None
    hand.end(taken, Failed(reason="", lasting=True))
    assert Admission.DUPLICATE == desk.enqueue(a_push(1, "a")).admission
    assert Admission.FRESH == desk.enqueue(a_push(1, "b", after_s=1)).admission
    assert desk.queue.dead() == ()
    assert desk.stats_of().dead == 0


def test_a_new_push_does_not_wait_for_the_next_attempt_of_an_old_one(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    taken = hand.take()
    assert taken is not None
    hand.end(taken, Failed(reason=""))
    assert Admission.SUPERSEDING == desk.enqueue(a_push(1, "b", after_s=1)).admission
    taken = hand.take()
    assert taken is not None
    assert ("b", 1) == (taken.job.head_sha, taken.attempt)
    hand.end(taken)
    desk.later(1_000)
    desk.queue.sweep()
    assert hand.take() is None


@pytest.mark.parametrize("ending", [Failed(reason=""), Failed(reason="", lasting=True), Unfinished()])
def test_what_a_newer_push_superseded_is_neither_tried_again_nor_dead(
    desk: Desk, hand: Hand, ending: Failed | Unfinished
) -> None:
    desk.enqueue(a_push(1, "a"))
    taken = hand.take()
    assert taken is not None
    desk.enqueue(a_push(1, "b", after_s=1))
    assert Fate.SUPERSEDED == hand.end(taken, ending)
    assert head(hand.take()) == "b"
    assert desk.queue.dead() == ()


def test_a_job_handed_back_is_the_next_of_its_project_at_the_same_attempt(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    desk.later(1)
    desk.enqueue(a_push(2, "b"))
    taken = hand.take()
    assert taken is not None
    assert Fate.RETURNED == hand.end(taken, Unfinished())
    back = hand.take()
    assert back is not None
    assert ("a", 1) == (back.job.head_sha, back.attempt)


def test_a_worker_that_dies_leaves_its_job_to_another_and_learns_that_it_lost_it(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    first = hand.take()
    assert first is not None
    hand.die()
    second = Hand(desk).take()
    assert second is not None
    assert (first.job, first.ticket) == (second.job, second.ticket)
    assert [True, False] == [desk.queue.superseded(first), desk.queue.superseded(second)]
    for ending in (Ended(), Failed(reason=""), Unfinished()):
        assert Fate.LOST == desk.queue.end(first, ending)
    assert Fate.DONE == Hand(desk).end(second)


def test_a_worker_that_dies_with_an_outdated_job_leaves_the_newer_one(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    hand.take()
    desk.enqueue(a_push(1, "b", after_s=1))
    hand.die()
    other = Hand(desk)
    assert head(other.take()) == "b"
    assert other.take() is None


def test_a_job_that_takes_every_worker_along_is_dead_at_last(desk: Desk) -> None:
    desk.enqueue(a_push(1, "a"))
    for _ in range(1 + RULES.deliveries):
        hand = Hand(desk)
        assert head(hand.take()) == "a"
        hand.die()
    assert Hand(desk).take() is None
    (dead,) = desk.queue.dead()
    assert dead.reason == "its worker ended in the middle of it, 3 times"
    assert desk.stats_of().running == 0


def test_a_worker_that_dies_between_end_and_acknowledgement_costs_nothing(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    taken = hand.take()
    assert taken is not None
    desk.queue.end(taken, Ended())
    hand.die()
    assert Hand(desk).take() is None


def test_a_job_whose_worker_acknowledged_without_a_word_is_swept_up(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    taken = hand.take()
    assert taken is not None
    desk.queue.sweep()
    assert not desk.queue.superseded(taken)
    hand.ack(taken.ticket)
    desk.queue.sweep()
    assert head(hand.take()) == "a"


def test_who_waits_without_a_ticket_is_given_one_and_only_one(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    desk.enqueue(a_push(2, "b"))
    desk.redis.delete("reviewbot:tickets:reviews", "reviewbot:tickets:reviews.msgs")
    assert hand.take() is None
    assert desk.queue.sweep() == 2
    assert desk.queue.sweep() == 0
    assert ["a", "b"] == [head(hand.take()), head(hand.take())]


def test_what_is_long_over_is_forgotten(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    desk.enqueue(a_push(1, "b", project_id=8))
    for ending in (Failed(reason="", lasting=True), Ended()):
        taken = hand.take()
        assert taken is not None
        hand.end(taken, ending)
    desk.later(RULES.kept_s)
    desk.queue.sweep()
    assert desk.queue.dead() == ()
    assert ["gitlab.example/group/app-7"] == [project.place for project in desk.queue.stats().projects]
    desk.later(RULES.kept_s)
    desk.queue.sweep()
    assert desk.queue.stats().projects == ()


def test_everything_in_redis_that_only_grows_expires(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a", delivery="d"))
    taken = hand.take()
    assert taken is not None
    hand.end(taken)
    kept = [name for name in desk.redis.keys("reviewbot:reviews:*") if desk.redis.ttl(name) < 0]
    names = [name.decode() if isinstance(name, bytes) else name for name in kept]
    lasting = {name.removeprefix("reviewbot:reviews:").partition(":")[0] for name in names}
    assert {"projects", "tally"} == lasting  # swept, as above
