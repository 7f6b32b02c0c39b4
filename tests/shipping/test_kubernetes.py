"""The Kubernetes manifests against the published schemas, and what the schemas cannot know."""

import warnings
from typing import Any

import kubernetes_validate
import pytest
from shipping.deployed import COMPOSE, resource, resources

VERSIONS = ("1.29", "1.33")
ALL = {f"{each['kind']} {each['metadata']['name']}": each for each in resources()}
FOREIGN = {"ScaledObject reviewbot-worker"}
"""KEDA's own, which Kubernetes' schemas do not know."""
PODS = {name: each["spec"]["template"] for name, each in ALL.items() if each["kind"] in {"Deployment", "StatefulSet"}}


def fits(document: dict[str, Any], version: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the validator's own
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", sorted(set(ALL) - FOREIGN))
def test_every_manifest_fits_the_schema_of_an_old_and_a_new_kubernetes(name: str, version: str) -> None:
    fits(ALL[name], version)


def test_a_mistyped_field_would_be_found() -> None:
    deployment = resource("Deployment", "reviewbot-gateway")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["readyProbe"] = container.pop("readinessProbe")
    with pytest.raises(kubernetes_validate.ValidationError, match="readyProbe"):
        fits(deployment, VERSIONS[-1])


def test_everything_is_there() -> None:
    kinds = {each["kind"] for each in ALL.values() if "gateway" in each["metadata"]["name"]}
    assert {
        "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "ServiceAccount",
    } == kinds  # fmt: skip


@pytest.mark.parametrize("name", PODS)
def test_pods_are_not_root_and_can_neither_write_nor_ask_the_cluster(name: str) -> None:
    pod = PODS[name]["spec"]
    (container,) = pod["containers"]
    assert (False, False) == (pod["automountServiceAccountToken"], pod["enableServiceLinks"])
    assert (True, {"type": "RuntimeDefault"}) == (
        pod["securityContext"]["runAsNonRoot"],
        pod["securityContext"]["seccompProfile"],
    )
    assert {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    } == container["securityContext"]
    assert "memory" in container["resources"]["limits"]
    assert {"cpu", "memory"} == set(container["resources"]["requests"])


@pytest.mark.parametrize("name", PODS)
def test_each_pod_has_an_account_of_its_own_without_a_token(name: str) -> None:
    account = resource("ServiceAccount", PODS[name]["spec"]["serviceAccountName"])
    assert account["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", PODS)
def test_secrets_are_mounted_as_files_and_every_volume_is_used(name: str) -> None:
    pod = PODS[name]["spec"]
    (container,) = pod["containers"]
    claims = [claim["metadata"]["name"] for claim in ALL[name]["spec"].get("volumeClaimTemplates", ())]
    assert sorted([volume["name"] for volume in pod["volumes"]] + claims) == sorted(
        mount["name"] for mount in container["volumeMounts"]
    )
    assert not any("valueFrom" in variable for variable in container.get("env", ()))
    assert "envFrom" not in container


@pytest.mark.parametrize("name", PODS)
def test_whatever_selects_pods_selects_these(name: str) -> None:
    labels = PODS[name]["metadata"]["labels"]
    component = labels["app.kubernetes.io/component"]
    selectors = [
        each["spec"]["selector"].get("matchLabels", each["spec"]["selector"])
        for each in ALL.values()
        if each["kind"] in {"Deployment", "StatefulSet", "Service", "PodDisruptionBudget"}
        and each["metadata"]["name"].endswith(component)
    ] + [
        each["spec"]["podSelector"]["matchLabels"]
        for each in ALL.values()
        if each["kind"] == "NetworkPolicy" and each["metadata"]["name"].endswith(component)
    ]
    assert len(selectors) >= 2
    assert all(selector == labels for selector in selectors)


def test_the_gateway_scales_from_two_to_ten_replicas_at_70_percent_of_the_processor() -> None:
    spec = resource("HorizontalPodAutoscaler", "reviewbot-gateway")["spec"]
    (metric,) = spec["metrics"]
    assert (2, 10) == (spec["minReplicas"], spec["maxReplicas"])
    assert {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}} == metric["resource"]
    for kind in ("gateway", "worker"):
        assert "replicas" not in resource("Deployment", f"reviewbot-{kind}")["spec"]


def test_an_update_takes_no_replica_away_before_another_one_is_ready() -> None:
    for kind in ("gateway", "worker"):
        strategy = resource("Deployment", f"reviewbot-{kind}")["spec"]["strategy"]
        assert ("RollingUpdate", 0) == (strategy["type"], strategy["rollingUpdate"]["maxUnavailable"])
    assert 1 == resource("PodDisruptionBudget", "reviewbot-gateway")["spec"]["maxUnavailable"]


def test_probes_ask_what_the_gateway_answers() -> None:
    (container,) = resource("Deployment", "reviewbot-gateway")["spec"]["template"]["spec"]["containers"]
    assert {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"} == {
        name: probe["httpGet"]["path"] for name, probe in container.items() if name.endswith("Probe")
    }


def test_whoever_is_scraped_says_where_and_is_reached_there() -> None:
    for kind in ("gateway", "worker"):
        pod = resource("Deployment", f"reviewbot-{kind}")["spec"]["template"]
        (container,) = pod["spec"]["containers"]
        (port,) = container["ports"]
        notes = pod["metadata"]["annotations"]
        assert (str(port["containerPort"]), "/metrics") == (notes["prometheus.io/port"], notes["prometheus.io/path"])
        (rule,) = resource("NetworkPolicy", f"reviewbot-{kind}")["spec"]["ingress"]
        assert [{"protocol": "TCP", "port": port["name"]}] == rule["ports"]


def test_no_pod_is_open_to_all_and_redis_goes_nowhere() -> None:
    for each in ALL.values():
        if each["kind"] == "NetworkPolicy":
            assert ["Ingress", "Egress"] == each["spec"]["policyTypes"]
            assert all(rule["from"] for rule in each["spec"]["ingress"])
    assert "egress" not in resource("NetworkPolicy", "redis")["spec"]


def test_workers_scale_on_the_age_of_the_queue() -> None:
    scaled = resource("ScaledObject", "reviewbot-worker")
    (trigger,) = scaled["spec"]["triggers"]
    assert ("keda.sh/v1alpha1", "reviewbot-worker", "prometheus", "AverageValue") == (
        scaled["apiVersion"],
        scaled["spec"]["scaleTargetRef"]["name"],
        trigger["type"],
        trigger["metricType"],
    )
    assert {"serverAddress", "query", "threshold"} == set(trigger["metadata"])
    assert all(isinstance(value, str) for value in trigger["metadata"].values())
    assert scaled["spec"]["minReplicaCount"] <= scaled["spec"]["fallback"]["replicas"]


def test_compose_and_kubernetes_run_the_same_images() -> None:
    images = {container["image"] for pod in PODS.values() for container in pod["spec"]["containers"]}
    assert images == {service["image"] for service in COMPOSE["services"].values()}
