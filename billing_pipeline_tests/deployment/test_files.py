"""The deployment's files agree with one another, with the settings, and with what lies in the project."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from billing_pipeline.settings import PROJECT_ROOT, AccountSettings, LakeSettings, PipelineSettings
from billing_pipeline_tests.deployment.conftest import COMPOSE, DEPLOY
from billing_pipeline_tests.postgres import PostgresServer

SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("billing-pipeline:")]
LAUNCHER = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())["run_launcher"]["config"]
SECRET = re.compile(r"SECRET|PASSWORD|ACCESS_KEY")


def names_in(env_file: Path) -> dict[str, str]:
    lines = env_file.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def settings_known() -> set[str]:
    models = (AccountSettings, LakeSettings, PipelineSettings)
    return {variable for model in models for variable in model.variables().values()}


def test_there_is_everything_that_a_deployment_needs() -> None:
    assert {"postgres", "store", "code", "webserver", "daemon"} <= set(SERVICES)
    assert set(OURS) == {"code", "webserver", "daemon"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_restarted_watched_and_only_on_loopback(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[\w./-]+:[\w.-]*\d[\w.-]*", service["image"])
    once = name == "bucket"
    assert service["restart"] == ("no" if once else "unless-stopped")
    assert once or service["healthcheck"]["test"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    for other, condition in service.get("depends_on", {}).items():
        assert condition["condition"] == "service_healthy"
        assert "healthcheck" in SERVICES[other]
    for network in service["networks"]:
        assert network in COMPOSE["networks"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_exists(name: str) -> None:
    for mount in SERVICES[name].get("volumes", ()):
        source = mount.split(":")[0]
        if source.startswith("./"):
            assert (DEPLOY / source).is_file()
        elif not source.startswith("/"):
            assert source in COMPOSE["volumes"]


def test_every_setting_reaches_the_services_and_the_workers() -> None:
    known = settings_known()
    for name in OURS:
        passed = {
            key for key in SERVICES[name]["environment"] if not key.startswith(("DAGSTER_", "BILLING_CODE_"))
        }
        # The store's keys are no temporary ones.
        assert passed == known - {"AWS_SESSION_TOKEN"}
    assert known - {"AWS_SESSION_TOKEN"} <= set(LAUNCHER["env_vars"])
    assert set(LAUNCHER["env_vars"]) <= set(SERVICES["daemon"]["environment"])
    named = set(re.findall(r"\{env: (\w+)\}", (DEPLOY / "dagster.yaml").read_text()))
    assert named <= set(LAUNCHER["env_vars"])


def test_what_is_asked_of_the_operator_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    example = names_in(DEPLOY / ".env.example")
    assert asked == set(example)
    assert {name for name in example if name.startswith(("ACRONIS_", "BILLING_"))} <= settings_known()
    defaults = names_in(PROJECT_ROOT / ".env.example")
    for name, value in example.items():
        assert value == defaults.get(name, value), name
        assert not (value and SECRET.search(name)), "no secret is in the example"


def test_no_secret_is_written_down() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key) and key != "MC_HOST_store":
                assert re.fullmatch(r"\$\{\w+:\?\}", value), f"{name}: {key}"


def test_workers_find_the_network_and_the_data() -> None:
    assert LAUNCHER["network"] == COMPOSE["networks"]["billing"]["name"]
    (mount,) = LAUNCHER["container_kwargs"]["volumes"]
    volume, folder = mount.split(":")
    assert volume == COMPOSE["volumes"]["billing_data"]["name"]
    for name in OURS:
        assert SERVICES[name]["environment"]["BILLING_DATA_DIR"] == folder
    code = SERVICES["code"]
    assert code["environment"]["DAGSTER_CURRENT_IMAGE"] == code["image"]


def test_the_image_is_made_of_files_that_exist_by_a_user_without_rights() -> None:
    build = SERVICES["code"]["build"]
    context = (DEPLOY / build["context"]).resolve()
    assert context == PROJECT_ROOT
    text = (context / build["dockerfile"]).read_text().replace("\\\n", " ")
    steps = [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]
    sent = {line[1:] for line in (context / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = [
        source
        for instruction, rest in steps
        if instruction == "COPY" and "--from" not in rest
        for source in shlex.split(rest)[:-1]
    ]
    assert copied
    for source in copied:
        assert (context / source).exists(), source
        assert source in sent, source
    assert "locks/deploy.lock" in copied
    assert "--require-hashes" in text
    assert [rest for instruction, rest in steps if instruction == "USER"] == ["billing"]
    for instruction, rest in steps:
        assert instruction not in {"ADD", "ARG"}
        assert instruction != "ENV" or not SECRET.search(rest)
        assert instruction != "FROM" or re.match(r"python:\d+\.\d+\.\d+-", rest)


def test_each_database_is_its_own_roles_only(databases: PostgresServer) -> None:
    owners = databases.query(
        "SELECT datname, pg_get_userbyid(datdba), "
        "has_database_privilege('dagster', datname, 'CONNECT'), "
        "has_database_privilege('lake', datname, 'CONNECT') "
        "FROM pg_database WHERE datname IN ('dagster', 'lake') ORDER BY 1",
        database="postgres",
    )
    assert owners == [["dagster", "dagster", "t", "f"], ["lake", "lake", "f", "t"]]
    assert databases.query(
        "SELECT rolname FROM pg_roles WHERE rolname IN ('dagster', 'lake') AND rolcanlogin "
        "AND NOT rolsuper AND NOT rolcreatedb AND NOT rolcreaterole ORDER BY 1",
        database="postgres",
    ) == [["dagster"], ["lake"]]
