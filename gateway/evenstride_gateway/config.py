"""Machine settings: one TOML file, then the environment, then flags. Everything is validated at start."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from evenstride_gateway.errors import ConfigError

FILE_NAME = "evenstride.toml"
ENV_PREFIX = "EVENSTRIDE_"
_OF_THE_STACK = "EVENSTRIDE_STACK_"  # secrets of docker-compose.yml that are no settings of the gateway
_NOT_SETTINGS = frozenset({"EVENSTRIDE_DATA", "EVENSTRIDE_DATA_DIR", "EVENSTRIDE_COMPILED"})  # no settings


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PageConfig(_Section):
    """Where the live page listens. Loopback unless the owner says otherwise."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8765

    @field_validator("host")
    @classmethod
    def _one_address(cls, host: str) -> str:
        if host in ("", "0.0.0.0", "::"):
            raise PydanticCustomError("one_address", "name one address of this machine, not all of them at once")
        return host


class RadioConfig(_Section):
    """Adapters by name (empty = the platform's default) and how many pods one adapter may hold.

    `pair`: bond with the pods, as those that are bonded-only demand it.
    """

    adapters: tuple[str, ...] = ()
    pods_per_adapter: Annotated[int, Field(ge=1, le=20)] = 6
    use_acquire_notify: bool = False
    pair: bool = False


class SessionConfig(_Section):
    """`backfill_wait_s`: how long a stop waits for what the pods still hold in their logs."""

    backfill_wait_s: Annotated[float, Field(ge=0, le=600)] = 10.0


class SymmetryConfig(_Section):
    """System error of the symmetry index, in percent. Unset: that of the strides' own method, from its accuracy table;
    set: the same for every method.

    The allowance for strap, skin and placement (2 %) is an assumption until a reference session replaces it.
    """

    estimator_percent: Annotated[float, Field(ge=0, le=50)] | None = None
    allowance_percent: Annotated[float, Field(ge=0, le=50)] = 2.0


class InfluxConfig(_Section):
    """Stream results into InfluxDB 1.x, 2.x or (experimental) 3. Empty `url`: off. `bucket`: the database of 1.x and 3.

    `ca_file`: certificates that https is checked against, instead of the system's.
    The secret comes from EVENSTRIDE_INFLUX_TOKEN (1.x: EVENSTRIDE_INFLUX_PASSWORD) or from the file `secret_file`.
    """

    url: Annotated[str, Field(pattern=r"^(https?://[^\s@]+)?$")] = ""  # no user:password@: it is shown on the page
    version: Literal["1", "2", "3"] = "2"
    bucket: Annotated[str, Field(min_length=1, max_length=200)] = "evenstride"
    org: str = "evenstride"
    user: str = ""
    token: SecretStr = SecretStr("")
    password: SecretStr = SecretStr("")
    ca_file: str = ""
    secret_file: str = ""


class MqttConfig(_Section):
    """Publish results on MQTT. Empty `host`: off. `gateway_id` tells several gateways of one squad apart, in the
    names of their sessions too.

    The password comes from EVENSTRIDE_MQTT_PASSWORD or from the file `secret_file`.
    """

    host: str = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    gateway_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")] = "gateway"
    user: str = ""
    password: SecretStr = SecretStr("")
    tls: bool = False
    ca_file: str = ""
    secret_file: str = ""


class Config(_Section):
    page: PageConfig = PageConfig()
    radio: RadioConfig = RadioConfig()
    session: SessionConfig = SessionConfig()
    symmetry: SymmetryConfig = SymmetryConfig()
    influx: InfluxConfig = InfluxConfig()
    mqtt: MqttConfig = MqttConfig()


def default_data_dir() -> Path:
    """EVENSTRIDE_DATA_DIR, or the platform's place for this user's data."""
    return Path(os.environ.get("EVENSTRIDE_DATA_DIR") or user_data_path("evenstride", appauthor=False))


def load_config(data_dir: Path, *, environment: Mapping[str, str] | None = None, **flags: Mapping[str, Any]) -> Config:
    """Read `evenstride.toml` of the data directory, lay environment and flags over it, and check every key and value.

    Environment: EVENSTRIDE_PAGE_PORT=8080 sets page.port; a list is comma-separated. Flags: one mapping a section;
    None values are left out. Raises ConfigError that names key, place and what is allowed.
    """
    path = data_dir / FILE_NAME
    settings: dict[str, Any] = {}
    if path.exists():
        try:
            settings = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not a TOML file: {error}") from error
    places: dict[tuple[str, str], str] = {}
    for name, value in sorted((os.environ if environment is None else environment).items()):
        if not name.startswith(ENV_PREFIX) or name.startswith(_OF_THE_STACK) or name in _NOT_SETTINGS:
            continue
        section, _, key = name.removeprefix(ENV_PREFIX).lower().partition("_")
        settings.setdefault(section, {})[key] = value.split(",") if key == "adapters" else value
        places[section, key] = f"environment variable {name}"
    for section, values in flags.items():
        for key, value in values.items():
            if value is not None:
                settings.setdefault(section, {})[key] = value
                places[section, key] = f"flag --{key.replace('_', '-')}"
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(_first_problem(error, places, str(path))) from error


def _first_problem(error: ValidationError, places: Mapping[tuple[str, str], str], path: str) -> str:
    problem = error.errors()[0]
    location = [str(part) for part in problem["loc"]]
    name = ".".join(location)
    place = places.get((location[0], location[1]) if len(location) > 1 else (location[0], ""), path)
    if problem["type"] == "extra_forbidden":
        owner: type[BaseModel] = Config
        for part in location[:-1]:
            annotation = owner.model_fields[part].annotation
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                owner = annotation
        allowed = ", ".join(owner.model_fields)
        return f"{place}: unknown setting `{name}`; allowed here: {allowed}"
    return f"{place}: `{name}` = {problem['input']!r}: {problem['msg'][0].lower()}{problem['msg'][1:]}"
