"""The compose file: valid, closed, and with all that it mounts."""

from typing import Any

import pytest
from shipping.conftest import Check
from shipping.deployed import COMPOSE, DEPLOY

SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_it_fits_the_compose_specification(check: Check) -> None:
    check("compose", COMPOSE)


def test_redis_the_gateway_and_two_workers_start() -> None:
    assert {"redis", "gateway", "worker"} == set(SERVICES)
    assert 2 == SERVICES["worker"]["deploy"]["replicas"]
    assert all("replicas" not in SERVICES[name]["deploy"] for name in ("redis", "gateway"))


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_closed_limited_and_looked_after(name: str) -> None:
    service = SERVICES[name]
    assert (True, ["ALL"], ["no-new-privileges:true"]) == (
        service["read_only"],
        service["cap_drop"],
        service["security_opt"],
    )
    assert {"cpus", "memory"} == set(service["deploy"]["resources"]["limits"])
    assert {"test", "interval", "timeout", "retries"} <= set(service["healthcheck"])


def test_the_gateway_alone_is_reached_from_outside_and_only_from_this_machine() -> None:
    assert {"gateway": ["127.0.0.1:8080:8080"]} == {
        name: service["ports"] for name, service in SERVICES.items() if "ports" in service
    }


def test_redis_has_no_way_out() -> None:
    assert ["inside"] == SERVICES["redis"]["networks"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_whoever_needs_redis_waits_for_it() -> None:
    for name in ("gateway", "worker"):
        assert {"redis": {"condition": "service_healthy"}} == SERVICES[name]["depends_on"]


def test_secrets_are_files_that_the_head_of_the_file_tells_how_to_make() -> None:
    head = (DEPLOY / "compose.yml").read_text("utf-8").split("x-hardened")[0]
    used = {name for service in SERVICES.values() for name in service["secrets"]}
    assert used == set(COMPOSE["secrets"])
    for name, secret in COMPOSE["secrets"].items():
        assert {"file": f"./secrets/{name}"} == secret
        assert name in head
    assert (DEPLOY / COMPOSE["configs"]["gateway"]["file"]).is_file()


def test_each_container_has_the_secrets_that_it_needs_and_no_others() -> None:
    assert {"redis_password"} == set(SERVICES["redis"]["secrets"])
    assert "gitlab_token" not in SERVICES["gateway"]["secrets"]
    assert {"webhooks", "tenant_shop", "tenant_operators"}.isdisjoint(SERVICES["worker"]["secrets"])
