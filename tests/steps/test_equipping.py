"""Chunks with rules and with what stands around, within their budgets."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steps.context_scene import Sources, index, lines, patch, plan

from reviewbot import templating
from reviewbot.domain.chunk import Chunk, ContextBudget
from reviewbot.steps import chunking, equipping, prompting
from reviewbot.steps.counting import tokens
from reviewbot.steps.instructing import PathRule
from reviewbot.steps.redacting import Redactions

API = PathRule(paths=("api/**",), instructions="Every route checks the tenant.")
DOCS = PathRule(paths=("*.md",), instructions="Examples must run.")
MODULE = """\
def first_{at}(a, b, c):
    x = 1
    return helper_{at}(x)


def helper_{at}(value: int) -> int:
    y = 1
    return y
"""
MANY = {f"m{at}.py": MODULE.format(at=at) for at in range(12)}
EDITED = {path: text.replace("(x)", "(2)").replace("y = 1", "y = 2") for path, text in MANY.items()}
CART = """\
def price(row):
    return row


class Cart:
    def one(self):
        x
        a
        z

    def two(self):
        x
"""


def context_tokens(chunk: Chunk) -> int:
    return sum(tokens(line) + 2 for entry in chunk.files for excerpt in entry.excerpts for line in excerpt.context)


def bare(chunk: Chunk) -> Chunk:
    """Take off what was added."""
    files = (
        replace(entry, excerpts=tuple(replace(excerpt, context=()) for excerpt in entry.excerpts))
        for entry in chunk.files
    )
    return replace(chunk, files=tuple(files), rules=(), prompt_tokens=0)


def test_no_token_for_context_means_none() -> None:
    found = plan(MANY, EDITED, budget=ContextBudget(context_tokens=0))
    assert [] == lines(found)
    assert found == chunking.plan(list(enumerate(patch(MANY, EDITED).files)), ContextBudget(), 0, tokens)


def test_a_chunk_tells_no_more_than_its_allowance_and_the_most_useful_first() -> None:
    everything = lines(plan(MANY, EDITED))
    assert {"inside", "calls"} == {line.split(":")[0] for line in everything}
    (chunk,) = plan(MANY, EDITED, budget=ContextBudget(context_tokens=250)).chunks
    told = [line for entry in chunk.files for excerpt in entry.excerpts for line in excerpt.context]
    assert 0 < context_tokens(chunk) <= 250
    assert {"inside"} == {line.split(":")[0] for line in told}


def test_a_hunk_takes_no_more_than_a_quarter() -> None:
    names = [f"a_rather_long_name_of_a_function_{at}" for at in range(30)]
    source = "".join(f"def {name}(value: int) -> int:\n    return value\n\n\n" for name in names)
    before = {"a.py": f"{source}def use():\n    x\n"}
    after = {"a.py": f"{source}def use():\n    y = [{', '.join(f'{name}(1)' for name in names)}]\n"}
    (chunk,) = plan(before, after).chunks
    assert 200 < context_tokens(chunk) <= 300


def test_the_estimate_grows_by_what_is_told() -> None:
    (chunk,) = plan(MANY, EDITED, rules=(replace(API, paths=("*.py",)),)).chunks
    (plain,) = plan(MANY, EDITED, budget=ContextBudget(context_tokens=0)).chunks
    more = chunk.prompt_tokens - plain.prompt_tokens
    templates = templating.environment()
    with_it, without = (
        prompting.review(templates, "", item, Redactions(), tokens).prompt_tokens for item in (chunk, plain)
    )
    assert with_it - without == pytest.approx(more, rel=0.1)


def test_under_pressure_it_is_the_context_that_goes() -> None:
    budget = ContextBudget(target_tokens=2_000)
    roomy = plan(MANY, EDITED, budget=budget)
    (full,) = roomy.chunks
    size = full.prompt_tokens - context_tokens(full)
    tight = replace(budget, ceiling_tokens=budget.answer_tokens + size + 20)
    (squeezed,) = plan(MANY, EDITED, budget=tight).chunks
    assert bare(squeezed) == bare(full)
    assert context_tokens(squeezed) <= 20
    assert squeezed.prompt_tokens <= tight.ceiling_tokens - tight.answer_tokens


def test_what_is_called_from_two_hunks_is_told_once_and_where_each_stands_for_each() -> None:
    after = CART.replace("        x\n", "        price(1)\n")
    (chunk,) = plan({"a.py": CART}, {"a.py": after}).chunks
    told = [excerpt.context for entry in chunk.files for excerpt in entry.excerpts]
    assert [
        ("inside: class Cart:", "inside: def one(self):", "calls: def price(row): (a.py:1)"),
        ("inside: class Cart:", "inside: def two(self):"),
    ] == told


def test_a_rule_is_shown_with_the_chunks_whose_files_it_is_for() -> None:
    after = {"api/a.py": "x = 1\n" * 300, "web/b.py": "y = 1\n" * 300, "c.md": "text\n"}
    found = plan({}, after, budget=ContextBudget(target_tokens=1_000), rules=(API, DOCS))
    shown = {entry.file.path: chunk.rules for chunk in found.chunks for entry in chunk.files}
    assert "api/**: Every route checks the tenant." in shown["api/a.py"]
    assert () == shown["web/b.py"]
    assert "*.md: Examples must run." in shown["c.md"]


def test_room_is_kept_free_for_rules_so_that_no_prompt_outgrows_the_window() -> None:
    rule = PathRule(paths=("*.py",), instructions="Mind the tenant. " * 60)
    budget = ContextBudget(ceiling_tokens=3_000, answer_tokens=500, target_tokens=9_000)
    after = {"a.py": "".join(f"x = [{at}]\n" for at in range(2_000))}
    found = plan({}, after, budget=budget, rules=(rule,))
    templates = templating.environment()
    sizes = [prompting.review(templates, "", chunk, Redactions(), tokens).prompt_tokens for chunk in found.chunks]
    assert len(sizes) > 2
    assert max(sizes) <= 2_500
    assert all(chunk.prompt_tokens <= 2_500 for chunk in found.chunks)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3_000), st.integers(50, 4_000), st.integers(10, 3_000), st.lists(st.sampled_from(sorted(MANY))))
def test_no_line_is_lost_and_no_budget_broken_for_context(
    context: int, target: int, ceiling: int, untouched: list[str]
) -> None:
    budget = ContextBudget(
        ceiling_tokens=100 + ceiling, answer_tokens=100, target_tokens=target, context_tokens=context
    )
    after = {path: MANY[path] if path in untouched else text for path, text in EDITED.items()}
    change = patch(MANY, after)
    found = equipping.plan(list(enumerate(change.files)), (), index(change, Sources(after)), budget, 0, tokens)
    plain = chunking.plan(list(enumerate(change.files)), budget, 0, tokens)
    assert [bare(chunk) for chunk in plain.chunks] == [bare(chunk) for chunk in found.chunks]
    assert plain.too_long == found.too_long
    for chunk, before in zip(found.chunks, plain.chunks, strict=True):
        assert context_tokens(chunk) <= context
        assert chunk.prompt_tokens == before.prompt_tokens + context_tokens(chunk)
        assert chunk.prompt_tokens <= max(before.prompt_tokens, ceiling)
        assert chunk.prompt_tokens <= max(target, before.prompt_tokens + target // 10)
