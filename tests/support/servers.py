"""Real servers for tests, on loopback, in a folder of their own: Debian's InfluxDB 1.6 and mosquitto."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

START_S = 30.0


def program(name: str) -> str:
    """The path of a server's program; without it the test is skipped, or fails where CI=true."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        message = f"{name} is not installed (Debian: sudo apt-get install influxdb mosquitto)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(slots=True)
class Influx:
    """A running influxd 1.6. `stop` and `start` keep its data: an outage. `extra`: more lines of its `[http]`."""

    folder: Path
    port: int
    extra: str = ""
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http{'s' if 'https-enabled = true' in self.extra else ''}://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = self.folder / "influxd.conf"
        if not config.exists():
            rpc = free_port()
            config.write_text(
                f'reporting-enabled = false\nbind-address = "127.0.0.1:{rpc}"\n'
                f'[meta]\n  dir = "{self.folder}/meta"\n'
                f'[data]\n  dir = "{self.folder}/data"\n  wal-dir = "{self.folder}/wal"\n  query-log-enabled = false\n'
                "[monitor]\n  store-enabled = false\n"
                f'[http]\n  bind-address = "127.0.0.1:{self.port}"\n  log-enabled = false\n{self.extra}'
                "[subscriber]\n  enabled = false\n"
            )
        with (self.folder / "influxd.log").open("ab") as log:
            self.process = subprocess.Popen([program("influxd"), "-config", str(config)], stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while True:
            try:
                if httpx.get(f"{self.url}/ping", trust_env=False, verify=False).status_code == 204:
                    return
            except httpx.HTTPError:
                pass  # not listening yet
            if time.monotonic() > deadline or self.process.poll() is not None:
                pytest.fail(f"influxd did not start: {(self.folder / 'influxd.log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def query(self, text: str, database: str = "") -> list[dict[str, Any]]:
        """Rows of an InfluxQL query as dictionaries (tags of a GROUP BY included); times are epoch nanoseconds."""
        answer = httpx.post(
            f"{self.url}/query",
            params={"q": text, "db": database, "epoch": "ns"},
            trust_env=False,
            verify=False,  # nothing is encrypted on loopback: the certificates take longer to load than the answer
            timeout=30.0,
        )
        body = cast("dict[str, Any]", answer.json())
        assert answer.status_code == 200, body
        rows: list[dict[str, Any]] = []
        for result in body["results"]:
            assert "error" not in result, result["error"]
            for series in result.get("series", ()):
                tags, columns = series.get("tags", {}), series["columns"]
                rows += [tags | dict(zip(columns, values, strict=True)) for values in series.get("values", ())]
        return rows


@dataclass(slots=True)
class Broker:
    """A running mosquitto with a password file: user `gait`, password `secret` unless `open_to_all`.

    `durable`: it keeps subscriptions, queues and retained messages over a kill. `extra`: more lines of its settings.
    """

    folder: Path
    port: int
    open_to_all: bool = False
    durable: bool = False
    extra: str = ""
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        users = self.folder / "users"
        users.write_text("gait:secret\n")
        users.chmod(0o600)
        subprocess.run([program("mosquitto_passwd"), "-U", str(users)], check=True)
        access = "allow_anonymous true" if self.open_to_all else f"allow_anonymous false\npassword_file {users}"
        config = self.folder / "mosquitto.conf"
        kept = f"persistence true\npersistence_location {self.folder}/\n" if self.durable else ""
        at_once = "autosave_on_changes true\nautosave_interval 1\nmax_queued_messages 0\n" if self.durable else ""
        config.write_text(
            f"listener {self.port} 127.0.0.1\n{self.extra}{access}\nset_tcp_nodelay true\nuser root\n{kept}{at_once}"
        )
        with (self.folder / "mosquitto.log").open("ab") as log:
            self.process = subprocess.Popen([program("mosquitto"), "-c", str(config)], stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while True:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if time.monotonic() > deadline or self.process.poll() is not None:
                pytest.fail(f"mosquitto did not start: {(self.folder / 'mosquitto.log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def mosquitto(folder: Path, *, durable: bool = False, extra: str = "") -> Generator[Broker]:
    """A broker in `folder` that asks for user and password."""
    folder.mkdir(parents=True, exist_ok=True)
    broker = Broker(folder, free_port(), durable=durable, extra=extra)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@contextmanager
def influxd(folder: Path, *, extra: str = "", first: str = "CREATE DATABASE evenstride") -> Generator[Influx]:
    """An InfluxDB 1.6 in `folder`, with the database `evenstride`, or whatever else was said `first`."""
    folder.mkdir(parents=True, exist_ok=True)
    server = Influx(folder, free_port(), extra)
    server.start()
    try:
        server.query(first)
        yield server
    finally:
        server.stop()
