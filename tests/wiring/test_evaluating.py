"""Cases and recordings on disk: read as they are meant, and faults named."""

import asyncio
from pathlib import Path

import eval_scene
import pytest
from eval_scene import CLEAN, CLEAN_LABELS, COPY, COPY_LABELS, COUNT, COUNT_LABELS

from reviewbot.domain.evaluation import Place
from reviewbot.domain.patch import Side
from reviewbot.domain.prompt import Message, Prompt, Task
from reviewbot.domain.usage import TokenUsage
from reviewbot.errors import ProviderError, UsageError
from reviewbot.wiring.evaluating import cases, recordings
from reviewbot.wiring.evaluating.recordings import Entry, Head, Player, Recording


def prompt(text: str = "look", *, task: Task = Task.REVIEW, repair: bool = False) -> Prompt:
    return Prompt(task=task, messages=(Message(role="user", content=text),), prompt_tokens=1, repair=repair)


# Cases


def test_a_case_is_read_as_it_is_written(tmp_path: Path) -> None:
    eval_scene.write(tmp_path, "left-open", COPY_LABELS, COPY)
    (case,) = cases.read(tmp_path)
    assert ("go/left-open", "go", "resources", False) == (case.id, case.language, case.category, case.whole)
    assert ("copy.go",) == tuple(file.path for file in case.patch.files)

    def at(line: int) -> Place:
        return Place(path="copy.go", side=Side.RIGHT, start=line, end=line)

    assert [(at(17), at(19)), (at(15),)] == [each.places for each in case.expected]
    assert (at(14),) == case.accepted


def test_a_case_has_the_same_id_from_wherever_it_is_read(tmp_path: Path) -> None:
    eval_scene.small(tmp_path / "some" / "where")
    expected = ["go/clean-name", "go/left-open", "python/one-too-high"]
    assert expected == [case.id for case in cases.read(tmp_path)]
    assert expected == [case.id for case in cases.read(tmp_path / "some" / "where")]
    assert ["go/left-open"] == [case.id for case in cases.read(tmp_path / "some" / "where" / "left-open")]


def test_the_digest_changes_with_the_labels_and_with_the_change(tmp_path: Path) -> None:
    digests = set()
    for labels, diff in (
        (COUNT_LABELS, COUNT),
        (COUNT_LABELS + "\n", COUNT),
        (COUNT_LABELS, COUNT.replace("Give", "Get")),
    ):
        eval_scene.write(tmp_path, "one", labels, diff)
        (case,) = cases.read(tmp_path)
        digests.add(case.digest)
    assert 3 == len(digests)


def test_a_place_may_be_on_the_old_side_and_name_its_line(tmp_path: Path) -> None:
    labels = COUNT_LABELS.replace(
        '{ quote = "return items[len(items)]" }',
        '{ quote = "return items[-1]", side = "LEFT" }, { quote = "last(items", line = 1, path = "count.py" }',
    )
    eval_scene.write(tmp_path, "one", labels, COUNT)
    (case,) = cases.read(tmp_path)
    left, right = case.expected[0].places
    assert (Side.LEFT, 3) == (left.side, left.start)
    assert (Side.RIGHT, 1) == (right.side, right.start)


def test_the_new_text_of_a_whole_file_is_what_the_diff_shows(tmp_path: Path) -> None:
    eval_scene.write(tmp_path, "one", COUNT_LABELS, COUNT)
    (case,) = cases.read(tmp_path)
    expected = b'def last(items: list[str]) -> str:\n    """Give the last item."""\n    return items[len(items)]\n'
    assert expected == cases.new_text(case.patch.files[0])


@pytest.mark.parametrize(
    ("labels", "diff", "said"),
    [
        ("about = ", COUNT, "case.toml is no TOML"),
        ('about = "x"\nlanguage = "go"\n', COUNT, "case.toml: category: Field required"),
        (COUNT_LABELS + "spare = 1\n", COUNT, "case.toml: expected.0.spare: Extra inputs are not permitted"),
        (COUNT_LABELS.replace('"high"', '"huge"'), COUNT, "case.toml: expected.0.severity: Input should be"),
        (
            COUNT_LABELS.replace("len(items)]", "gone]"),
            COUNT,
            "'return items[gone]' has no one place on the RIGHT side",
        ),
        (COUNT_LABELS, "nonsense", "change.diff: "),
        (COUNT_LABELS, COUNT.replace("-1,3 +1,3", "-1,3 +1,9"), "change.diff: "),
        (
            COPY_LABELS + "\n",
            COPY.replace("copy.go", "copy2.go") + CLEAN,
            "change.diff has several files: say the path",
        ),
        (
            COPY_LABELS.replace('"resources"', '"resources"\nwhole = true'),
            COPY,
            "it is said to be whole, but change.diff",
        ),
    ],
)
def test_a_case_that_cannot_be_used_is_named_with_its_fault(tmp_path: Path, labels: str, diff: str, said: str) -> None:
    eval_scene.write(tmp_path, "bad-one", labels, diff)
    with pytest.raises(UsageError) as caught:
        cases.read(tmp_path)
    assert str(caught.value).startswith(f"the case {tmp_path / 'bad-one'} cannot be used: ")
    assert said in str(caught.value)


def test_a_case_without_its_change_is_named(tmp_path: Path) -> None:
    (eval_scene.write(tmp_path, "one", COUNT_LABELS, COUNT) / "change.diff").unlink()
    with pytest.raises(UsageError, match=r"one cannot be used: change.diff cannot be read: No such file or directory"):
        cases.read(tmp_path)


def test_a_folder_without_cases_is_explained(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"there are no cases in .*: a case is a folder with case.toml and change.diff"
    ):
        cases.read(tmp_path)


def test_two_cases_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        eval_scene.write(tmp_path / folder, "same", CLEAN_LABELS, CLEAN)
    with pytest.raises(UsageError, match="two cases are called go/same"):
        cases.read(tmp_path)


# Recordings


def entry(case: str = "go/a", text: str = "t", **fields: object) -> Entry:
    known: dict[str, object] = {"case": case, "task": Task.REVIEW, "text": text}
    return Entry.model_validate(known | fields)


def player(*entries: Entry) -> Player:
    return Player(Recording(head=Head(scripted=True, model="m"), entries=entries))


def test_what_is_written_is_read_again_with_every_character(tmp_path: Path) -> None:
    hostile = entry(text="a\u2028b\x85c\nd\r\n\U0001f600 \\", usage=TokenUsage(prompt_tokens=3, completion_tokens=4))
    path = tmp_path / "a.jsonl"
    path.write_text(recordings.render(Head(scripted=False, model="m"), [hostile]), "utf-8")
    assert Recording(head=Head(scripted=False, model="m"), entries=(hostile,)) == recordings.read(path)
    assert hostile.text == hostile.completion.text


def test_a_recording_is_sorted_so_that_only_changes_show() -> None:
    head, entries = (
        Head(scripted=True, model="m"),
        [entry("go/b"), entry("go/a", digest="2"), entry("go/a", digest="1")],
    )
    assert recordings.render(head, entries) == recordings.render(head, reversed(entries))


def test_an_answer_is_given_by_case_task_and_prompt() -> None:
    look, verify = prompt(), prompt("claim", task=Task.VERIFY)
    answers = player(
        entry(text="other", digest="0" * 12),
        entry("go/b", text="b"),
        entry(text="one", digest=recordings.digest(look)),
        entry(text="accept", task="verify"),
    )
    assert ["one", "accept", "b"] == [
        answers.take("go/a", look).text,
        answers.take("go/a", verify).text,
        answers.take("go/b", look).text,
    ]


def test_answers_without_a_prompt_are_given_in_their_order_each_once() -> None:
    answers = player(entry(text="first"), entry(text="second"), entry(text="mended", repair=True))
    assert ["first", "mended", "second"] == [
        answers.take("go/a", prompt(repair=repair)).text for repair in (False, True, False)
    ]
    with pytest.raises(ProviderError, match="the recording has no answer for a review of go/a"):
        answers.take("go/a", prompt())


def test_an_answer_to_another_prompt_is_none() -> None:
    answers = player(entry(digest=recordings.digest(prompt("before")), repair=True))
    with pytest.raises(
        ProviderError, match="answers another prompt than this version's repair of go/a: record it anew"
    ):
        answers.take("go/a", prompt("after", repair=True))


def test_the_digest_tells_apart_where_a_message_ends() -> None:
    one = Prompt(task=Task.REVIEW, messages=(Message(role="user", content="ab"),), prompt_tokens=1)
    two = Prompt(
        task=Task.REVIEW,
        messages=(Message(role="user", content="a"), Message(role="user", content="b")),
        prompt_tokens=1,
    )
    assert recordings.digest(one) != recordings.digest(two)
    assert 12 == len(recordings.digest(one))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "line 1: Invalid JSON"),
        ("{}", "line 1: Field required"),
        ('{"recording": 2, "scripted": true, "model": "m"}', "line 1: Input should be 1"),
        ('{"recording": 1, "scripted": true, "model": "m"}\n{"case": 1}', "line 2: Input should be a valid string"),
    ],
)
def test_a_file_that_is_no_recording_is_explained(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(content)
    with pytest.raises(UsageError) as caught:
        recordings.read(path)
    assert f"{path} is no recording of answers: {said}" in str(caught.value)


def test_a_file_of_bytes_is_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"cannot be read: 'utf-8' codec"):
        recordings.read(path)


def test_a_second_pass_is_given_its_own_answer_to_the_same_request() -> None:
    digest = recordings.digest(prompt())
    both = player(entry(text="first", digest=digest), entry(text="second", digest=digest))
    assert "first" == both.take("go/a", prompt()).text
    both.rewind()
    assert ["second", "first"] == [both.take("go/a", prompt()).text for _ in range(2)]


def test_replaying_twice_begins_anew() -> None:
    from reviewbot.domain.endpoint import ModelOptions
    from reviewbot.wiring.evaluating.answers import replay

    again = player(entry(text="only"))

    async def once() -> str:
        return (await replay(again)("go/a", prompt(), ModelOptions(name="m"), None)).text

    assert ["only", "only"] == [asyncio.run(once()), asyncio.run(once())]
