"""What holds for the compose file and the manifests alike: they start what there is, and with what is mounted."""

import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from shipping.deployed import (
    COMPOSE,
    CONFIG,
    DEPLOY,
    PASSWORD,
    Container,
    containers,
    paths_in,
    resource,
    secrets,
    started,
)
from shipping.shipped import ROOT

from reviewbot import __version__
from reviewbot.cli.arguments import parse
from reviewbot.domain import secret
from reviewbot.wiring.gateway import tenants
from reviewbot.worker.serving import _STOP_S

ALL = containers()
OURS = {name: each for name, each in ALL.items() if each.name != "redis"}
MOUNTED = {f"{name}_FILE" for name in ("GITLAB_TOKEN", "GITHUB_TOKEN", "REVIEWBOT_WEBHOOK_SECRETS")}
"""Variables whose other form names a file; the product puts these names together."""
PRODUCT = "".join(path.read_text("utf-8") for path in sorted((ROOT / "reviewbot").rglob("*.py")))


@pytest.mark.parametrize("container", OURS.values(), ids=OURS)
def test_each_container_starts_a_command_that_there_is(container: Container, tmp_path: Path) -> None:
    argv, environ = started(container, tmp_path)
    options = parse(argv)
    assert container.name == options.command
    assert f"redis://:{PASSWORD}@redis:6379/0" == environ["REVIEWBOT_REDIS_URL"]


@pytest.mark.parametrize("container", OURS.values(), ids=OURS)
def test_variables_have_names_that_the_product_reads_and_hold_no_secret(container: Container) -> None:
    names = set(container.environ) | set(re.findall(r"\b(REVIEWBOT_\w+)=", container.script))
    assert [] == [name for name in names if f'"{name}"' not in PRODUCT and name not in MOUNTED]
    assert all(value.startswith("/run/secrets/") for value in container.environ.values())


@pytest.mark.parametrize("container", ALL.values(), ids=ALL)
def test_what_a_container_reads_is_mounted_there(container: Container) -> None:
    named = paths_in(container.script) | paths_in(" ".join(container.environ.values()))
    assert [] == [path for path in named if not any(path.startswith(mount) for mount in container.mounts)]


@pytest.mark.parametrize("container", ALL.values(), ids=ALL)
def test_images_are_pinned_and_ours_is_of_this_version(container: Container) -> None:
    name, _, tag = container.image.partition(":")
    assert re.fullmatch(r"\d+\.\d+[\w.-]*", tag)
    assert container.name == "redis" or ("reviewbot", __version__) == (name, tag)


@pytest.mark.parametrize("name", OURS)
def test_gateways_listen_for_others_and_workers_show_their_metrics(name: str, tmp_path: Path) -> None:
    argv, _ = started(OURS[name], tmp_path)
    options = parse(argv)
    if options.command == "gateway":
        assert ("0.0.0.0", 8080, "/etc/reviewbot/gateway.toml") == (options.host, options.port, str(options.config))  # noqa: S104 - in a container
    else:
        assert (4, 9464) == (options.slots, options.metrics_port)


@pytest.mark.parametrize("name", [name for name, each in ALL.items() if each.name == "redis"])
def test_redis_wants_its_password_keeps_what_it_is_told_and_evicts_nothing(name: str, tmp_path: Path) -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server")
    where = secrets(tmp_path / "secrets")
    script = ALL[name].script.replace("/run/secrets", str(where)).replace("/data", str(tmp_path))
    assert script.rstrip().endswith("exec redis-server -")
    address = tmp_path / "redis.sock"
    script = script.rstrip().removesuffix("-") + f"--port 0 --unixsocket {address} -"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True) as server:
        assert server.stdout is not None
        assert any("Ready to accept" in line or "connections" in line for line in iter(server.stdout.readline, ""))
        try:
            told = {setting: said(address, setting) for setting in ("appendonly", "maxmemory-policy", "dir")}
            refused = said(address, "dir", password="wrong")
        finally:
            # The server is at the end of a pipe: its shell's death would not end it.
            os.killpg(server.pid, signal.SIGKILL)
    assert {"appendonly": "yes", "maxmemory-policy": "noeviction", "dir": str(tmp_path)} == told
    assert "NOAUTH" in refused


def said(address: Path, setting: str, password: str = PASSWORD) -> str:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(address))
        connection.sendall(f"AUTH {password}\r\nCONFIG GET {setting}\r\n".encode())
        text = ""
        while text.count("\r\n") < (6 if "OK" in text else 2):
            text += connection.recv(4_096).decode()
    return text.split("\r\n")[-2]


def test_the_example_of_a_configuration_is_valid_and_holds_no_token() -> None:
    config = tenants.parse(CONFIG, "gateway.toml", {}, lambda path, _: f"token-of-{path.name}\n")
    assert [("shop", False), ("operators", True)] == [(each.name, each.operator) for each in config.tenants]
    assert "sha256" not in CONFIG


def test_time_to_stop_is_enough_for_the_gateway_to_drain_and_for_workers_to_hand_back() -> None:
    config = tenants.parse(CONFIG, "gateway.toml", {}, lambda path, _: f"token-of-{path.name}\n")
    least = {"gateway": config.rules.drain_s + 2 + 2, "worker": _STOP_S}
    for name, least_s in least.items():
        compose_s = int(COMPOSE["services"][name]["stop_grace_period"].removesuffix("s"))
        pod: dict[str, Any] = resource("Deployment", f"reviewbot-{name}")["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        hook = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
        assert compose_s > least_s
        assert pod["terminationGracePeriodSeconds"] > least_s + int(hook[1])


def test_nothing_under_deploy_holds_a_secret() -> None:
    files = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    assert len(files) >= 10
    assert [] == [(path.name, found) for path in files for found in secret.find(path.read_text("utf-8"))]
