"""A mounted file of keys: noticed when it changes, kept when it cannot be read."""

import logging
import os
from pathlib import Path

import pytest
from world import VirtualWorld

from reviewbot.domain.endpoint import ApiKey
from reviewbot.errors import UsageError
from reviewbot.llm.keyfile import KeysFile


def parse(text: str) -> tuple[ApiKey, ...]:
    if "!" in text:
        message = f"no key: {text}"
        raise ValueError(message)
    return tuple(ApiKey(value=line) for line in text.split())


def values(keys: tuple[ApiKey, ...] | None) -> list[str] | None:
    return None if keys is None else [key.value for key in keys]


@pytest.fixture
def virtual() -> VirtualWorld:
    return VirtualWorld()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text("sk-one\n")
    return path


@pytest.fixture
def keys(path: Path, virtual: VirtualWorld) -> KeysFile:
    file = KeysFile(path, parse, virtual.surroundings)
    assert values(file.read()) == ["sk-one"]
    return file


def test_a_file_that_stays_the_same_gives_nothing_new(keys: KeysFile, virtual: VirtualWorld) -> None:
    virtual.advance(5)
    assert keys.changed() is None


def test_a_rewritten_file_gives_the_new_keys_once(keys: KeysFile, path: Path, virtual: VirtualWorld) -> None:
    path.write_text("sk-one\nsk-two\n")
    virtual.advance(1)
    assert values(keys.changed()) == ["sk-one", "sk-two"]
    virtual.advance(1)
    assert keys.changed() is None


def test_it_is_looked_at_once_a_second_at_most(keys: KeysFile, path: Path, virtual: VirtualWorld) -> None:
    path.write_text("sk-two-longer\n")
    virtual.advance(0.9)
    assert keys.changed() is None
    virtual.advance(0.2)
    assert values(keys.changed()) == ["sk-two-longer"]


def test_a_link_that_points_elsewhere_is_a_change_even_with_the_same_time_and_size(
    tmp_path: Path, virtual: VirtualWorld
) -> None:
    # This is how Kubernetes rotates a mounted secret.
    for name in ("old", "new"):
        (tmp_path / name).write_text(f"sk-{name}")
        os.utime(tmp_path / name, (1, 1))
    link = tmp_path / "keys"
    link.symlink_to("old")
    file = KeysFile(link, parse, virtual.surroundings)
    assert values(file.read()) == ["sk-old"]
    other = tmp_path / "other"
    other.symlink_to("new")
    other.rename(link)
    virtual.advance(1)
    assert values(file.changed()) == ["sk-new"]


@pytest.mark.parametrize("text", [None, "", "! sk-broken", "\udcff"])
def test_a_file_that_cannot_be_read_again_keeps_the_keys_and_is_told_once(
    keys: KeysFile, path: Path, virtual: VirtualWorld, caplog: pytest.LogCaptureFixture, text: str | None
) -> None:
    if text is None:
        path.unlink()
    else:
        path.write_bytes(text.encode(errors="surrogateescape"))
    with caplog.at_level(logging.WARNING, "reviewbot"):
        for _ in range(3):
            virtual.advance(1)
            assert keys.changed() is None
    assert len(caplog.messages) == 1
    assert "the keys of before stay in use" in caplog.text
    assert "sk-broken" not in caplog.text
    path.write_text("sk-three")
    virtual.advance(1)
    assert values(keys.changed()) == ["sk-three"]


@pytest.mark.parametrize("text", [None, "", "! sk-broken"])
def test_at_the_start_a_file_without_keys_is_an_error_that_does_not_quote_it(
    path: Path, virtual: VirtualWorld, text: str | None
) -> None:
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    file = KeysFile(path, parse, virtual.surroundings)
    with pytest.raises(UsageError, match="keys file") as error:
        file.read()
    assert "sk-broken" not in str(error.value)
    assert error.value.__suppress_context__ or error.value.__context__ is None


def test_its_repr_shows_the_path_alone(keys: KeysFile, path: Path) -> None:
    assert f"KeysFile({path})" == repr(keys)
