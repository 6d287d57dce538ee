"""What is in `deploy/` fits the program: variables, commands, figures."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from concertino.cli.main import main
from concertino.settings import Settings
from concertino.work.metrics import Metrics
from prometheus_client.parser import text_string_to_metric_families

DEPLOY = Path(__file__).parents[1] / "deploy"
NOT_OURS = {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME", "LANG"}
NAME = re.compile(r"\b(?:concertino|process)_\w+\b")


def example() -> dict[str, str]:
    lines = (DEPLOY / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def composed(*options: str) -> dict[str, Any]:
    """The compose file as the tool itself reads it."""
    plugin = shutil.which("docker") and subprocess.run(
        ["docker", "compose", "version"],  # noqa: S607
        capture_output=True,
    )
    tool = ["docker", "compose"] if plugin and plugin.returncode == 0 else ["docker-compose"]
    if not shutil.which(tool[0]):
        pytest.skip("neither `docker compose` nor `docker-compose` is installed")
    command = [*tool, "--file", str(DEPLOY / "compose.yaml"), *options, "config"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = yaml.safe_load(done.stdout)
    return read


def known_names() -> set[str]:
    """Every sample name that the service can tell."""
    families = text_string_to_metric_families(Metrics(lambda: 0, lambda: 0).render_text().decode())
    names: set[str] = set()
    for family in families:
        ends = {
            "counter": ["_total"],
            "histogram": ["_bucket", "_count", "_sum"],
        }.get(family.type, [""])
        names |= {family.name + end for end in ends}
    return names


def queries() -> list[str]:
    board = json.loads((DEPLOY / "grafana/dashboards/concertino.json").read_text())
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def test_compose_takes_the_file_with_the_example_of_the_environment() -> None:
    services = composed("--env-file", str(DEPLOY / ".env.example"))["services"]
    assert {"api", "worker", "redis", "postgres", "prometheus", "grafana"} <= services.keys()


def test_every_service_has_a_health_check() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert [name for name, service in services.items() if "healthcheck" not in service] == []


def test_every_variable_of_compose_is_in_the_example_and_the_other_way_round() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) == example().keys()


def test_every_variable_of_the_containers_is_a_setting() -> None:
    given = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["x-concertino"]["environment"]
    known = {
        str(field.validation_alias or f"CONCERTINO_{name.upper()}")
        for name, field in Settings.model_fields.items()
    }
    assert set(given) - NOT_OURS <= known


@pytest.mark.parametrize("service", ["api", "worker"])
def test_the_commands_of_the_containers_are_the_programs_own(service: str) -> None:
    command = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"][service]["command"]
    shown = CliRunner().invoke(main, [command[0], "--help"])
    assert shown.exit_code == 0
    assert all(option in shown.output for option in command if option.startswith("--"))


def test_the_dashboard_asks_only_for_figures_that_there_are() -> None:
    asked = {name for query in queries() for name in NAME.findall(query)}
    assert asked
    assert asked <= known_names()


def test_every_figure_of_ours_is_on_the_dashboard() -> None:
    shown = {re.sub(r"_(bucket|count|sum)$", "", n) for q in queries() for n in NAME.findall(q)}
    ours = {re.sub(r"_(bucket|count|sum)$", "", n) for n in known_names() if "concertino" in n}
    assert ours <= shown


def test_grafana_finds_the_source_and_the_dashboard_where_they_are_mounted() -> None:
    [source] = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text()
    )["datasources"]
    board = json.loads((DEPLOY / "grafana/dashboards/concertino.json").read_text())
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    [provider] = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/dashboards/concertino.yml").read_text()
    )["providers"]
    mounted = [volume.split(":")[1] for volume in services["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounted
    jobs = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    assert {job["dns_sd_configs"][0]["names"][0] for job in jobs} <= services.keys()
