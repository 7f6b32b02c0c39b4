"""The files under deploy/: containers as they are described there, and how each is started."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from shipping.shipped import ROOT, Stage

DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text("utf-8"))
MANIFESTS = sorted((DEPLOY / "kubernetes").iterdir())
CONFIG = (DEPLOY / "gateway.toml").read_text("utf-8")
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text("utf-8"))
ALERTS: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))
PASSWORD = "a-made-up-password"


@dataclass(frozen=True, slots=True)
class Container:
    """A container of any of the files."""

    name: str
    image: str
    script: str
    """What its shell is given."""
    environ: Mapping[str, str]
    mounts: tuple[str, ...]
    """Where something is mounted."""


def resources() -> Iterator[dict[str, Any]]:
    """Give all Kubernetes resources."""
    for path in MANIFESTS:
        yield from yaml.safe_load_all(path.read_text("utf-8"))


def resource(kind: str, name: str) -> dict[str, Any]:
    """Give one of them."""
    (found,) = [each for each in resources() if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def containers() -> dict[str, Container]:
    """Give the containers of compose file and manifests."""
    found = {f"compose {name}": _of_compose(name, service) for name, service in COMPOSE["services"].items()}
    for each in resources():
        if each["kind"] in {"Deployment", "StatefulSet"}:
            (container,) = each["spec"]["template"]["spec"]["containers"]
            found[f"kubernetes {container['name']}"] = _of_kubernetes(container)
    return found


def _of_compose(name: str, service: Mapping[str, Any]) -> Container:
    assert ["sh", "-c"] == service["command"][:2]
    return Container(
        name=name,
        image=service["image"],
        script=service["command"][2].replace("$$", "$"),
        environ=service.get("environment", {}),
        mounts=(
            *(f"/run/secrets/{secret}" for secret in service["secrets"]),
            *(config["target"] for config in service.get("configs", ())),
            *(volume.split(":")[1] for volume in service.get("volumes", ())),
        ),
    )


def _of_kubernetes(container: Mapping[str, Any]) -> Container:
    assert ["sh", "-c"] == container["command"]
    (script,) = container["args"]
    return Container(
        name=container["name"],
        image=container["image"],
        script=script,
        environ={each["name"]: each["value"] for each in container.get("env", ())},
        mounts=tuple(mount["mountPath"] for mount in container["volumeMounts"]),
    )


def secrets(folder: Path) -> Path:
    """Make the secrets that scripts read, as each file mounts them."""
    for name, text in (("redis_password", PASSWORD), ("redis/url", f"redis://:{PASSWORD}@redis:6379/0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + "\n")
    (folder / "redis" / "password").write_text(PASSWORD + "\n")
    return folder


def started(container: Container, folder: Path) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Run a container's script with a program that takes note; give its arguments and its environment."""
    stage = Stage(folder / "stage")
    stage.add("reviewbot")
    script = container.script.replace("/run/secrets", str(secrets(folder / "secrets")))
    ran = stage.run(("sh", "-e", "-c"), script, folder, container.environ)
    assert (0, "") == (ran.returncode, ran.stderr)
    (call,) = stage.calls("reviewbot")
    return call.argv, call.environ


def paths_in(text: str) -> set[str]:
    """Give the absolute paths that a text names."""
    return set(re.findall(r"(?<![\w.:/])/(?:run|etc|var|data)[\w./-]*", text))
