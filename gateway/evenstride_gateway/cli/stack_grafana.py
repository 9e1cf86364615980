"""`evenstride stack grafana`: data source, folder, dashboards and alert rules for a running Grafana."""

from pathlib import Path

from evenstride_gateway.cli.common import out, print_json
from evenstride_gateway.errors import ConfigError

_LONGEST_SECRET = 4096


def push(
    *,
    url: str,
    token_file: Path,
    influx_url: str,
    influx_version: str,
    bucket: str,
    user: str,
    influx_token_file: Path | None,
    as_json: bool,
) -> None:
    """Read the secrets, push, and say what was done."""
    try:
        from evenstride_gateway.grafana import InfluxSource
        from evenstride_gateway.grafana import push as hand_over
    except ImportError as error:
        raise ConfigError(f"`stack grafana` needs `pip install evenstride[dashboards]`: {error}") from error
    secret = "" if influx_token_file is None else _secret(influx_token_file, "--influx-token-file")
    if influx_version == "2" and not secret:
        raise ConfigError("InfluxDB 2.x: --influx-token-file is needed, a file with the token that Grafana reads with")
    source = InfluxSource(url=influx_url, version=influx_version, bucket=bucket, user=user, secret=secret)
    done = hand_over(url, _secret(token_file, "--token-file"), source)
    if as_json:
        print_json({"made": done.made, "changed": done.changed, "kept": done.kept})
        return
    for word, what in (("made", done.made), ("changed", done.changed), ("kept", done.kept)):
        for one in what:
            out.print(f"{word:<7} {one}")


def _secret(path: Path, option: str) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{option} {path}: cannot be read: {error}") from error
    if not text or len(text) > _LONGEST_SECRET or not (text.isascii() and text.isprintable()):
        raise ConfigError(f"{option} {path}: one line with the secret was expected")
    return text
