"""Writes whose outcome nobody knows, limits, and what comes after the review."""

import pytest
from github_plans import NUMBER, SUMMARY, finding, plan_for
from github_scene import Scene

from reviewbot.domain.finding import Placement
from reviewbot.domain.posting import Posted
from reviewbot.errors import ForgeError

REVIEWS = f"/pulls/{NUMBER}/reviews$"
REMARKS = f"/issues/{NUMBER}/comments$"
WANTED = (finding(1), finding(2, start=6), finding(3, placement=Placement.FILE))
BAD = finding(30, start=20)


@pytest.mark.parametrize("kind", [500, 502, "reset", "hang"])
@pytest.mark.parametrize("after_store", [True, False])
@pytest.mark.parametrize("path", [REVIEWS, REMARKS])
def test_a_write_without_an_answer_is_looked_for_before_it_is_sent_again(
    scene: Scene, path: str, kind: int | str, after_store: bool
) -> None:
    scene.server.faults.add("POST", path, kind, after_store=after_store)
    assert Posted(created=3, summary="created") == scene.post(scene.forge(), *WANTED)
    assert (1, 1) == (len(scene.server.reviews), len(scene.server.issue_comments))
    assert [["inline"], ["inline"], ["review"]] == [scene.stands(number) for number in (1, 2, 3)]
    assert 2 == len(scene.server.emails)


def test_a_review_of_bodies_alone_is_found_again_too(scene: Scene) -> None:
    scene.server.faults.add("POST", REVIEWS, 502, after_store=True)
    scene.post(scene.forge(), finding(3, placement=Placement.FILE))
    assert ["review"] == scene.stands(3)


def test_an_older_comment_with_the_same_mark_is_not_taken_for_the_new_review(scene: Scene) -> None:
    forge = scene.forge()
    fresh = plan_for(forge.request(), (), WANTED)
    scene.post(forge, *WANTED)
    scene.server.faults.add("POST", REVIEWS, 502)
    # The same findings once more, as when their threads were resolved and they have come back.
    assert 3 == forge.carry_out(*fresh).created
    assert 2 == len(scene.server.reviews)


def test_somebody_elses_review_in_between_is_not_taken_for_ours(scene: Scene) -> None:
    bob = scene.server.token("bob")
    scene.server.faults.add(
        "POST", REVIEWS, lambda: scene.say(bob, f"pulls/{NUMBER}/reviews", body="hm", event="COMMENT")
    )
    scene.server.faults.add("POST", REVIEWS, 502, when=lambda logged: logged.user != "bob")
    assert 3 == scene.post(scene.forge(), *WANTED).created
    assert ["inline"] == scene.stands(1)


def test_a_server_that_stays_broken_ends_the_run_with_a_clear_word(scene: Scene) -> None:
    scene.server.faults.add("POST", REVIEWS, 502, times=99)
    with pytest.raises(ForgeError, match=r"502 to POST .* several times. Run the job again later"):
        scene.post(scene.forge(), *WANTED)
    assert 4 == scene.asked("POST", "/reviews")


def test_a_review_stored_at_the_last_attempt_still_counts(scene: Scene) -> None:
    scene.server.faults.add("POST", REVIEWS, 502, times=3)
    scene.server.faults.add("POST", REVIEWS, 502, after_store=True)
    assert 3 == scene.post(scene.forge(), *WANTED).created
    assert 1 == len(scene.server.reviews)


@pytest.mark.parametrize(("hint", "waited"), [(7, 7.0), (None, 60.0)])
@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_limit_is_waited_for_as_long_as_github_says(
    scene: Scene, status: int, hint: int | None, waited: float
) -> None:
    scene.server.faults.add("POST", REVIEWS, "secondary", status=status, retry_after=hint)
    assert 3 == scene.post(scene.forge(), *WANTED).created
    assert waited in scene.pauses
    assert 1 == len(scene.server.reviews)


def test_a_limit_that_comes_after_the_review_was_stored_makes_no_second_one(scene: Scene) -> None:
    scene.server.faults.add("POST", REVIEWS, "secondary", status=403, after_store=True)
    assert 3 == scene.post(scene.forge(), *WANTED).created
    assert 1 == len(scene.server.reviews)


@pytest.mark.parametrize("kind", [502, "reset", "secondary"])
@pytest.mark.parametrize("after_store", [True, False])
@pytest.mark.parametrize("verb", ["POST", "DELETE"])
def test_trials_that_go_wrong_leave_no_draft_and_tell_the_same_places(
    scene: Scene, verb: str, kind: int | str, after_store: bool
) -> None:
    scene.server.faults.add(verb, "/reviews", kind, after_store=after_store, when=lambda each: "event" not in each.body)
    posted = scene.post(scene.forge(), *WANTED, BAD)
    assert [BAD.fingerprint] == [mark for mark, _, _ in posted.demoted]
    assert ["COMMENTED"] == [review.state for review in scene.server.reviews]
    assert [["inline"], ["inline"], ["review"], ["review"]] == [scene.stands(number) for number in (1, 2, 3, 30)]
    assert 0 == scene.server.faults.left


def test_a_summary_that_another_run_made_meanwhile_is_edited(scene: Scene) -> None:
    token = scene.server.app_token()
    scene.server.faults.add(
        "POST", REVIEWS, lambda: scene.say(token, f"issues/{NUMBER}/comments", body=f"{SUMMARY} other")
    )
    assert "edited" == scene.post(scene.forge(token), *WANTED).summary
    assert [SUMMARY] == [remark.body for remark in scene.server.issue_comments]


def test_a_strangers_copy_of_the_mark_is_not_edited(scene: Scene) -> None:
    forge = scene.forge()
    plan = plan_for(forge.request(), (), WANTED)
    scene.say(scene.server.token("eve", role="read"), f"issues/{NUMBER}/comments", body=SUMMARY)
    assert "created" == forge.carry_out(*plan).summary
    assert ["eve", "my-app[bot]"] == [remark.user.login for remark in scene.server.issue_comments]


def test_a_summary_that_somebody_deleted_is_made_again(scene: Scene) -> None:
    forge = scene.forge()
    scene.post(forge, finding(1))
    plan = plan_for(forge.request(), forge.threads(), [finding(1), finding(2, placement=Placement.FILE, size=70_000)])
    scene.server.world.remarks.clear()
    assert "created" == forge.carry_out(*plan).summary
    assert ["summary"] == scene.stands(2)


@pytest.mark.parametrize("kind", [502, "reset", "secondary"])
def test_an_edit_is_simply_done_again(scene: Scene, kind: int | str) -> None:
    forge = scene.forge()
    scene.post(forge, finding(1))
    scene.server.faults.add("PATCH", "/issues/comments/", kind, after_store=True)
    assert "edited" == scene.post(forge, finding(1), finding(2, placement=Placement.FILE, size=70_000)).summary


def test_an_edit_that_is_refused_is_told_and_makes_no_second_summary(scene: Scene) -> None:
    forge = scene.forge()
    scene.post(forge, finding(1))
    scene.server.faults.add("PATCH", "/issues/comments/", 403)
    with pytest.raises(ForgeError, match="403 to PATCH"):
        scene.post(forge, finding(1), finding(2, placement=Placement.FILE, size=70_000))
    assert 1 == len(scene.server.issue_comments)


def test_threads_that_have_done_their_work_are_resolved(scene: Scene) -> None:
    forge = scene.forge()
    scene.post(forge, finding(1), finding(2, start=6))
    scene.server.faults.add("POST", "/graphql", 502, when=lambda logged: logged.write, after_store=True)
    assert Posted(resolved=1) == scene.post(forge, finding(2, start=6))
    assert ["my-app[bot]", None] == [scene.server.resolved_by(comment) for comment in scene.server.comments]


def test_a_thread_that_is_gone_keeps_no_other_from_being_resolved(scene: Scene) -> None:
    forge = scene.forge()
    scene.post(forge, finding(1), finding(2, start=6))
    plan = plan_for(forge.request(), forge.threads(), [])
    del scene.server.world.comments[0]
    assert Posted(resolved=1) == forge.carry_out(*plan)


def test_a_token_that_may_not_resolve_says_so_and_does_the_rest(scene: Scene) -> None:
    forge = scene.forge(scene.server.actions_token(contents=False))
    scene.post(forge, finding(1), finding(2, start=6))
    posted = scene.post(forge, finding(3, start=7))
    assert (1, 0) == (posted.created, posted.resolved)
    (note,) = posted.notes
    assert "'contents: write'" in note
    mutations = [logged for logged in scene.server.writes if logged.path == "/graphql"]
    assert 1 == len(mutations)


def test_trouble_while_resolving_is_told(scene: Scene) -> None:
    forge = scene.forge()
    scene.post(forge, finding(1))
    scene.server.faults.add("POST", "/graphql", 502, times=9, when=lambda logged: logged.write)
    with pytest.raises(ForgeError, match="502 to POST /graphql"):
        scene.post(forge)


def test_writes_keep_the_distance_that_github_asks_for(scene: Scene) -> None:
    scene.post(scene.forge(), *WANTED)
    assert [1.0] == scene.pauses


def test_a_plan_with_nothing_in_it_asks_nothing(scene: Scene) -> None:
    forge = scene.forge()
    scene.post(forge, finding(1))
    plan = plan_for(forge.request(), forge.threads(), [finding(1)])
    asked = len(scene.server.log)
    assert Posted() == forge.carry_out(*plan)
    assert asked == len(scene.server.log)
