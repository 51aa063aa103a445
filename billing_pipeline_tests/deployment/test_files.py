"""The deployment's files agree with one another, with the settings, and with the project's files."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from billing_pipeline.cli import main as billing_pipeline
from billing_pipeline.settings import PROJECT_ROOT, AccountSettings, LakeSettings, PipelineSettings
from billing_pipeline.settings.environment import ENV_FILE
from billing_pipeline_tests.deployment.conftest import COMPOSE, DEPLOY
from billing_pipeline_tests.postgres import PostgresServer

SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DIGEST = "@sha256:[0-9a-f]{64}"
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("billing-pipeline:")]
SECRET = re.compile(r"SECRET|PASSWORD|ACCESS_KEY")


def names_in(env_file: Path) -> dict[str, str]:
    lines = env_file.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def settings_known() -> set[str]:
    models = (AccountSettings, LakeSettings, PipelineSettings)
    return {variable for model in models for variable in model.variables().values()}


def test_compose__default__services_of_the_file_warehouse() -> None:
    default = {name for name, service in SERVICES.items() if not service.get("profiles")}

    assert default == {"postgres", "code", "webserver", "daemon"}
    assert set(OURS) == {"code", "webserver", "daemon"}
    assert {name for name, service in SERVICES.items() if service.get("profiles") == ["lake"]} == {"store"}


@pytest.mark.parametrize("name", SERVICES)
def test_service__any__pinned_restarted_watched_and_restricted(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[\w./-]+:[\w.-]*\d[\w.-]*" + ("" if name in OURS else DIGEST), service["image"])
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    for other, condition in service.get("depends_on", {}).items():
        assert condition["condition"] == "service_healthy"
        assert "healthcheck" in SERVICES[other]
        # A service of a profile may be left out.
        assert condition.get("required", True) is not bool(SERVICES[other].get("profiles"))
    for network in service["networks"]:
        assert network in COMPOSE["networks"]


@pytest.mark.parametrize("name", SERVICES)
def test_service__mounts__exist_and_no_docker_socket(name: str) -> None:
    for mount in SERVICES[name].get("volumes", ()):
        source = mount.split(":")[0]
        if source.startswith("./"):
            assert (DEPLOY / source).is_file()
        else:
            assert source in COMPOSE["volumes"]


def test_settings__every_one__reaches_the_services() -> None:
    example = names_in(DEPLOY / "pipeline.env.example")
    for name in OURS:
        assert SERVICES[name]["env_file"] == ["pipeline.env"]
        fixed = {
            key for key in SERVICES[name]["environment"] if not key.startswith(("DAGSTER_", "BILLING_CODE_"))
        }
        assert not fixed & set(example), "the environment would win over pipeline.env"
        # The store's keys are no temporary ones.
        assert fixed | set(example) == settings_known() - {"AWS_SESSION_TOKEN"}
    named = set(re.findall(r"\{env: (\w+)\}", (DEPLOY / "dagster.yaml").read_text()))
    assert named <= set(SERVICES["daemon"]["environment"])


def test_examples__every_variable__explained_without_secrets() -> None:
    variables = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    for_compose = names_in(DEPLOY / ".env.example")
    assert variables | {"COMPOSE_PROFILES"} == set(for_compose)
    defaults = names_in(PROJECT_ROOT / ".env.example")
    for name, value in (for_compose | names_in(DEPLOY / "pipeline.env.example")).items():
        assert value == defaults.get(name, value), name
        assert not (value and SECRET.search(name)), "no secret is in the example"


def test_compose__secrets__from_the_environment_only() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key):
                assert re.fullmatch(r"\$\{\w+:[?-]\}", value), f"{name}: {key}"


def test_data_dir__every_service__on_the_data_volume() -> None:
    for name in OURS:
        assert SERVICES[name]["volumes"] == ["billing_data:/data"]
        assert SERVICES[name]["environment"]["BILLING_DATA_DIR"] == "/data"


def test_image__its_files__exist_and_user_has_no_rights() -> None:
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
    assert {"locks/run.lock", "locks/deploy.lock", "locks/lake.lock"} <= set(copied)
    assert "--require-hashes" in text
    assert [rest for instruction, rest in steps if instruction == "USER"] == ["billing"]
    for instruction, rest in steps:
        assert instruction not in {"ADD", "ARG"}
        assert instruction != "ENV" or not SECRET.search(rest)
        assert instruction != "FROM" or re.match(
            rf"python:\d+\.\d+\.\d+-[\w-]+{DIGEST} AS |(build|runtime) AS ", rest
        )
    targets = {rest.split(" AS ")[1] for instruction, rest in steps if instruction == "FROM"}
    assert {"file", "lake"} <= targets
    assert build["target"] == "${BILLING_IMAGE_TARGET:-file}"


def test_databases__each__for_its_own_role_only(databases: PostgresServer) -> None:
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


def test_systemd__units__call_commands_that_exist() -> None:
    units = {path.name: path.read_text() for path in (DEPLOY / "systemd").iterdir()}

    assert set(units) == {
        "billing-pipeline.service",
        "billing-pipeline.timer",
        "billing-pipeline-failed.service",
    }
    for name, text in units.items():
        for line in re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE):
            env, data_folder, command, *arguments = shlex.split(line)
            # An EnvironmentFile= overrides Environment=, and .env.example names another data folder.
            assert (env, data_folder) == ("/usr/bin/env", "BILLING_DATA_DIR=/var/lib/billing-pipeline")
            assert command.endswith("/.venv/bin/billing-pipeline")
            assert billing_pipeline([*arguments, "--help"]) == 0, name
        variables = re.findall(r"\b(BILLING_\w+)=", text)
        assert set(variables) <= {*settings_known(), ENV_FILE}
    (failed,) = re.findall(r"^OnFailure=(.*)$", units["billing-pipeline.service"], re.MULTILINE)
    assert failed in units
