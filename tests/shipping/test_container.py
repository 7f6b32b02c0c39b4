"""The Dockerfile by careful reading: no daemon runs where the tests do."""

import re
from pathlib import PurePosixPath

from shipping.shipped import ROOT

TEXT = (ROOT / "Dockerfile").read_text("utf-8")
LINES = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
INSTRUCTIONS = [tuple(line.split(maxsplit=1)) for line in LINES if line.strip()]
FINAL = INSTRUCTIONS[max(index for index, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM") :]


def of(name: str) -> list[str]:
    """Give the arguments of an instruction, in all stages."""
    return [rest for instruction, rest in INSTRUCTIONS if instruction == name]


def test_every_stage_starts_from_the_same_slim_image_of_a_fixed_release() -> None:
    images = {rest.split()[0] for rest in of("FROM")}
    (image,) = images
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", image)


def test_the_image_runs_as_a_number_that_is_not_root() -> None:
    (user,) = [rest for name, rest in FINAL if name == "USER"]
    uid, gid = user.split(":")
    assert int(uid) >= 1000
    assert int(gid) >= 1000
    assert any(f"useradd --uid {uid}" in rest for rest in of("RUN"))
    assert {"WORKDIR", "CMD"} == {name for name, _ in FINAL[FINAL.index(("USER", user)) + 1 :]}


def test_gitlab_can_start_a_shell_in_the_image() -> None:
    assert [] == of("ENTRYPOINT")
    assert ['["reviewbot", "--help"]'] == of("CMD")


def test_the_image_has_git_which_reads_a_clone_of_another_owner() -> None:
    (run,) = [rest for name, rest in FINAL if name == "RUN"]
    assert re.search(r"apt-get install -y --no-install-recommends [\w -]*\bgit\b", run)
    assert "git config --system --add safe.directory '*'" in run


def test_the_image_can_run_the_gateway_and_workers_whose_volumes_belong_to_them() -> None:
    (installed,) = [rest for name, rest in INSTRUCTIONS if name == "RUN" and "pip install" in rest]
    assert '".[gateway,worker]"' in installed
    (prepared,) = [rest for name, rest in FINAL if name == "RUN"]
    (uid,) = {rest.split(":")[0] for name, rest in FINAL if name == "USER"}
    assert f"install --directory --owner={uid} --group={uid} --mode=0700 /var/lib/reviewbot" in prepared


def test_nothing_is_fetched_from_addresses_and_no_secret_is_built_in() -> None:
    assert [] == of("ADD")
    assert [] == of("ARG")
    assert not re.search(r"https?://|curl|wget", TEXT)
    assert not re.search(r"TOKEN|KEY|SECRET", TEXT)


def test_the_image_is_built_from_what_a_wheel_is_built_from_and_nothing_else_gets_there() -> None:
    copied = {name for rest in of("COPY") if "--from" not in rest for name in rest.split()[:-1]}
    assert {"pyproject.toml", "README.md", "LICENSE", "reviewbot", "templates"} == copied
    rules = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert "*" == rules[0]
    assert copied == {line.removeprefix("!") for line in rules if line.startswith("!")}
    assert all((ROOT / PurePosixPath(name)).exists() for name in copied)
