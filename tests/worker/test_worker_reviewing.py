"""One job from the queue's hands back into them: real git, real HTTP, real child processes, on either forge."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.model_server import Answer, Asked, refusal
from jobs import KEY, attentive
from posting.stages import ALL, BASE, CHANGE
from worker_scene import Hosted, Said, bench, hosted, with_limits

from reviewbot.domain.job import JobKind
from reviewbot.errors import UsageError
from reviewbot.queue.outcomes import Ended, Ending, Failed, Taken, Unfinished
from reviewbot.worker.reviewing import review

REVIEWED = Ended(outcome="reviewed")


def failed(ending: Ending) -> Failed:
    assert isinstance(ending, Failed)
    return ending


def test_a_job_is_reviewed_and_posted_as_a_pipeline_does_it(at: Hosted, said: Said, tmp_path: Path) -> None:
    made = bench(at, tmp_path, said)
    assert REVIEWED == review(made, at.taken()), said.text
    assert ALL == at.stage.places()
    # Once more, as after a worker that died before it could tell.
    shown = at.stage.snapshot()
    assert REVIEWED == review(made, at.taken()), said.text
    assert shown == at.stage.snapshot()


def test_every_line_names_its_job_and_none_a_secret(at: Hosted, said: Said, tmp_path: Path) -> None:
    review(bench(at, tmp_path, said), at.taken())
    lines = said.lines
    assert {"from-webhook-to-comment"} == {line["correlation"] for line in lines}
    assert ["taken", "fetched"] == [line["event"] for line in lines[:2]]
    last = lines[-1]
    assert ("ended", "reviewed", 7, 1) == (last["event"], last["outcome"], last["number"], last["attempt"])
    assert last["ms"] > 0
    assert at.stage.repo.git("rev-parse", "feature") == last["head"]
    assert "asking" in said.review
    assert "posted to the" in said.review
    assert at.token not in said.text
    assert KEY not in said.text


def test_coverage_is_not_judged_here_whatever_is_configured(said: Said, tmp_path: Path) -> None:
    """Nothing of the change is run, so there is no report; a gate would fail every request."""
    base = BASE | {".reviewbot.toml": '[coverage]\ngate = true\nfail_under = 100\n[tests]\nmode = "commit"\n'}
    with hosted("gitlab", tmp_path, base=base) as at:
        assert REVIEWED == review(bench(at, tmp_path, said), at.taken()), said.text
        assert ALL == at.stage.places()
        assert "overage" not in at.stage.summary


def test_a_failed_gate_is_a_review_all_the_same(said: Said, tmp_path: Path) -> None:
    base = BASE | {".reviewbot.toml": 'fail_on = "low"\n', "app.py": "one = 1\n"}
    change = {"app.py": "two = undefined_name\n"}
    with hosted("gitlab", tmp_path, base=base, change=change) as at:
        made = bench(at, tmp_path, said)
        made = replace(made, environ={k: v for k, v in made.environ.items() if not k.startswith("REVIEWBOT_")})
        assert REVIEWED == review(made, at.taken()), said.text
        assert "undefined" in at.stage.shown()[0].body.lower()


# What goes wrong.


def test_a_forge_that_gives_no_change_is_asked_again(on_gitlab: Hosted, said: Said, tmp_path: Path) -> None:
    on_gitlab.git.authorizations = frozenset({"nobody's"})
    ending = failed(review(bench(on_gitlab, tmp_path, said), on_gitlab.taken()))
    assert not ending.lasting
    assert {"outcome": "failed", "reason": ending.reason}.items() <= said.lines[-1].items()


@pytest.mark.parametrize(
    ("forge", "words"),
    [
        ("gitlab", "check the worker's GITLAB_TOKEN or GITLAB_TOKEN_FILE, with the scopes api and read_repository and"),
        ("github", "check the worker's GITHUB_TOKEN, GITHUB_TOKEN_FILE or the GitHub App"),
    ],
)
def test_a_token_that_the_forge_refuses_is_told_with_its_variable(
    forge: str, words: str, said: Said, tmp_path: Path
) -> None:
    with hosted(forge, tmp_path) as at:
        ending = failed(review(replace(bench(at, tmp_path, said), token=lambda _: "another-token"), at.taken()))
    assert not ending.lasting
    assert ending.reason.startswith("the forge refuses the token, or there is no such project for it (git says: fatal")
    assert words in ending.reason


def test_a_forge_that_takes_no_comment_is_asked_again(at: Hosted, said: Said, tmp_path: Path) -> None:
    at.stage.trouble("GET", "(diffs|files)$", "status" if at.stage.word == "merge request" else 502, times=20)
    ending = failed(review(bench(at, tmp_path, said), at.taken()))
    assert not ending.lasting
    assert ending.reason.startswith("the forge: ")
    assert "The report is in" in ending.reason


def test_a_model_that_refuses_is_asked_again(on_gitlab: Hosted, said: Said, tmp_path: Path) -> None:
    on_gitlab.stage.model.script = lambda _: refusal(401, "no such key")
    ending = failed(review(bench(on_gitlab, tmp_path, said), on_gitlab.taken()))
    assert not ending.lasting
    assert ending.reason.startswith("the model: ")


def test_a_configuration_that_is_not_valid_is_not_tried_again(said: Said, tmp_path: Path) -> None:
    with hosted("gitlab", tmp_path, base=BASE | {".reviewbot.toml": 'nonsense = "x"\n'}) as at:
        ending = failed(review(bench(at, tmp_path, said), at.taken()))
    assert ending.lasting
    assert "nonsense" in ending.reason
    assert "failed for good" == said.lines[-1]["outcome"]


def test_a_change_that_is_too_large_is_not_tried_again(on_gitlab: Hosted, said: Said, tmp_path: Path) -> None:
    made = with_limits(bench(on_gitlab, tmp_path, said), fetch_bytes=100)
    ending = failed(review(made, on_gitlab.taken()))
    assert ending.lasting
    assert "review it in a pipeline" in ending.reason


def test_a_review_has_its_share_of_memory_and_no_more(on_gitlab: Hosted, said: Said, tmp_path: Path) -> None:
    made = replace(bench(on_gitlab, tmp_path, said), memory_bytes=20_000_000)
    failed(review(made, on_gitlab.taken()))
    assert {} == on_gitlab.stage.places()


def test_a_worker_without_a_token_kills_no_job(on_gitlab: Hosted, said: Said, tmp_path: Path) -> None:
    def token(_: object) -> str:
        message = "there is no token"
        raise UsageError(message)

    ending = failed(review(replace(bench(on_gitlab, tmp_path, said), token=token), on_gitlab.taken()))
    assert Failed(reason="the worker has no token: there is no token", lasting=False) == ending


def test_a_comment_to_reply_to_has_the_head_reviewed(on_gitlab: Hosted, said: Said, tmp_path: Path) -> None:
    taken = on_gitlab.taken(kind=JobKind.REPLY, thread="1", note="2")
    assert REVIEWED == review(bench(on_gitlab, tmp_path, said), taken), said.text
    assert ALL == on_gitlab.stage.places()


# What is stopped.


def test_a_request_that_has_moved_on_is_not_posted_to(at: Hosted, said: Said, tmp_path: Path) -> None:
    old = at.job()
    at.stage.arrived(at.stage.commit({"lib.rs": "wrong delta\n"}))
    made = bench(at, tmp_path, said)
    first, second = (replace(at.taken(attempt), job=old) for attempt in (1, 2))
    assert "a newer push has come" in failed(review(made, first)).reason
    assert Ended(outcome="superseded") == review(made, second)
    assert Ended(outcome="superseded") == review(made, replace(first, tied=True)), "its own other head is next"
    assert ({}, 0) == (at.stage.places(), at.stage.writes)


class Hanging:
    """A model that answers nobody, until it is told to."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.told = threading.Event()

    def __call__(self, asked: Asked) -> Answer:
        self.asked.set()
        self.told.wait(60)
        return attentive()(asked)


def test_a_superseded_review_is_ended_before_it_posts(on_gitlab: Hosted, said: Said, tmp_path: Path) -> None:
    model = Hanging()
    on_gitlab.stage.model.script = model

    def superseded(_: Taken) -> bool:
        return model.asked.is_set()

    made = bench(on_gitlab, tmp_path, said, superseded)
    assert Ended(outcome="superseded") == review(made, on_gitlab.taken())
    model.told.set()
    assert ({}, 0) == (on_gitlab.stage.places(), on_gitlab.stage.writes)


def test_a_worker_that_ends_hands_its_job_back(on_gitlab: Hosted, said: Said, tmp_path: Path) -> None:
    model = Hanging()
    on_gitlab.stage.model.script = model
    made = bench(on_gitlab, tmp_path, said)

    def end() -> None:
        model.asked.wait(60)
        made.stopping.set()

    ender = threading.Thread(target=end)
    ender.start()
    assert Unfinished() == review(made, on_gitlab.taken())
    ender.join()
    model.told.set()
    assert "handed back" == said.lines[-1]["outcome"]
    assert 0 == on_gitlab.stage.writes


def test_a_review_that_takes_too_long_is_ended(on_gitlab: Hosted, said: Said, tmp_path: Path) -> None:
    made = replace(bench(on_gitlab, tmp_path, said), timeout_s=0)
    reason = "the review took longer than 0 s (--job-timeout)"
    assert Failed(reason=reason) == review(made, on_gitlab.taken())


# What a change brings along.


def test_nothing_of_a_change_is_run_and_none_of_it_steers(said: Said, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    program = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n"
    hostile: dict[str | bytes, str] = {
        "sitecustomize.py": program,
        "conftest.py": program,
        "json.py": program,
        "reviewbot/__init__.py": program,
        "ruff": f"#!/bin/sh\ntouch {marker}\n",
        "pyproject.toml": '[tool.reviewbot]\nfail_on = "low"\n[tool.ruff]\nextend = "/etc/passwd"\n',
        ".reviewbot.toml": 'engine = "nonsense"\n',
        ".gitattributes": "* filter=evil diff=evil -diff linguist-generated\n",
        ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::touch {marker}\n',
        "line\nbreak.rs": "wrong delta\n",
    }
    change = {path: text for path, text in hostile.items() if isinstance(path, str)} | CHANGE
    with hosted("gitlab", tmp_path, change=change) as at:
        assert REVIEWED == review(bench(at, tmp_path, said), at.taken()), said.text
        assert {"alpha", "beta", "gamma", "delta"} == at.stage.places().keys()
    assert not marker.exists()
