"""docker-compose.yml and the Dockerfile: what no container here can run is checked against what the gateway knows."""

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
