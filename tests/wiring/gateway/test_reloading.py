"""The gateway's files, read again when they change: as editors, secret managers and half-done writers change them."""

import asyncio
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from world import VirtualWorld

from reviewbot.errors import UsageError
from reviewbot.gateway import tokens
from reviewbot.wiring.gateway import tenants
from reviewbot.wiring.gateway.reloading import Reloading
from reviewbot.wiring.gateway.tenants import GatewayPlan, Read

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ONE, TWO = "made-up-one", "made-up-two"


def table(name: str, token: str = ONE) -> str:
    return f'[tenant.{name}]\ntokens_sha256 = ["{tokens.digest(token + name)}"]\n'


class Scene:
    """A file, what reads it again, and what came of that."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "gateway.toml"
        self.path.write_text(table("a"))
        self.virtual = VirtualWorld()
        self.applied: list[str] = []
        self.refused: str | None = None
        self.reloading = self.open()

    def open(self, **environ: str) -> Reloading:
        def load(read: Read) -> GatewayPlan:
            return tenants.load({"REVIEWBOT_CONFIG": str(self.path), **environ}, NOW, read)

        return Reloading(load, self.virtual.surroundings)

    async def apply(self, plan: GatewayPlan) -> None:
        if self.refused is not None:
            raise UsageError(self.refused)
        self.applied.append(" ".join(tenant.name for tenant in plan.config.tenants))

    async def looks(self, times: int = 2) -> list[str]:
        """Look so many times, and give what was put in force since the beginning."""
        for _ in range(times):
            await self.reloading.look(self.apply)
        return self.applied

    def write(self, text: str) -> None:
        """Write the file at once, as an editor or a careful program does: a new file takes its name."""
        beside = self.path.with_suffix(".new")
        beside.write_text(text)
        beside.replace(self.path)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    scene.reloading.first()
    return scene


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "reviewbot")


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "reviewbot"]


def test_the_first_reading_gives_the_plan_or_says_what_is_wrong(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    assert ["a"] == [tenant.name for tenant in scene.reloading.first().config.tenants]
    scene.path.write_text("[tenant")
    with pytest.raises(UsageError, match="no valid TOML"):
        scene.open().first()


def test_nothing_is_read_again_while_nothing_changes(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    assert asyncio.run(scene.looks(10)) == []
    assert told(caplog) == []


def test_a_changed_file_is_in_force_after_two_looks(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.write(table("a") + table("b"))
    assert asyncio.run(scene.looks(1)) == []
    assert asyncio.run(scene.looks(1)) == ["a b"]
    assert asyncio.run(scene.looks(10)) == ["a b"]
    assert told(caplog) == ["the gateway's configuration was read again, with tenants a, b"]
    assert [record.levelname for record in caplog.records] == ["INFO"]


def test_what_counts_from_the_next_start_is_named_for_as_long_as_it_differs(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    for rules in ("drain_s = 5\ncache = false\nwaiting = 7", "drain_s = 5", ""):
        scene.write(f"[gateway]\n{rules}\n{table('a')}")
        asyncio.run(scene.looks(2))
    read = "the gateway's configuration was read again, with tenants a"
    assert told(caplog) == [
        f"{read}; a restart is needed for drain_s, cache of [gateway]",
        f"{read}; a restart is needed for drain_s of [gateway]",
        read,
    ]


def test_a_change_is_in_force_within_5_seconds_by_itself(scene: Scene) -> None:
    async def session() -> float:
        took = asyncio.Event()

        async def apply(plan: GatewayPlan) -> None:
            await scene.apply(plan)
            took.set()

        scene.write(table("b"))
        changed_s = scene.virtual.time_s
        watching = asyncio.create_task(scene.reloading.watch(apply))
        await took.wait()
        watching.cancel()
        return scene.virtual.time_s - changed_s

    assert 0 < asyncio.run(session()) < 5
    assert scene.applied == ["b"]


def test_a_mounted_secret_whose_link_moves_is_read_again(tmp_path: Path) -> None:
    # As Kubernetes mounts a secret: NAME -> ..data/NAME, and ..data is moved to another folder.
    scene = Scene(tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "gateway.toml").write_text(table(name))
    (tmp_path / "..data").symlink_to("one")
    scene.path.unlink()
    scene.path.symlink_to("..data/gateway.toml")
    scene.reloading.first()
    (tmp_path / "..data_tmp").symlink_to("two")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    assert asyncio.run(scene.looks()) == ["two"]


def test_tokens_in_a_mounted_file_rotate_too(tmp_path: Path) -> None:
    mounted = tmp_path / "tokens"
    mounted.write_text(ONE)
    scene = Scene(tmp_path)
    scene.path.write_text(f'[tenant.a]\ntokens_file = "{mounted}"')
    before = scene.reloading.first().config.tenants[0].token_digests
    mounted.write_text(f"{ONE}\n{TWO}\n")
    after: list[tuple[str, ...]] = []

    async def apply(plan: GatewayPlan) -> None:
        after.append(plan.config.tenants[0].token_digests)

    async def session() -> None:
        for _ in range(4):
            await scene.reloading.look(apply)

    asyncio.run(session())
    assert [before, (*before, tokens.digest(TWO))] == [(tokens.digest(ONE),), *after]


def test_a_file_that_is_still_being_written_is_waited_for(scene: Scene) -> None:
    async def session() -> list[str]:
        with scene.path.open("w") as file:
            for name in "abcd":  # each of them a valid file, but for the tenants that it lacks
                file.write(table(name))
                file.flush()
                await scene.looks(1)
                assert scene.applied == []
        return await scene.looks(3)

    assert asyncio.run(session()) == ["a b c d"]


BROKEN = {
    "cut short": '[tenant.a]\ntokens_sha256 = ["ab',
    "a mistyped key": table("a") + "wieght = 2",
    "empty": "",
    "no UTF-8": b"\xff\xfe",
    "gone": None,
}


def spoil(path: Path, content: str | bytes | None) -> None:
    if content is None:
        path.unlink()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content)


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_bad_file_is_told_once_and_changes_nothing_until_it_is_mended(
    scene: Scene, content: str | bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(scene.path, content)
    assert asyncio.run(scene.looks(10)) == []
    assert len(told(caplog)) == 1
    assert told(caplog)[0].startswith("the gateway's configuration was not read again, and stays as it was: ")
    scene.write(table("a") + table("b"))
    assert asyncio.run(scene.looks(3)) == ["a b"]
    spoil(scene.path, content)
    assert asyncio.run(scene.looks(10)) == ["a b"]
    assert len(told(caplog)) == 3


def test_a_bad_file_that_is_put_back_as_it_was_is_no_change(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    good = scene.path.read_text()
    scene.write("[tenant")
    asyncio.run(scene.looks())
    scene.write(good)
    assert asyncio.run(scene.looks(5)) == []
    scene.write("[tenant")
    asyncio.run(scene.looks())
    assert len(told(caplog)) == 2


def test_a_gateway_with_tenants_does_not_open_to_everybody_because_a_file_is_empty(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.write("")
    assert asyncio.run(scene.looks()) == []
    assert "no tenant has a token any more, and then anybody could ask" in told(caplog)[0]


def test_one_that_was_open_may_get_tenants(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.path.write_text("")
    assert scene.reloading.first().config.open_loopback
    scene.write(table("a"))
    assert asyncio.run(scene.looks()) == ["a"]


def test_what_cannot_be_put_in_force_is_told_once_and_tried_again(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.refused = "the pool's keys are not there yet"
    scene.write(table("b"))
    assert asyncio.run(scene.looks(5)) == []
    assert [scene.refused in said for said in told(caplog)] == [True]
    scene.refused = None
    assert asyncio.run(scene.looks(3)) == ["b"]


def test_a_file_that_was_only_touched_is_no_change(scene: Scene) -> None:
    os.utime(scene.path, (1, 1))
    assert asyncio.run(scene.looks(4)) == []


def test_without_any_file_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    reloading = Reloading(lambda read: tenants.load({}, NOW, read), scene.virtual.surroundings)
    reloading.first()
    asyncio.run(reloading.look(scene.apply))
    assert scene.applied == []
