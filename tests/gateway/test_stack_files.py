"""docker-compose.yml and the Dockerfile: what no container here can run is checked against what the gateway knows."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from evenstride_gateway.config import load_config
from evenstride_gateway.grafana import FOLDER_UID, SOURCE_UID, alert_rules, dashboards

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
COMPOSE = cast("dict[str, Any]", yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8")))
SERVICES = cast("dict[str, dict[str, Any]]", COMPOSE["services"])


def environment(service: str) -> dict[str, str]:
    """The service's variables, with a value where .env would give one."""
    given = cast("dict[str, str]", SERVICES[service].get("environment", {}))
    return {name: re.sub(r"\$\{[A-Z_]+:\?[^}]*\}", "secret", value) for name, value in given.items()}


def test_the_compose_file_keeps_the_schema() -> None:
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "docker-compose.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_dockerfile_keeps_the_rules() -> None:
    done = subprocess.run(
        [BIN / "hadolint", ROOT / "gateway" / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", ["gateway", "gateway-demo"])
def test_every_variable_is_one_that_the_gateway_knows(service: str, tmp_path: Path) -> None:
    config = load_config(tmp_path, environment=environment(service))
    assert config.influx.url == "http://127.0.0.1:8086"
    assert f"127.0.0.1:{config.mqtt.port}:1883" in SERVICES["mosquitto"]["ports"]
    assert "127.0.0.1:8086:8086" in SERVICES["influxdb"]["ports"]
    probe = " ".join(SERVICES[service]["healthcheck"]["test"])
    assert f"127.0.0.1:{config.page.port}/api/health" in probe
    mounted = {volume.split(":")[1] for volume in SERVICES[service]["volumes"]}
    assert {str(Path(config.influx.secret_file).parent), environment(service)["EVENSTRIDE_DATA_DIR"]} <= mounted


@pytest.mark.parametrize("service", ["gateway", "gateway-demo", "influx-setup"])
def test_every_command_is_one_that_the_gateway_knows(service: str) -> None:
    words = cast("list[str]", SERVICES[service]["command"])
    flags = [word for word in words if word.startswith("--")]
    names = words[: words.index(flags[0])]
    done = subprocess.run([BIN / "evenstride", *names, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(flag in done.stdout for flag in flags), (flags, done.stdout)


def test_nothing_listens_beyond_this_machine_and_nothing_has_a_default_password() -> None:
    for name, service in SERVICES.items():
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", ())), name
        assert "privileged" not in service, name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert re.search(r":\d+\.\d+", service["image"]), f"{name}: {service['image']} is not pinned"
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN", variable):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?.+\}", value), f"{name}: {variable}"


def mounts(service: str) -> dict[str, Path]:
    """Where in the container -> what of the checkout."""
    pairs = [str(volume).split(":")[:2] for volume in SERVICES[service]["volumes"]]
    return {inside: ROOT / outside for outside, inside in pairs if outside.startswith("./")}


def provisioning(kind: str) -> dict[str, Any]:
    """The one file that Grafana reads of this kind at its start."""
    (path,) = mounts("grafana")[f"/etc/grafana/provisioning/{kind}"].iterdir()
    return cast("dict[str, Any]", yaml.safe_load(path.read_text("utf-8")))


def test_grafana_starts_with_source_dashboards_and_alerts() -> None:
    (source,) = provisioning("datasources")["datasources"]
    influx = environment("gateway")
    assert (source["uid"], source["type"], source["editable"]) == (SOURCE_UID, "influxdb", False)
    assert source["url"] == "http://influxdb:8086"  # the name of the service inside the stack's network
    assert source["jsonData"]["dbName"] == influx["EVENSTRIDE_INFLUX_BUCKET"]
    token = re.fullmatch(r"Token \$__file\{(.+)\}", source["secureJsonData"]["httpHeaderValue1"])
    assert token is not None
    assert Path(token[1]).name == "grafana"  # the file that `stack influx` writes beside the gateway's
    assert f"tokens:{Path(token[1]).parent}:ro" in SERVICES["grafana"]["volumes"]
    words = SERVICES["influx-setup"]["command"]
    assert words[words.index("--tokens") + 1] == str(Path(token[1]).parent)
    assert "--readable" in words  # Grafana's container is another user
    assert words[words.index("--bucket") + 1] == influx["EVENSTRIDE_INFLUX_BUCKET"]

    (provider,) = provisioning("dashboards")["providers"]
    assert (provider["folderUid"], provider["type"]) == (FOLDER_UID, "file")
    folder = mounts("grafana")[provider["options"]["path"]]
    held = {path.name: json.loads(path.read_text("utf-8")) for path in folder.iterdir()}
    assert {page["uid"] for page in held.values()} == {page["uid"] for page in dashboards()}
    home = Path(environment("grafana")["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == provider["options"]["path"]
    assert held[home.name]["title"] == "Live track"

    (group,) = provisioning("alerting")["groups"]
    assert group["folder"] != provider["folder"]  # two folders, each made by its own reader
    assert {rule["uid"] for rule in group["rules"]} == {rule["uid"] for rule in alert_rules()}
    assert {query["datasourceUid"] for rule in group["rules"] for query in rule["data"]} == {SOURCE_UID, "__expr__"}


def test_the_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    script = tmp_path / "tools" / "stack_secrets.sh"
    script.write_bytes((ROOT / "tools" / "stack_secrets.sh").read_bytes())
    for _ in range(2):
        subprocess.run(["bash", script], check=True, capture_output=True, env={"PATH": os.environ["PATH"]})
    made = (tmp_path / ".env").read_text("utf-8")
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    names = set(re.findall(r"\$\{([A-Z_]+):\?", (ROOT / "docker-compose.yml").read_text("utf-8")))
    values = dict(line.split("=", 1) for line in made.splitlines() if not line.startswith("#"))
    assert names == values.keys()
    assert all(len(value) >= 32 for value in values.values())
    assert len(set(values.values())) == len(values)
    ignored = subprocess.run(["git", "check-ignore", "-q", ".env"], cwd=ROOT, check=False)
    assert ignored.returncode == 0
