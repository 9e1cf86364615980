"""Settings: a wrong key or value names itself, its place and what is allowed."""

from pathlib import Path

import pytest

from evenstride_gateway.config import load_config
from evenstride_gateway.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    (folder / "evenstride.toml").write_text(text, encoding="utf-8")
    return folder


def test_flags_win_over_environment_and_file(tmp_path: Path) -> None:
    write(tmp_path, '[page]\nport = 1000\nhost = "localhost"\n[radio]\npods_per_adapter = 3\n')
    config = load_config(tmp_path, environment={"EVENSTRIDE_PAGE_PORT": "2000"}, page={"port": 3000, "host": None})
    assert (config.page.port, config.page.host, config.radio.pods_per_adapter) == (3000, "localhost", 3)


def test_environment_lists_are_comma_separated(tmp_path: Path) -> None:
    config = load_config(tmp_path, environment={"EVENSTRIDE_RADIO_ADAPTERS": "hci0,hci1"})
    assert config.radio.adapters == ("hci0", "hci1")


@pytest.mark.parametrize(
    ("text", "environment", "parts"),
    [
        ("[page]\nprot = 1\n", {}, ["evenstride.toml", "page.prot", "allowed here: host, port"]),
        ("[pages]\nport = 1\n", {}, ["evenstride.toml", "pages", "page, radio, session, symmetry"]),
        ("[page]\nport = 70000\n", {}, ["evenstride.toml", "page.port", "70000", "65535"]),
        ('[page]\nhost = "0.0.0.0"\n', {}, ["evenstride.toml", "page.host", "one address of this machine"]),
        ("", {"EVENSTRIDE_PAGE_PORT": "x"}, ["EVENSTRIDE_PAGE_PORT", "page.port", "integer"]),
        ("", {"EVENSTRIDE_PAGE_COLOUR": "red"}, ["EVENSTRIDE_PAGE_COLOUR", "page.colour", "host, port"]),
        ("", {"EVENSTRIDE_INFLUX_URL": "http://gait:pw@track:8086"}, ["EVENSTRIDE_INFLUX_URL", "influx.url"]),
        ("[page\n", {}, ["evenstride.toml", "not a TOML file"]),
    ],
)
def test_a_wrong_setting_names_itself(tmp_path: Path, text: str, environment: dict[str, str], parts: list[str]) -> None:
    write(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        load_config(tmp_path, environment=environment)
    assert "\n" not in str(error.value)
    for part in parts:
        assert part in str(error.value)
