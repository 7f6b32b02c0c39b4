"""``reviewbot eval``: real pipeline, real client, a server on loopback, and figures that can be foreseen."""

import io
import json
import os
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import eval_options
import eval_scene
import pytest
from eval_scene import CLOSE, HIGH, LOG, NAME, NOWHERE, OPEN, STAT, answering, claim
from fakes.model_server import Answer, Asked, refusal, serving

from reviewbot.cli.eval import eval as evaluate
from reviewbot.domain.prompt import Task
from reviewbot.errors import ReviewbotError
from reviewbot.wiring.evaluating.recordings import Entry

Ran = tuple[int, str, str]
Run = Callable[..., Ran]
GOOD = answering(count=[HIGH], copy=[OPEN, STAT])
POOR = answering(count=[HIGH], copy=[LOG], add=[NAME, NOWHERE])


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    return eval_scene.small(tmp_path / "cases")


@pytest.fixture
def run(cases: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run the command in this process, under an environment without surprises."""

    def run(*arguments: str, **environ: str) -> Ran:
        options = eval_options.parse(str(cases), *arguments)
        try:
            code, said = evaluate(options, {"PATH": os.environ["PATH"], **environ}), ""  # noqa: TID251 - for ruff
        except ReviewbotError as error:
            code, said = error.exit_code, str(error)
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode() + said

    return run


def asked(run: Run, script: Callable[[Asked], Answer], *arguments: str, **environ: str) -> Ran:
    with serving(script) as server:
        return run("--base-url", server.base_url, *arguments, **environ)


def figures(ran: Ran) -> dict[str, float | None]:
    assert 0 == ran[0], ran[2]
    return {measure["name"]: measure["value"] for measure in json.loads(ran[1])["measures"]}


def marks(ran: Ran) -> dict[str, list[str]]:
    return {case["id"]: [comment["mark"] for comment in case["comments"]] for case in json.loads(ran[1])["cases"]}


def row(out: str, name: str) -> list[str]:
    """Give the cells of a line of a table."""
    return next(line.split() for line in out.splitlines() if line.startswith(f"{name} "))


# With a model


def test_a_model_that_finds_all_and_no_more_has_full_marks(run: Run) -> None:
    ran = asked(run, GOOD, "--format", "json")
    assert {
        "precision": 1.0, "recall": 1.0, "f1": 1.0, "comments_per_change": 1.0, "clean_left_silent": 1.0,
        "anchor_validity": 1.0,
    }.items() <= figures(ran).items()  # fmt: skip
    assert "" == ran[2]


def test_every_kind_of_comment_has_its_mark(run: Run) -> None:
    script = answering(count=[HIGH], copy=[OPEN, LOG, CLOSE, STAT], add=[NAME, NOWHERE])
    ran = asked(run, script, "--format", "json")
    assert {
        "python/one-too-high": ["hit"],
        "go/left-open": ["neutral", "hit", "hit", "duplicate"],
        "go/clean-name": ["false"],
    } == marks(ran)
    assert {
        "precision": 0.6, "recall": 1.0, "f1": 0.75, "comments_per_change": 2.0, "clean_left_silent": 0.0,
        "anchor_validity": round(6 / 7, 6),
    }.items() <= figures(ran).items()  # fmt: skip


def test_findings_without_a_place_count_where_all_do(run: Run) -> None:
    script = answering(count=[HIGH], add=[NOWHERE])
    assert 1.0 == figures(asked(run, script, "--format", "json"))["precision"]
    assert 0.5 == figures(asked(run, script, "--format", "json", "--all"))["precision"]


def test_tokens_and_cost_are_those_of_the_answers(run: Run, tmp_path: Path) -> None:
    operator = tmp_path / "operator.toml"
    operator.write_text('[[price]]\nmodel = "home-grown"\nprompt = 0\ncompletion = 1_000\n')
    arguments = ("--model", "home-grown", "--format", "json")
    ran = asked(run, lambda _: Answer(tokens=60), *arguments, REVIEWBOT_CONFIG=str(operator))
    for case in json.loads(ran[1])["cases"]:
        spent = case["spent"]
        assert (1, 60, Decimal("0.06")) == (spent["requests"], spent["completion_tokens"], Decimal(spent["cost_usd"]))
        assert spent["prompt_tokens"] > 400
        assert 0 <= spent["seconds"] < 5
    assert pytest.approx(0.06) == figures(ran)["cost_usd_per_change"]


def test_a_repaired_answer_counts_once_and_its_tokens_twice(run: Run) -> None:
    def script(asked: Asked) -> Answer:
        return GOOD(asked) if asked.is_repair else Answer(text="no JSON", tokens=10)

    ran = asked(run, script, "--format", "json")
    assert 1.0 == figures(ran)["f1"]
    requests = {case["id"]: case["spent"]["requests"] for case in json.loads(ran[1])["cases"]}
    # Twice for the review, and twice for each claim's verdict.
    assert {"go/clean-name": 2, "go/left-open": 6, "python/one-too-high": 4} == requests


def test_an_answer_without_text_is_asked_for_again(run: Run) -> None:
    ran = asked(run, lambda asked: GOOD(asked) if asked.is_repair else Answer(text=""), "--format", "json")
    assert 1.0 == figures(ran)["f1"]


def test_the_model_sees_the_change_and_none_of_the_labels(run: Run) -> None:
    with serving(GOOD) as server:
        run("--base-url", server.base_url)
        sent = "\n".join(str(request.body) for request in server.asked)
    assert "items[len(items)]" in sent
    for label in ("Indexes go up", "one-too-high", "left-open", "clean", "boundaries"):
        assert label not in sent


def test_cases_are_asked_about_at_once_within_the_limit(run: Run) -> None:
    with serving(lambda _: Answer(delay_s=0.05)) as server:
        run("--base-url", server.base_url, REVIEWBOT_CONCURRENCY="2")
        assert (3, 2) == (len(server.asked), server.most_at_once)


def test_requests_of_an_evaluation_are_in_the_ledger_and_never_from_the_cache(run: Run, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    environ = {
        "REVIEWBOT_LEDGER": str(ledger), "REVIEWBOT_CACHE_DIR": str(tmp_path / "cache"), "REVIEWBOT_API_KEY": "made-up",
    }  # fmt: skip
    for _ in range(2):
        asked(run, GOOD, **environ)
    outcomes = [json.loads(line).get("outcome") for line in ledger.read_text().splitlines()]
    # Three reviews and three verdicts.
    assert ["ok"] * 2 * 6 == [outcome for outcome in outcomes if outcome is not None]


# Failures


def test_a_case_that_failed_is_missed_told_and_exits_with_4(run: Run) -> None:
    def script(asked: Asked) -> Answer:
        return refusal(400, "Not this one") if "### copy.go" in asked.user else GOOD(asked)

    code, out, _ = asked(run, script)
    assert 4 == code
    assert "not reviewed (1)\n  go/left-open  1 request failed for good: 127.0.0.1 answered 400: Not this one\n" in out
    assert "33.3%" == row(out, "recall")[1]


def test_where_no_case_could_be_reviewed_there_are_no_figures(run: Run) -> None:
    code, out, err = asked(run, lambda _: refusal(401, "no such key"), REVIEWBOT_API_KEY="made-up")
    assert (4, "") == (code, out)
    assert "no case could be reviewed: 1 request failed for good" in err


def test_a_budget_that_ends_exits_with_5(run: Run, tmp_path: Path) -> None:
    operator = tmp_path / "operator.toml"
    operator.write_text('[[price]]\nmodel = "home-grown"\nprompt = 0\ncompletion = 1_000\n')
    arguments = ("--model", "home-grown", "--budget", "8.5")
    code, out, _ = asked(
        run, lambda _: Answer(tokens=600), *arguments, REVIEWBOT_CONFIG=str(operator), REVIEWBOT_CONCURRENCY="1"
    )
    assert 5 == code
    assert "not reviewed (2)" in out


@pytest.mark.parametrize(
    ("floor", "code"), [("0", 0), ("57.1", 0), ("57.2", 1), ("100", 1)]
)  # 2 of 4 right, 2 of 3 found: F1 is 4/7
def test_an_f1_under_the_floor_exits_with_1(run: Run, floor: str, code: int) -> None:
    script = answering(count=[HIGH], copy=[STAT, claim("copy.go", "    source, err := os.Open(from)", 10)], add=[NAME])
    assert code == asked(run, script, "--fail-under-f1", floor)[0]


# Static rules


def test_static_rules_are_evaluated_without_a_key(run: Run, cases: Path) -> None:
    labels = eval_scene.COUNT_LABELS.replace("items[len(items)]", "undefined_name")
    diff = eval_scene.COUNT.replace("items[len(items)]", "undefined_name")
    eval_scene.write(cases, "undefined", labels, diff)
    ran = run("--engine", "static", "--format", "json")
    assert ["hit"] == marks(ran)["python/undefined"]
    assert (1.0, 0.25) == (figures(ran)["precision"], figures(ran)["recall"])
    text = run("--engine", "static")[1]
    assert text.startswith("static rules\n4 cases: 4 expected problems in 3, 1 clean\n")
    assert "tokens" not in text


def test_without_a_key_static_rules_are_evaluated_and_it_is_said(run: Run) -> None:
    code, out, err = run()
    assert 0 == code
    assert out.startswith("static rules\n")
    assert "static rules only: no API key and no endpoint is set" in err
    assert "" == run("--quiet")[2]


# Recordings


def test_a_recording_gives_the_same_result_without_the_server(run: Run, tmp_path: Path) -> None:
    recorded = tmp_path / "answers.jsonl"
    first = json.loads(asked(run, POOR, "--record", str(recorded), "--format", "json")[1])
    again = json.loads(run("--recorded", str(recorded), "--format", "json")[1])
    assert first["cases"] == again["cases"]
    assert first["measures"] == again["measures"]
    assert ("live", "recorded") == (first["run"]["source"], again["run"]["source"])
    assert "from deepseek-flash at 127.0.0.1" in again["run"]["note"]


def test_a_recording_does_not_answer_another_prompt(run: Run, tmp_path: Path) -> None:
    recorded, config = tmp_path / "answers.jsonl", tmp_path / "other.toml"
    asked(run, GOOD, "--record", str(recorded))
    config.write_text('instructions = "Be kind."\n')
    code, _, err = run("--recorded", str(recorded), "--config", str(config))
    assert 4 == code
    assert "the recording answers another prompt than this version's review of go/clean-name: record it anew" in err


def test_answers_are_kept_even_where_some_requests_fail(run: Run, tmp_path: Path) -> None:
    recorded = tmp_path / "answers.jsonl"

    def script(asked: Asked) -> Answer:
        return refusal(400, "no") if "### copy.go" in asked.user else GOOD(asked)

    asked(run, script, "--record", str(recorded))
    # The heading, two reviews, and the verdict on the one claim.
    assert 4 == len(recorded.read_text("utf-8").splitlines())
    code, out, _ = run("--recorded", str(recorded))
    assert 4 == code
    assert "go/left-open  1 request failed for good: the recording has no answer for a review of go/left-open" in out


def test_scripted_answers_say_that_no_model_was_asked(run: Run, tmp_path: Path) -> None:
    names = ("python/one-too-high", "go/left-open", "go/clean-name")
    entries = [Entry(case=name, task=Task.REVIEW, text=eval_scene.text_of()) for name in names]
    path = str(eval_scene.recording(tmp_path / "made-up.jsonl", entries))
    code, out, _ = run("--recorded", path)
    assert 0 == code
    assert out.startswith("made-up · SCRIPTED answers: no model was asked")
    assert "Made up for a test.\n" in out


# Two runs


def test_two_prompts_are_run_and_compared_side_by_side(run: Run, tmp_path: Path) -> None:
    prompts = tmp_path / "mine" / "prompts"
    prompts.mkdir(parents=True)
    (prompts / "review.system.j2").write_text("Find all of it. {{ instructions }}")

    def script(asked: Asked) -> Answer:
        return GOOD(asked) if "Find all of it." in str(asked.body) else POOR(asked)

    recorded = tmp_path / "both.jsonl"
    arguments = ("--templates", str(prompts.parent), "--format", "json")
    ran = asked(run, script, *arguments, "--record", str(recorded))
    comparison = json.loads(ran[1])["comparison"]
    recall = next(each for each in comparison["differences"] if each["name"] == "recall")
    assert (round(1 / 3, 6), 1.0) == (recall["before"], recall["after"])
    assert ["go/left-open"] == comparison["gained"]
    assert comparison["before"]["prompt"] != json.loads(ran[1])["run"]["prompt"]
    again = run("--recorded", str(recorded), *arguments)
    assert comparison["differences"] == json.loads(again[1])["comparison"]["differences"]


def test_a_run_is_compared_with_a_saved_one(run: Run, tmp_path: Path) -> None:
    saved = tmp_path / "earlier.json"
    asked(run, GOOD, "--save", str(saved))
    code, out, _ = asked(run, POOR, "--against", str(saved))
    assert 0 == code
    assert "before: deepseek-flash at 127.0.0.1 · live answers · prompt" in out
    assert "less found in go/left-open" in out
    assert ["recall", "100%", "33.3%", "-66.7", "pp"] == row(out.partition("before:")[2], "recall")[:5]


def test_the_saved_result_is_what_json_shows(run: Run, tmp_path: Path) -> None:
    saved = tmp_path / "result.json"
    _, out, _ = asked(run, POOR, "--save", str(saved), "--format", "json")
    assert out == saved.read_text("utf-8")


def test_runs_without_a_common_case_cannot_be_compared(run: Run, cases: Path, tmp_path: Path) -> None:
    saved = tmp_path / "earlier.json"
    asked(run, GOOD, "--save", str(saved))
    for name in ("one-too-high", "left-open"):
        shutil.rmtree(cases / name)
    eval_scene.write(cases, "clean-name", eval_scene.CLEAN_LABELS + "# another version\n", eval_scene.CLEAN)
    code, out, err = asked(run, GOOD, "--against", str(saved))
    assert (2, "") == (code, out)
    assert "the two runs have no case in common in the same version" in err


# Files and mistakes


def test_a_page_is_written_beside_the_result(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "out" / "page.html"
    code, out, _ = asked(run, POOR, "--html", str(page))
    assert 0 == code
    assert out.startswith("deepseek-flash at 127.0.0.1 · live answers · prompt ")
    assert "<b>go/left-open</b>" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--recorded", "x", "--record", "y"), "it does not go with --record, --base-url or --model"),
        (("--recorded", "x", "--model", "m"), "it does not go with --record, --base-url or --model"),
        (("--recorded", "x", "--engine", "static"), "it does not go with --engine static"),
        (("--against", "x", "--templates", "y"), "--against and --templates each give a second run"),
        (("--record", "x"), "no model is asked: static rules only"),
        (("--templates", "x", "--engine", "static"), "no model is asked: --engine static"),
        (("--recorded", "missing.jsonl"), "the recording missing.jsonl cannot be read: No such file or directory"),
        (("--against", "missing.json"), "--against missing.json cannot be read: No such file or directory"),
        (("--engine", "llm"), "--engine llm needs a model"),
        (("--base-url", "nonsense"), "the endpoint 'nonsense' is no http(s) URL"),
        (("--base-url", "http://127.0.0.1:9", "--templates", "empty"), "--templates empty holds no prompts/*.j2"),
    ],
)
def test_a_mistake_is_named_and_exits_with_2(run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run(*arguments)
    assert (2, "") == (code, out)
    assert said in err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "is no result that 'reviewbot eval --save' wrote"),
        ("{", "is no result that 'reviewbot eval --save' wrote"),
        ('{"schema": 1, "run": {}, "cases": []}', "run.engine: Field required"),
        (
            '{"schema": 2, "run": {"engine": "e", "model": null, "prompt": null, "source": "s"}, "cases": []}',
            "it has schema 2, not 1",
        ),
    ],
)
def test_a_file_that_is_no_saved_result_is_explained(run: Run, tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(content)
    code, _, err = run("--against", str(path))
    assert 2 == code
    assert said in err


def test_progress_counts_cases_on_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    asked(run, GOOD)
    assert "3/3" in terminal.getvalue()


def test_results_that_were_saved_hold_all_that_a_comparison_needs(run: Run, tmp_path: Path) -> None:
    saved = tmp_path / "earlier.json"
    asked(run, GOOD, "--save", str(saved))
    found: dict[str, Any] = json.loads(asked(run, GOOD, "--against", str(saved), "--format", "json")[1])
    shares = [each for each in found["comparison"]["differences"] if each["name"] in {"precision", "recall", "f1"}]
    assert [(1.0, 1.0, 0.0, 0.0, False)] * 3 == [
        (each["before"], each["after"], each["low"], each["high"], each["beyond_noise"]) for each in shares
    ]
