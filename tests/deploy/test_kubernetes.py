"""The Kubernetes example: read as YAML, and what it hands to a worker or to MongoDB is tried."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import kubernetes_validate
import pytest
import yaml
from pymongo.database import Database

from hotstream_reactive.settings import SchedulerSettings, Settings
from tests.deploy.conftest import ROOT
from tests.deploy.dockerfile import health, only, stages

DOCUMENTS = [
    document
    for path in sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text("utf-8"))
]
IMAGE = stages((ROOT / "Dockerfile").read_text("utf-8"))[-1]


def of_kind(kind: str) -> dict[str, Any]:
    [found] = [one for one in DOCUMENTS if one["kind"] == kind]
    return dict(found["spec"])


@pytest.fixture
def pod() -> dict[str, Any]:
    return dict(of_kind("Deployment")["template"]["spec"])


@pytest.fixture
def worker(pod: dict[str, Any]) -> dict[str, Any]:
    [container] = pod["containers"]
    return dict(container)


def test_everything_is_about_the_same_pods() -> None:
    labels = {"matchLabels": {"app": "hotstream-worker"}}
    assert of_kind("Deployment")["selector"] == labels
    assert of_kind("Deployment")["template"]["metadata"]["labels"] == labels["matchLabels"]
    assert of_kind("PodDisruptionBudget")["selector"] == labels
    assert of_kind("ScaledObject")["scaleTargetRef"]["name"] == "hotstream-worker"


def test_a_pod_has_time_to_drain_and_does_not_run_as_root(pod: dict[str, Any]) -> None:
    assert pod["terminationGracePeriodSeconds"] >= SchedulerSettings().shutdown_grace + 10
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert str(pod["securityContext"]["runAsUser"]) == only(IMAGE, "USER").rest
    assert pod["automountServiceAccountToken"] is False


def test_its_health_is_that_of_the_image(worker: dict[str, Any]) -> None:
    for probe in ("livenessProbe", "startupProbe"):
        assert worker[probe]["exec"]["command"] == health(IMAGE)


@pytest.mark.parametrize("version", ["1.29", kubernetes_validate.latest_version()])
@pytest.mark.parametrize("kind", ["Deployment", "PodDisruptionBudget"])
def test_kubernetes_knows_every_field(kind: str, version: str) -> None:
    [document] = [one for one in DOCUMENTS if one["kind"] == kind]
    kubernetes_validate.validate(document, ".".join(version.split(".")[:2]), strict=True)


def test_the_rest_is_for_keda() -> None:
    rest = [one for one in DOCUMENTS if one["kind"] not in ("Deployment", "PodDisruptionBudget")]
    assert {one["kind"]: one["apiVersion"] for one in rest} == {
        "TriggerAuthentication": "keda.sh/v1alpha1",
        "ScaledObject": "keda.sh/v1alpha1",
    }


def test_secrets_are_no_values(worker: dict[str, Any]) -> None:
    variables = {one["name"]: one for one in worker["env"]}
    assert "secretKeyRef" in variables["MONGODB_URI"]["valueFrom"]
    secret = variables["MONGODB_URI"]["valueFrom"]["secretKeyRef"]
    [same] = of_kind("TriggerAuthentication")["secretTargetRef"]
    assert (secret["name"], secret["key"]) == (same["name"], same["key"])
    assert ":latest" not in worker["image"]


def test_it_scales_by_what_waits_and_runs(sync_database: Database[dict[str, Any]]) -> None:
    [trigger] = of_kind("ScaledObject")["triggers"]
    metadata = trigger["metadata"]
    assert metadata["queryValue"] == str(SchedulerSettings().max_concurrent_tasks)
    assert metadata["dbName"] == Settings().mongodb.database
    later = datetime.now(UTC) + timedelta(hours=1)
    earlier = datetime.now(UTC) - timedelta(hours=1)
    tasks = sync_database[metadata["collection"]]
    tasks.insert_many(
        [
            {"task_id": "new"},
            {"task_id": "waits", "status": 0, "run_at": earlier},
            {"task_id": "runs", "status": 1},
            {"task_id": "due later", "status": 0, "run_at": later},
            *({"task_id": f"ended {n}", "status": n} for n in (2, 3, 4)),
        ]
    )
    counted = [task["task_id"] for task in tasks.find(json.loads(metadata["query"]))]
    assert counted == ["new", "waits", "runs"]
