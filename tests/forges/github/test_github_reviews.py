"""Reviews as they come to stand on a GitHub that takes them whole or not at all."""

import dataclasses
import random
import re
from collections.abc import Iterator, Sequence

import pytest
from github_plans import EVERYWHERE, NUMBER, SUMMARY, finding, fingerprint, plan_for, post
from github_scene import Scene

from reviewbot.domain.finding import Placement
from reviewbot.domain.patch import Side
from reviewbot.domain.posting import Comment, Posted
from reviewbot.domain.request import ForgeFile
from reviewbot.errors import ForgeError, ReadOnlyError, Superseded

FILE = Placement.FILE
REVIEWS = f"/pulls/{NUMBER}/reviews$"
OUTSIDE = finding(30, start=20)
"""On a line between the hunks."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A line that GitHub shows: removed ones on the left, all others on the right."""

    path: str
    hunk: int
    side: Side
    number: int
    text: str


def every_line(file: ForgeFile) -> Iterator[Shown]:
    """Yield the lines of a file's hunks."""
    hunk = old = new = 0
    for row in (file.hunks or "").split("\n"):
        header = re.match(r"@@ -(\d+)(?:,\d+)? \+(\d+)", row)
        if header:
            hunk, old, new = hunk + 1, int(header[1]), int(header[2])
            continue
        if row[:1] not in {"+", "-", " "}:
            continue
        left = row[0] == "-"
        side, number = (Side.LEFT, old) if left else (Side.RIGHT, new)
        yield Shown(path=file.path, hunk=hunk, side=side, number=number, text=row[1:])
        old += row[0] != "+"
        new += not left


def ranges(lines: Sequence[Shown], chance: random.Random) -> Iterator[tuple[Shown, ...]]:
    """Yield runs of lines that follow each other on one side of one hunk, each line once."""
    run: list[Shown] = []
    for line in sorted(lines, key=lambda line: (line.path, line.hunk, line.side, line.number)):
        follows = run and (line.path, line.hunk, line.side) == (run[-1].path, run[-1].hunk, run[-1].side)
        if run and (not follows or line.number != run[-1].number + 1 or chance.random() < 0.4):
            yield tuple(run)
            run = []
        run.append(line)
    yield tuple(run)


def edited(lines: Sequence[str], chance: random.Random) -> str:
    """Change, drop and add lines here and there."""
    rows: list[str] = []
    for line in lines:
        kind = chance.choices(["keep", "drop", "change", "add"], [12, 1, 1, 1])[0]
        if kind in {"keep", "add"}:
            rows.append(line)
        if kind in {"change", "add"}:
            rows.append(f"{line} {chance.randrange(3)}")
    return "\n".join(rows) + chance.choice(["", "\n"])


def test_one_review_holds_everything_and_costs_one_email_and_the_first_summary_another(scene: Scene) -> None:
    wanted = [*(comment for comment, _ in EVERYWHERE), finding(9, placement=FILE), finding(10, placement=FILE)]
    assert Posted(created=10, summary="created") == scene.post(scene.forge(), *wanted)
    assert [("review", 8), ("issue comment", 1)] == [(email.kind, email.comments) for email in scene.server.emails]
    (review,) = scene.server.reviews
    assert f"{wanted[8].file_body}\n\n---\n\n{wanted[9].file_body}" == review.body
    assert "COMMENTED" == review.state


@pytest.mark.parametrize(("comment", "quote"), EVERYWHERE)
def test_a_comment_stands_on_the_lines_that_it_is_about(scene: Scene, comment: Comment, quote: str) -> None:
    scene.post(scene.forge(), comment)
    (posted,) = scene.server.comments
    assert (quote, comment.body) == (scene.server.anchored_text(posted), posted.body)


@pytest.mark.parametrize("seed", range(8))
def test_every_line_that_github_shows_can_be_commented_and_is_the_line_that_is_meant(scene: Scene, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - chance for tests
    scene.repo.branch("feature", scene.head)
    texts = {path: scene.repo.git("show", f"{scene.head}:{path}").split("\n") for path in ("app.py", "new_name.py")}
    scene.server.push(scene.repo.commit({path: edited(rows, chance) for path, rows in texts.items()}))
    forge = scene.forge()
    runs = list(ranges([line for file in forge.files() for line in every_line(file)], chance))
    wanted = [
        finding(number, run[0].path, run[0].number, run[-1].number, side=run[0].side)
        for number, run in enumerate(runs, start=1)
    ]
    assert Posted(created=len(runs), summary="created") == scene.post(forge, *wanted)
    meant = {comment.body: "\n".join(line.text for line in run) for comment, run in zip(wanted, runs, strict=True)}
    assert meant == {comment.body: scene.server.anchored_text(comment) for comment in scene.server.comments}


def test_a_second_run_posts_nothing_and_edits_nothing(scene: Scene) -> None:
    forge, wanted = scene.forge(), [*(comment for comment, _ in EVERYWHERE), finding(9, placement=FILE)]
    scene.post(forge, *wanted)
    writes = len(scene.server.writes)
    assert Posted() == scene.post(scene.forge(), *wanted)
    assert writes == len(scene.server.writes)


def test_a_run_with_news_edits_the_summary_in_place(scene: Scene) -> None:
    forge = scene.forge()
    scene.post(forge, finding(1))
    huge = finding(2, placement=FILE, size=70_000)
    posted = scene.post(forge, finding(1), huge)
    assert (0, "edited") == (posted.created, posted.summary)
    assert [f"{SUMMARY}\nfp={fingerprint(2)}"] == [remark.body for remark in scene.server.issue_comments]
    assert 2 == len(scene.server.emails)


def test_what_the_body_has_no_room_for_goes_to_the_summary_and_nowhere_else(scene: Scene) -> None:
    wanted = [finding(number, placement=FILE, size=25_000) for number in (1, 2, 3)]
    posted = scene.post(scene.forge(), *wanted)
    assert (fingerprint(3), Placement.SUMMARY, "the review's text has no room left") == posted.demoted[0]
    assert [["review"], ["review"], ["summary"]] == [scene.stands(number) for number in (1, 2, 3)]


def test_findings_for_which_there_is_no_room_at_all_make_no_review(scene: Scene) -> None:
    assert 0 == scene.post(scene.forge(), finding(1, placement=FILE, size=70_000)).created
    assert ((), ["summary"]) == (scene.server.reviews, scene.stands(1))


def test_comments_on_places_that_github_refuses_move_to_the_body_and_the_others_stay(scene: Scene) -> None:
    good = [comment for comment, _ in EVERYWHERE]
    elsewhere = finding(31, "nowhere.py")
    across = finding(32, start=14, end=28)
    wanted = [*good[:3], OUTSIDE, *good[3:6], elsewhere, across, *good[6:], finding(9, placement=FILE)]
    posted = scene.post(scene.forge(), *wanted)
    bad = [fingerprint(number) for number in (30, 31, 32)]
    assert bad == [mark for mark, _, _ in posted.demoted]
    assert {FILE} == {placement for _, placement, _ in posted.demoted}
    assert "must be part of the diff" in posted.demoted[0][2]
    assert [["inline"]] * 8 + [["review"]] * 4 == [scene.stands(n) for n in (*range(1, 10), 30, 31, 32)]
    assert ["COMMENTED"] == [review.state for review in scene.server.reviews]
    assert ["review", "issue comment"] == [email.kind for email in scene.server.emails]


def test_a_review_of_bad_places_alone_becomes_a_body(scene: Scene) -> None:
    posted = scene.post(scene.forge(), OUTSIDE)
    assert ([(fingerprint(30), FILE)], 1) == ([item[:2] for item in posted.demoted], posted.created)
    assert ["review"] == scene.stands(30)


def test_a_body_that_github_refuses_goes_to_the_summary_and_takes_no_comment_with_it(scene: Scene) -> None:
    scene.server.faults.add("POST", REVIEWS, 422, times=9, when=lambda logged: "body" in logged.body)
    posted = scene.post(scene.forge(), finding(1), finding(2, placement=FILE))
    assert [(fingerprint(2), Placement.SUMMARY)] == [item[:2] for item in posted.demoted]
    assert [["inline"], ["summary"]] == [scene.stands(1), scene.stands(2)]


def test_a_review_that_github_will_not_have_at_all_is_told_in_the_summary(scene: Scene) -> None:
    scene.server.faults.add("POST", REVIEWS, 422, times=99, when=lambda logged: "event" in logged.body)
    posted = scene.post(scene.forge(), finding(1), finding(2, placement=FILE))
    assert (0, {Placement.SUMMARY}) == (posted.created, {item[1] for item in posted.demoted})
    assert [["summary"], ["summary"]] == [scene.stands(1), scene.stands(2)]


def test_the_draft_of_a_killed_run_is_cleared_away_first(scene: Scene) -> None:
    token = scene.server.app_token()
    left = [{"path": "app.py", "line": 5, "body": finding(1).body}]
    scene.say(token, f"pulls/{NUMBER}/reviews", comments=left)
    assert 1 == scene.post(scene.forge(token), finding(1)).created
    assert ["COMMENTED"] == [review.state for review in scene.server.reviews]
    assert ["inline"] == scene.stands(1)


def test_a_draft_of_ours_under_a_persons_token_is_cleared_away_too(scene: Scene) -> None:
    token = scene.server.token("bob")
    left = [{"path": "app.py", "line": 5, "body": finding(1).body}]
    scene.say(token, f"pulls/{NUMBER}/reviews", comments=left)
    assert 1 == scene.post(scene.forge(token), finding(1)).created


def test_what_a_person_has_drafted_is_never_deleted(scene: Scene) -> None:
    token = scene.server.token("bob")
    thoughts = [{"path": "app.py", "line": 5, "body": "I wonder"}]
    scene.say(token, f"pulls/{NUMBER}/reviews", comments=thoughts)
    with pytest.raises(ForgeError, match="bob has begun a review of this pull request and not submitted it"):
        scene.post(scene.forge(token), finding(1))
    assert ["PENDING"] == [review.state for review in scene.server.reviews]


def test_a_draft_begun_in_the_same_moment_is_not_taken_for_bad_places(scene: Scene) -> None:
    token = scene.server.token("bob")
    thoughts = [{"path": "app.py", "line": 5, "body": "I wonder"}]

    def begin() -> None:
        scene.say(token, f"pulls/{NUMBER}/reviews", comments=thoughts)

    scene.server.faults.add("POST", REVIEWS, begin, when=lambda logged: "event" in logged.body)
    with pytest.raises(ForgeError, match="one pending review"):
        scene.post(scene.forge(token), finding(1))
    assert ["PENDING"] == [review.state for review in scene.server.reviews]


def test_the_author_may_have_it_reviewed_with_a_token_of_their_own(scene: Scene) -> None:
    assert 1 == scene.post(scene.forge(scene.server.token("ann")), finding(1)).created


def test_a_run_that_a_push_has_overtaken_writes_nothing(scene: Scene) -> None:
    forge = scene.forge()
    plan = plan_for(forge.request(), forge.threads(), [finding(1)])
    scene.repo.branch("more", scene.head)
    scene.server.push(scene.repo.commit({"fresh.py": "again\n"}))
    with pytest.raises(Superseded, match=f"from {scene.head[:7]} to {scene.repo.head[:7]}"):
        forge.carry_out(*plan)
    assert () == scene.server.writes


def test_a_force_push_in_the_last_moment_is_no_fault_of_the_places(scene: Scene) -> None:
    forge = scene.forge()
    scene.repo.branch("again", scene.base)
    other = scene.repo.commit({"other.txt": "forced\n"})
    scene.server.faults.add("POST", REVIEWS, lambda: scene.server.push(other))
    with pytest.raises(Superseded):
        post(forge, finding(1))
    assert ((), ()) == (scene.server.reviews, scene.server.issue_comments)


@pytest.mark.parametrize("token", ["fork", "person"])
def test_a_token_that_may_only_read_is_told_what_to_do(scene: Scene, token: str) -> None:
    server = scene.server
    only_read = server.actions_token(pulls=False) if token == "fork" else server.token("bob", pulls=False)
    with pytest.raises(ReadOnlyError, match=r"read but not write .* 'workflow_run'. Else grant 'pull-requests: write'"):
        scene.post(scene.forge(only_read), finding(1))


def test_a_locked_conversation_is_no_lack_of_rights(scene: Scene) -> None:
    scene.server.faults.add("POST", REVIEWS, 403)
    with pytest.raises(ForgeError) as caught:
        scene.post(scene.forge(), finding(1))
    assert not isinstance(caught.value, ReadOnlyError)


def test_once_something_is_written_a_refusal_is_a_failure_and_no_read_only_run(scene: Scene) -> None:
    world = scene.server.world
    token = scene.server.app_token()
    world.tokens[token] = dataclasses.replace(world.tokens[token], issues=False)

    def forbid() -> None:
        world.tokens[token] = dataclasses.replace(world.tokens[token], pulls=False)

    scene.server.faults.add("POST", "/issues/7/comments$", forbid)
    with pytest.raises(ForgeError, match="Resource not accessible by integration") as caught:
        scene.post(scene.forge(token), finding(1))
    assert not isinstance(caught.value, ReadOnlyError)


def test_a_comment_without_lines_finds_its_place_in_the_body(scene: Scene) -> None:
    posted = scene.post(scene.forge(), dataclasses.replace(finding(1), span=None))
    assert ([(fingerprint(1), FILE)], ["review"]) == ([item[:2] for item in posted.demoted], scene.stands(1))


def test_a_draft_that_cannot_be_deleted_ends_the_run_and_one_that_is_gone_does_not(scene: Scene) -> None:
    token = scene.server.app_token()
    left = {"comments": [{"path": "app.py", "line": 5, "body": finding(1).body}]}
    scene.say(token, f"pulls/{NUMBER}/reviews", **left)
    scene.server.faults.add("DELETE", "/reviews/", 403)
    with pytest.raises(ForgeError, match="403 to DELETE"):
        scene.post(scene.forge(token), finding(1))
    scene.server.faults.add("DELETE", "/reviews/", 404, after_store=True)
    assert 1 == scene.post(scene.forge(token), finding(1)).created
