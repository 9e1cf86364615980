"""Where the sinks write, from the settings; secrets from the environment or from a file, never from a repr."""

import ssl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import SecretStr

from evenstride_gateway.config import InfluxConfig, MqttConfig
from evenstride_gateway.errors import ConfigError

_LONGEST_SECRET = 4096


class Version(StrEnum):
    V1 = "1"
    V2 = "2"
    V3 = "3"  # experimental: writes only


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class InfluxTarget:
    """Where to write. `bucket` is the database of 1.x and 3. No repr: tokens and passwords do not belong in logs."""

    url: str
    version: Version
    bucket: str
    org: str = ""
    token: str = ""
    user: str = ""
    password: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MqttTarget:
    """The broker. `gateway_id` names this gateway among several. No repr: passwords do not belong in logs."""

    host: str
    port: int = 1883
    gateway_id: str = "gateway"
    user: str = ""
    password: str = ""
    tls: bool = False
    ca_file: str = ""


def influx_target(config: InfluxConfig) -> InfluxTarget:
    """Raises ConfigError when the secret that the version needs is nowhere."""
    version = Version(config.version)
    given = config.password if version is Version.V1 else config.token
    secret = _secret(given, config.secret_file, "influx.secret_file")
    if version is not Version.V1 and not secret:
        raise ConfigError(
            f"[influx] version {version} needs a token: set EVENSTRIDE_INFLUX_TOKEN, or `secret_file` to a file with it"
        )
    return InfluxTarget(
        url=config.url.rstrip("/"),
        version=version,
        bucket=config.bucket,
        org=config.org,
        token="" if version is Version.V1 else secret,
        user=config.user,
        password=secret if version is Version.V1 else "",
        ca_file=config.ca_file,
    )


def mqtt_target(config: MqttConfig) -> MqttTarget:
    """Raises ConfigError when `secret_file` cannot be read."""
    return MqttTarget(
        host=config.host,
        port=config.port,
        gateway_id=config.gateway_id,
        user=config.user,
        password=_secret(config.password, config.secret_file, "mqtt.secret_file"),
        tls=config.tls,
        ca_file=config.ca_file,
    )


def tls_context(ca_file: str, setting: str) -> ssl.SSLContext:
    """Whom to trust: `ca_file`, or the system's certificates where it is empty. Raises ConfigError for a bad file."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # an SSLError is one
        raise ConfigError(f"`{setting}` = {ca_file}: certificates (PEM) were expected: {error}") from error


def _secret(given: SecretStr, file: str, setting: str) -> str:
    if given.get_secret_value() or not file:
        return given.get_secret_value()
    try:
        text = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{setting}` = {file}: cannot be read: {error}") from error
    if not text or len(text) > _LONGEST_SECRET or "\n" in text:
        raise ConfigError(f"`{setting}` = {file}: one line with the secret was expected")
    return text
