"""The filter, run by a small machine of our own: what it refuses, and what it lets pass."""

import errno
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.sandbox.seccomp import Instruction, Rule, When, numbers, program, rules
from reviewbot.sandbox.syscalls import KEEPING, KERNEL, LAST, METADATA, OTHERS, SIGNALS

_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_WORDS = st.integers(min_value=0, max_value=2**32 - 1)
_KILLED = "killed"


def _answer(found: tuple[Instruction, ...], architecture: int, number: int, *arguments: int) -> int | str:
    """Run a filter as the kernel does; give the error of a refused call, 0 for one that may be made."""
    words = {0: number, 4: architecture, **{16 + 8 * index: value for index, value in enumerate(arguments)}}
    held, at = 0, 0
    while True:
        code, yes, no, operand = found[at]
        at += 1
        match code:
            case 0x20:
                held = words.get(operand, 0)
            case 0x15:
                at += yes if held == operand else no
            case 0x35:
                at += yes if held >= operand else no
            case 0x45:
                at += yes if held & operand else no
            case _:
                assert code == 0x06
                if operand == 0x80000000:
                    return _KILLED
                return 0 if operand == 0x7FFF0000 else operand & 0xFFFF


def _applies(rule: Rule, arguments: list[int]) -> bool:
    value = arguments[rule.argument]
    return {
        When.ALWAYS: True,
        When.AMONG: value in rule.values,
        When.NOT_AMONG: value not in rule.values,
        When.BITS: any(value & bits for bits in rule.values),
    }[rule.when]


@pytest.mark.parametrize("machine", _MACHINES)
@pytest.mark.parametrize("abi", [None, 1, 3, 5, 7])
def test_the_filter_says_what_the_rules_say(machine: str, abi: int | None) -> None:
    found, known = rules(abi), numbers(_MACHINES[machine][1])
    compiled = program(found, machine)
    of_rules = [value for rule in found for value in rule.values]

    @given(st.sampled_from([*known.values(), 0, 1, LAST]), st.lists(st.sampled_from(of_rules) | _WORDS, min_size=6))
    def agree(number: int, arguments: list[int]) -> None:
        refused = [rule for rule in found if known.get(rule.call) == number and _applies(rule, arguments)]
        expected = refused[0].error if refused else 0
        assert expected == _answer(compiled, _MACHINES[machine][0], number, *arguments)

    agree()


@pytest.mark.parametrize("machine", _MACHINES)
def test_a_call_that_is_not_known_here_does_not_exist(machine: str) -> None:
    compiled = program(rules(None), machine)
    for number in (LAST + 1, 0x40000000 + 101, 2**32 - 1):
        assert errno.ENOSYS == _answer(compiled, _MACHINES[machine][0], number)


def test_a_call_of_another_architecture_ends_the_process() -> None:
    assert _KILLED == _answer(program(rules(None), "x86_64"), 0x40000003, 26)


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(OSError, match="riscv64"):
        program(rules(None), "riscv64")


@pytest.mark.parametrize(("abi", "refused"), [(None, False), (1, True), (5, True), (6, False)])
def test_signals_are_refused_where_landlock_does_not_guard_them(abi: int | None, *, refused: bool) -> None:
    calls = {rule.call for rule in rules(abi)}
    assert refused is (SIGNALS.keys() <= calls)
    assert refused is ("fcntl" in calls)


@pytest.mark.parametrize(("abi", "refused"), [(None, False), (2, True), (3, False)])
def test_truncation_by_path_is_refused_where_landlock_does_not_guard_it(abi: int | None, *, refused: bool) -> None:
    assert refused is ("truncate" in {rule.call for rule in rules(abi)})


def test_setuid_files_are_refused_at_every_level() -> None:
    for abi in (None, 7):
        compiled = program(rules(abi), "x86_64")
        assert errno.EPERM == _answer(compiled, 0xC000003E, 257, 0, 0, 0, stat.S_ISUID | 0o755)
        assert 0 == _answer(compiled, 0xC000003E, 257, 0, 0, 0, 0o755)


def test_the_numbers_are_those_of_the_kernel() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("the kernel's headers are not installed")
    found = {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", header.read_text())}
    ours = numbers(0)
    assert {name: found[name] for name in ours if name in found} == {name: ours[name] for name in ours if name in found}
    assert len(ours.keys() & found.keys()) > 90


def test_no_call_stands_in_two_groups() -> None:
    groups = [KERNEL, OTHERS, KEEPING, METADATA, SIGNALS]
    assert sum(map(len, groups)) == len({call for group in groups for call in group})
