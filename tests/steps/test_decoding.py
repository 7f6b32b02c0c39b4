"""A model's answer → findings, whatever it looks like."""

import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reviewbot.domain.finding import Category, Confidence, Finding, Severity, Suggestion
from reviewbot.domain.patch import Side
from reviewbot.steps import decoding

CLAIM: dict[str, Any] = {
    "path": "a.py",
    "line": 12,
    "quote": "    x = 1",
    "side": "LEFT",
    "severity": "high",
    "category": "security",
    "title": "It is wrong",
    "body": "Because.",
    "suggestion": "    x = 2",
}
LEAST = {"path": "a.py", "severity": "low", "title": "It is wrong"}
FINDING = Finding(
    path="a.py",
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    category=Category.SECURITY,
    title="It is wrong",
    body="Because.",
    quote="    x = 1",
    source="llm",
    side=Side.LEFT,
    hint=12,
    suggestion=Suggestion(start_line=0, line=0, replacement="    x = 2"),
)


def answer(*claims: object) -> str:
    return json.dumps({"findings": claims})


def one(**changes: object) -> Finding:
    """Decode an answer with one finding that differs from the claim above."""
    decoded = decoding.findings(answer({**CLAIM, **changes}))
    assert decoded.rejected == ()
    (finding,) = decoded.findings
    return finding


def reason(claim: object) -> str:
    """Decode an answer with one finding that is rejected."""
    decoded = decoding.findings(answer(claim, CLAIM))
    assert decoded.findings == (FINDING,)
    (rejection,) = decoded.rejected
    return rejection.reason


def fault(text: str) -> str:
    with pytest.raises(decoding.MalformedError) as caught:
        decoding.findings(text)
    return str(caught.value)


# What stands around the object


BARE = answer(CLAIM)


@pytest.mark.parametrize(
    "text",
    [
        BARE,
        f"\ufeff  \n{BARE}\n\n",
        f"```json\n{BARE}\n```",
        f"```\n{BARE}\n```\n",
        f"~~~ {BARE} ~~~",
        f"```json\n{BARE}",
        f"Here is what I found:\n\n{BARE}\n\nI hope this helps.",
        f"{BARE} {BARE}",
        f"{BARE}\n}}}}]]",
        f"The set {{1, 2}} and the block {{ return; }} look fine. {BARE}",
        f'In {{"a": {{"b": 1}}}} there is nothing. {BARE}',
        json.dumps(json.loads(BARE), indent=4),
        BARE.replace('"findings"', '"thoughts": "{\\"findings\\": []}", "findings"'),
    ],
)
def test_the_object_is_found_whatever_stands_around_it(text: str) -> None:
    decoded = decoding.findings(text)
    assert (decoded.findings, decoded.rejected) == ((FINDING,), ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the answer is empty"),
        (" \n\t", "the answer is empty"),
        ("All good!", "the answer holds no JSON object"),
        ("[]", "the answer holds no JSON object"),
        ("12", "the answer holds no JSON object"),
        ("null", "the answer holds no JSON object"),
        ("{}", 'the object has no list "findings"'),
        ('{"findings": null}', 'the object has no list "findings"'),
        ('{"findings": {}}', 'the object has no list "findings"'),
        ('{"findings": NaN}', 'the object has no list "findings"'),
        (f"[{json.dumps(CLAIM)}]", 'the object has no list "findings"'),
        (f'{{"review": {BARE}}}', 'the object has no list "findings"'),
        ("{'findings': []}", "the answer is no complete JSON object: Expecting property name"),
        ('{"findings": [', "the answer is no complete JSON object: Expecting value"),
        (BARE[:-2], "the answer is no complete JSON object"),
        (BARE[:100], "the answer is no complete JSON object"),
        ('{"findings": []', "the answer is no complete JSON object"),
    ],
)
def test_without_a_list_of_findings_the_answer_is_malformed(text: str, expected: str) -> None:
    assert fault(text).startswith(expected)


@pytest.mark.parametrize("at", range(len(BARE)))
def test_an_answer_cut_off_anywhere_is_malformed(at: int) -> None:
    assert fault(BARE[:at])


def test_no_findings_are_no_findings() -> None:
    assert decoding.findings('{"findings": []}') == decoding.Decoded(findings=(), rejected=())


@pytest.mark.parametrize("opening", ["[", "{", '{"a":', '{"findings":[', '[{"a":'])
def test_deep_nesting_is_malformed_and_no_crash(opening: str) -> None:
    assert fault("{" + opening * 100_000)


def test_deep_nesting_in_an_unknown_key_is_malformed_too() -> None:
    assert fault('{"x": ' + "[" * 100_000 + "]" * 100_000 + ', "findings": []}')


@pytest.mark.parametrize("unit", ["{", '{"a": [', "```\n", "\n", '{"a": 1} ', "} "])
def test_four_times_the_text_costs_about_four_times_the_work(unit: str) -> None:
    assert _seconds(unit * 40_000 + "x") < max(10 * _seconds(unit * 10_000 + "x"), 0.1)


def _seconds(text: str) -> float:
    def once() -> float:
        started = time.process_time()
        fault(text)
        return time.process_time() - started

    return min(once() for _ in range(3))


# The findings


def test_every_key_is_read() -> None:
    assert one() == FINDING


def test_missing_keys_have_their_defaults() -> None:
    expected = Finding(
        path="a.py",
        severity=Severity.LOW,
        confidence=Confidence.MEDIUM,
        category=Category.BUG,
        title="It is wrong",
        body="",
        quote="",
        source="tests",
    )
    assert decoding.findings(answer(LEAST), source="tests").findings == (expected,)
    optional = ("line", "quote", "side", "category", "body", "suggestion")
    nulls = {**LEAST, **dict.fromkeys(optional)}
    assert decoding.findings(answer(nulls), source="tests").findings == (expected,)


def test_unknown_keys_are_ignored() -> None:
    assert one(certainty=0.3, confidence="high", span=[1, 2], **{"": None}) == FINDING


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    text = BARE.replace('"title"', '"title": "First", "title"')
    assert decoding.findings(text).findings == (FINDING,)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (12, 12),
        ("12", 12),
        (" 12 ", 12),
        (12.0, 12),
        (12.5, None),
        (True, None),
        (False, None),
        (0, None),
        (-1, None),
        ("-1", None),
        ("L12", None),
        ("12-14", None),
        ("", None),
        ("\u00b2", None),
        ("1" * 5_000, None),
        ("1" * 12, None),
        (10**30, None),
        (10**12, None),
        (1e308, None),
        (float("nan"), None),
        (float("inf"), None),
        ([12], None),
        ({"start": 12}, None),
    ],
)
def test_a_hint_that_is_no_line_number_is_none(line: object, hint: int | None) -> None:
    assert one(line=line).hint == hint


def test_a_number_of_ten_thousand_digits_costs_the_hint_and_not_the_answer() -> None:
    text = BARE.replace(": 12,", f': {"9" * 10_000}, "other": -{"9" * 10_000},')
    (finding,) = decoding.findings(text).findings
    assert finding.hint is None


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("severity", " HIGH ", Severity.HIGH),
        ("category", "Security", Category.SECURITY),
        ("side", "left", Side.LEFT),
        ("title", "  It\n is\twrong ", "It is wrong"),
        ("body", "\n\nBecause.\n", "Because."),
        ("quote", "  x\n\n y  \n", "  x\n\n y  \n"),
        ("path", " a b.py", " a b.py"),
        ("title", "x" * 100_000, "x" * 200),
        ("body", "x" * 100_000, "x" * 8_000),
        ("quote", "x" * 1_000_000, "x" * 1_000_000),
        ("title", "\0", "\0"),
    ],
)
def test_values_are_tidied(key: str, value: str, expected: object) -> None:
    assert getattr(one(**{key: value}), key) == expected


def test_an_empty_suggestion_deletes_and_none_suggests_nothing() -> None:
    assert one(suggestion="").suggestion == Suggestion(start_line=0, line=0, replacement="")
    assert one(suggestion=None).suggestion is None


@pytest.mark.parametrize("claim", ["text", 12, None, [], [CLAIM], True, 1.5])
def test_what_is_no_object_is_rejected(claim: object) -> None:
    assert reason(claim).startswith("the model's finding has not the agreed form: the finding: ")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("path", None),
        ("path", ""),
        ("path", "  "),
        ("path", 1),
        ("title", None),
        ("title", ""),
        ("title", " \n "),
        ("title", ["x"]),
        ("severity", None),
        ("severity", "urgent"),
        ("severity", 3),
        ("side", "both"),
        ("side", 1),
        ("quote", 1),
        ("quote", ["x = 1"]),
        ("body", {"text": "x"}),
        ("suggestion", True),
        ("title", "\ud800"),
    ],
)
def test_a_finding_of_another_form_is_rejected_with_the_reason_and_spoils_no_other(key: str, value: object) -> None:
    assert reason({**CLAIM, key: value}).startswith(f"the model's finding has not the agreed form: {key}: ")


@pytest.mark.parametrize("key", LEAST)
def test_a_finding_without_a_needed_key_is_rejected(key: str) -> None:
    claim = {name: value for name, value in CLAIM.items() if name != key}
    assert reason(claim) == f"the model's finding has not the agreed form: {key}: Field required"


def test_a_rejection_names_path_and_title_as_far_as_it_can() -> None:
    claims = ({**CLAIM, "severity": 1, "title": "x" * 500}, {"path": 1, "title": ["x"]}, 3)
    rejected = decoding.findings(answer(*claims, CLAIM)).rejected
    assert [(rejection.path, rejection.title) for rejection in rejected] == [("a.py", "x" * 200), ("", ""), ("", "")]


# Anything at all


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
@example("{" * 1_000)
@example('{"findings": [{"path": "\\ud800", "severity": "low", "title": "x"}]}')
def test_any_text_is_decoded_or_malformed(text: str) -> None:
    for wrapped in (text, f'{{"findings": [{text}]}}', f'{{"findings": [{json.dumps({**CLAIM, "title": text})}]}}'):
        try:
            decoded = decoding.findings(wrapped)
        except decoding.MalformedError:
            continue
        assert all(finding.title and finding.path.strip() for finding in decoded.findings)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(list(CLAIM.values())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(list(CLAIM)), VALUES) | VALUES, max_size=4))
def test_each_claim_is_a_finding_or_a_rejection(claims: list[object]) -> None:
    decoded = decoding.findings(json.dumps({"findings": [*claims, CLAIM]}))
    assert len(decoded.findings) + len(decoded.rejected) == len(claims) + 1


def test_a_category_of_the_models_own_is_maintainability() -> None:
    assert one(category="style").category is Category.MAINTAINABILITY


def test_an_answer_without_one_usable_finding_is_malformed_and_keeps_what_was_rejected() -> None:
    with pytest.raises(decoding.MalformedError, match="severity") as caught:
        decoding.findings(answer({**CLAIM, "severity": "blocker"}, {**CLAIM, "severity": "huge"}))
    assert caught.value.decoded is not None
    assert len(caught.value.decoded.rejected) == 2


def test_what_a_model_thinks_aloud_is_no_answer() -> None:
    thought = '<think>I could say {"findings": []} if nothing is wrong.</think>'
    assert decoding.findings(thought + answer(CLAIM)).findings == (FINDING,)


def test_the_form_repeated_before_the_answer_is_no_answer() -> None:
    text = 'The form is {"findings": []}. My answer:\n```json\n' + answer(CLAIM) + "\n```"
    assert decoding.findings(text).findings == (FINDING,)


def test_more_findings_than_an_answer_may_hold_are_rejected_and_told() -> None:
    decoded = decoding.findings(answer(*[CLAIM] * 53))
    assert (len(decoded.findings), len(decoded.rejected)) == (50, 3)


# Verdicts


def test_a_verdict_says_yes_or_no_why_and_by_what() -> None:
    text = '{"accept": true, "reason": "at == len\\n(items)", "evidence": "if at <= len(items):", "score": 0.9}'
    ruled = decoding.Ruled(accept=True, reason="at == len (items)", evidence="if at <= len(items):")
    assert decoding.verdict(text) == ruled
    assert decoding.verdict(f"<think>{{}}</think>Here:\n```json\n{text}\n```") == ruled


def test_what_a_verdict_need_not_say_may_be_missing() -> None:
    silent = decoding.Ruled(accept=False, reason="", evidence=None)
    assert decoding.verdict('{"accept": false}') == silent
    assert decoding.verdict('{"accept": "FALSE", "reason": null, "evidence": null}') == silent


@pytest.mark.parametrize("texts", [(True, False), (False, True), (True, False, True)])
def test_of_several_verdicts_one_that_rejects_is_enough(texts: tuple[bool, ...]) -> None:
    assert not decoding.verdict("\n".join(json.dumps({"accept": accept}) for accept in texts)).accept


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the answer is empty"),
        ("Yes.", "holds no JSON object"),
        ('{"findings": []}', 'has no "accept"'),
        ('{"accept": 1}', "accept: "),
        ('{"accept": [true]}', "accept: "),
        ('{"accept": null}', "accept: "),
        ('{"accept": true, "evidence": ["a"]}', "evidence: "),
        ('{"accept": tr', "no complete JSON object"),
    ],
)
def test_what_is_no_verdict_is_malformed(text: str, fault: str) -> None:
    with pytest.raises(decoding.MalformedError, match=fault):
        decoding.verdict(text)


@given(st.dictionaries(st.sampled_from(["accept", "reason", "evidence"]), VALUES))
def test_any_object_is_a_verdict_or_malformed(said: dict[str, object]) -> None:
    try:
        ruled = decoding.verdict(json.dumps(said))
    except decoding.MalformedError:
        return
    assert ruled.accept is (said["accept"] is True or str(said["accept"]).strip().lower() == "true")
