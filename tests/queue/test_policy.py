"""What a ticket reviews: the newest head, one project after the other, one job at a time for each request."""

import json

import pytest
from review_queue import Desk, Hand, a_push, a_reply, head

from reviewbot.queue.outcomes import Admission, Ended, Failed, Fate


def test_a_job_comes_out_as_it_went_in(desk: Desk, hand: Hand) -> None:
    job = a_push(1, "a", delivery="d-1")
    assert Admission.FRESH == desk.enqueue(job).admission
    taken = hand.take()
    assert taken is not None
    assert job == taken.job
    assert taken.attempt == 1
    assert Fate.DONE == hand.end(taken)
    assert hand.take() is None
    assert desk.redis.exists("reviewbot:tickets:reviews.msgs") == 0


def test_a_newer_push_takes_the_place_of_one_that_waits(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a", after_s=0))
    desk.later(1)
    desk.enqueue(a_push(2, "x"))
    desk.later(1)
    enqueued = desk.enqueue(a_push(1, "b", after_s=9))
    assert Admission.SUPERSEDING == enqueued.admission
    assert enqueued.accepted
    assert ["b", "x"] == [head(hand.take()), head(hand.take())]
    assert hand.take() is None


@pytest.mark.parametrize("when", ["waiting", "running", "done"])
def test_an_older_event_that_comes_late_changes_nothing(desk: Desk, hand: Hand, when: str) -> None:
    desk.enqueue(a_push(1, "new", after_s=9))
    taken = hand.take() if when != "waiting" else None
    if taken and when == "done":
        hand.end(taken)
    assert Admission.OUTDATED == desk.enqueue(a_push(1, "old", after_s=3)).admission
    if taken and when == "running":
        assert not desk.queue.superseded(taken)
    assert ("new" if when == "waiting" else None) == getattr(getattr(hand.take(), "job", None), "head_sha", None)


@pytest.mark.parametrize("when", ["waiting", "running", "done"])
def test_the_same_head_is_the_same_work(desk: Desk, hand: Hand, when: str) -> None:
    desk.enqueue(a_push(1, "a", after_s=1))
    taken = hand.take() if when != "waiting" else None
    if taken and when == "done":
        hand.end(taken)
    assert Admission.DUPLICATE == desk.enqueue(a_push(1, "a", after_s=2)).admission
    assert Admission.DUPLICATE == desk.enqueue(a_push(1, "a", after_s=0)).admission
    if taken and when == "running":
        assert not desk.queue.superseded(taken)


def test_the_same_head_with_another_target_is_other_work(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    assert Admission.SUPERSEDING == desk.enqueue(a_push(1, "a", after_s=1, target_branch="stable")).admission
    taken = hand.take()
    assert taken is not None
    assert taken.job.target_branch == "stable"


def test_what_a_person_asks_for_again_is_reviewed_again_unless_it_is_to_be_reviewed_anyway(
    desk: Desk, hand: Hand
) -> None:
    desk.enqueue(a_push(1, "a"))
    assert Admission.DUPLICATE == desk.enqueue(a_push(1, "a", again=True)).admission
    taken = hand.take()
    assert taken is not None
    assert Admission.DUPLICATE == desk.enqueue(a_push(1, "a", again=True)).admission
    hand.end(taken)
    assert Admission.FRESH == desk.enqueue(a_push(1, "a", again=True)).admission
    assert head(hand.take()) == "a"


def test_a_head_that_still_stands_makes_what_came_in_between_outdated(desk: Desk) -> None:
    desk.enqueue(a_push(1, "a", after_s=1))
    desk.enqueue(a_push(1, "a", after_s=9))
    assert Admission.OUTDATED == desk.enqueue(a_push(1, "b", after_s=5)).admission


def test_a_force_push_back_to_an_earlier_head_is_new_work(desk: Desk, hand: Hand) -> None:
    for second, pushed in enumerate("aba"):
        desk.enqueue(a_push(1, pushed, after_s=second))
        taken = hand.take()
        assert taken is not None
        assert pushed == taken.job.head_sha
        hand.end(taken)


def test_pushes_of_one_second_all_get_their_turn_once_since_only_the_forge_knows_their_order(
    desk: Desk, hand: Hand
) -> None:
    admissions = [desk.enqueue(a_push(1, pushed, after_s=1)).admission for pushed in "abab"]
    assert [Admission.FRESH, Admission.SUPERSEDING, Admission.DUPLICATE, Admission.DUPLICATE] == admissions
    done = []
    while taken := hand.take():
        if taken.job.head_sha == "b" and "c" not in done:
            desk.enqueue(a_push(1, "c", after_s=1))
            assert desk.queue.superseded(taken)
        done.append(taken.job.head_sha)
        hand.end(taken, Ended(outcome="superseded"))
    assert ["b", "c", "b", "a"] == done


def test_a_push_of_the_second_of_one_that_was_given_up_takes_it_along(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a", after_s=1))
    taken = hand.take()
    assert taken is not None
    hand.end(taken, Failed(reason="", lasting=True))
    desk.enqueue(a_push(1, "b", after_s=1))
    assert () == desk.queue.dead()
    done = []
    while taken := hand.take():
        done.append(taken.job.head_sha)
        hand.end(taken)
    assert ["b", "a"] == done


def test_who_is_given_up_is_dead_when_all_of_its_second_have_had_their_turn(desk: Desk, hand: Hand) -> None:
    for pushed in "abc":
        desk.enqueue(a_push(1, pushed, after_s=1))
    done = []
    while taken := hand.take():
        done.append(taken.job.head_sha)
        hand.end(taken, None if taken.job.head_sha == "a" else Failed(reason=f"no {taken.job.head_sha}", lasting=True))
        assert ("a" in done) == bool(desk.queue.dead())
    assert ["c", "b", "a"] == done
    dead = desk.queue.dead()
    assert [("b", "no b", 1), ("c", "no c", 1)] == [(each.job.head_sha, each.reason, each.attempts) for each in dead]
    assert 2 == desk.queue.stats().dead
    assert [0, 2] == [desk.queue.requeue("another"), desk.queue.requeue(dead[1].job.id)]
    afresh = []
    while taken := hand.take():
        afresh.append((taken.job.head_sha, taken.attempt))
        hand.end(taken)
    assert [("b", 1), ("c", 1)] == afresh
    assert [0, ()] == [desk.queue.stats().dead, desk.queue.dead()]


def test_who_is_asked_for_again_gets_one_turn_and_is_not_dead_beside_it(desk: Desk, hand: Hand) -> None:
    for pushed in "ab":
        desk.enqueue(a_push(1, pushed, after_s=1))
    taken = hand.take()
    assert taken is not None
    hand.end(taken, Failed(reason="", lasting=True))
    running = hand.take()
    assert running is not None
    assert desk.enqueue(a_push(1, "b", after_s=1, again=True)).accepted
    hand.end(running, Ended(outcome="superseded"))
    done = []
    while taken := hand.take():
        done.append(taken.job.head_sha)
        hand.end(taken)
    assert ["b", "a"] == done
    assert () == desk.queue.dead()


def test_entries_of_an_earlier_version_are_understood(desk: Desk, hand: Hand) -> None:
    for number in (1, 2):
        desk.enqueue(a_push(number, "a", after_s=1))
    for name in ("pending", "running"):
        for field, text in desk.redis.hgetall(f"reviewbot:reviews:{name}").items():
            entry = json.loads(text)
            del entry["tied"], entry["failed"]
            desk.redis.hset(f"reviewbot:reviews:{name}", field, json.dumps(entry))
        taken = hand.take()
        assert taken is not None
        hand.end(taken, Failed(reason="", lasting=True))
    assert 2 == len(desk.queue.dead()) == desk.queue.requeue()
    assert hand.take() is not None


def test_a_later_push_ends_the_turns_of_those_that_shared_a_second(desk: Desk, hand: Hand) -> None:
    for pushed in "ab":
        desk.enqueue(a_push(1, pushed, after_s=1))
    desk.enqueue(a_push(1, "c", after_s=2))
    taken = hand.take()
    assert taken is not None
    hand.end(taken)
    assert "c" == taken.job.head_sha
    assert hand.take() is None


def test_a_webhook_is_taken_in_once_for_each_server(desk: Desk) -> None:
    desk.enqueue(a_push(1, "a", delivery="d-1"))
    assert Admission.DUPLICATE == desk.enqueue(a_push(1, "b", after_s=5, delivery="d-1")).admission
    elsewhere = a_push(1, "b", after_s=5, delivery="d-1", server="https://other.example/api/v4")
    assert Admission.FRESH == desk.enqueue(elsewhere).admission


def test_while_a_job_runs_its_request_is_not_given_out_again(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    first = hand.take()
    assert first is not None
    assert Admission.SUPERSEDING == desk.enqueue(a_push(1, "b", after_s=1)).admission
    assert Hand(desk).take() is None
    assert desk.queue.superseded(first)
    assert Fate.DONE == hand.end(first, Ended(outcome="superseded"))
    assert head(hand.take()) == "b"


def test_a_request_that_is_not_free_does_not_cost_its_project_the_turn(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    hand.take()
    desk.enqueue(a_push(1, "b", after_s=1))
    desk.later(1)
    desk.enqueue(a_push(2, "c"))
    desk.enqueue(a_push(1, "z", project_id=8))
    assert ["c", "z"] == [head(hand.take()), head(hand.take())]


def test_a_reply_neither_replaces_a_review_nor_runs_beside_it(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    assert Admission.FRESH == desk.enqueue(a_reply(1, "t", "n-1", after_s=1)).admission
    assert Admission.SUPERSEDING == desk.enqueue(a_reply(1, "t", "n-2", after_s=2)).admission
    assert Admission.FRESH == desk.enqueue(a_reply(1, "other", "n-3", after_s=3)).admission
    done = []
    while taken := hand.take():
        assert Hand(desk).take() is None
        assert not desk.queue.superseded(taken)
        done.append(taken.job.note or taken.job.head_sha)
        hand.end(taken)
    assert ["a", "n-2", "n-3"] == sorted(done)


def test_projects_take_turns_however_much_one_of_them_has(desk: Desk, hand: Hand) -> None:
    for project, number in ((8, 1), (8, 2), (8, 3), (9, 1), (7, 1), (7, 2)):
        desk.enqueue(a_push(number, f"{project}-{number}", project_id=project))
        desk.later(1)
    assert ["8-1", "9-1", "7-1", "8-2", "7-2", "8-3"] == [head(hand.take()) for _ in range(6)]


def test_a_project_with_too_much_waiting_is_refused_with_the_reason_and_others_are_not(desk: Desk, hand: Hand) -> None:
    for number in range(1, 4):
        desk.enqueue(a_push(number, "a"))
    refused = desk.enqueue(a_push(4, "a", delivery="d"))
    assert Admission.REFUSED == refused.admission
    assert "3 requests waiting" in refused.reason
    assert desk.enqueue(a_push(1, "b", after_s=1)).accepted
    assert desk.enqueue(a_push(4, "a", project_id=8)).accepted
    hand.take()
    assert desk.enqueue(a_push(4, "a", delivery="d")).accepted  # the refused webhook may be sent again


def test_a_project_that_changes_its_name_keeps_its_place(desk: Desk, hand: Hand) -> None:
    desk.enqueue(a_push(1, "a"))
    desk.enqueue(a_push(1, "b", after_s=1, project="group/renamed"))
    taken = hand.take()
    assert taken is not None
    assert ("b", "group/renamed") == (taken.job.head_sha, taken.job.project)
    hand.end(taken)
    assert [0] == [project.waiting for project in desk.queue.stats().projects]
