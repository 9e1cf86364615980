"""The 2.x path against a stand-in that says what it is (tests/support/standin_influx2.py), and the set-up of both."""

import asyncio
import json
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.cli import evenstride
from support.servers import Influx, influxd
from support.standin_influx2 import ORG, ORG_ID, TOKEN, StandIn, stand_in_influx2

from evenstride_gateway.config import InfluxConfig
from evenstride_gateway.errors import ConfigError, SinkError
from evenstride_gateway.sinks.follower import Refused
from evenstride_gateway.sinks.influx import InfluxWriter
from evenstride_gateway.sinks.setup import READ_TOKEN, WRITE_TOKEN, set_up_v1, set_up_v2
from evenstride_gateway.sinks.targets import InfluxTarget, Version, influx_target
from evenstride_gateway.sinks.verify import InfluxReader

LINES = [f"stride,session=s1,runner=anna,pod=p stance_ms={n}.5 {n}" for n in range(8)]


@pytest.fixture
def server() -> Any:
    with stand_in_influx2() as running:
        running.buckets["evenstride"] = {"id": "0000000000000010", "name": "evenstride"}
        yield running


def write(server: StandIn, lines: Sequence[str], **other: Any) -> list[Refused]:
    values: dict[str, Any] = {"url": server.url, "bucket": "evenstride", "org": ORG, "token": TOKEN}

    async def scenario() -> list[Refused]:
        async with InfluxWriter(InfluxTarget(**(values | {"version": Version.V2} | other))) as writer:
            return await writer.write(lines)

    return asyncio.run(scenario())


def test_every_byte_and_header_is_as_documented(server: StandIn) -> None:
    assert write(server, LINES) == []
    assert server.writes == ["\n".join(LINES).encode()]
    assert server.headers[0]["Authorization"] == f"Token {TOKEN}"
    assert server.unexpected == []


def test_a_bad_line_is_found_by_halving(server: StandIn) -> None:
    (refused,) = write(server, [*LINES[:5], "stride nonsense", *LINES[5:]])
    assert refused.content == "stride nonsense"
    assert "unable to parse" in refused.reason
    assert sorted(b"\n".join(server.writes).decode().split("\n")) == sorted(LINES)


def test_a_type_conflict_is_refused_for_good(server: StandIn) -> None:
    conflict = '{"code": "unprocessable entity", "message": "field type conflict: stance_ms"}'
    server.answers = [(422, {}, conflict)]
    (refused,) = write(server, LINES[:1])
    assert "field type conflict" in refused.reason


def test_3_core_is_written_as_far_as_documented_by_a_stand_in() -> None:
    with stand_in_influx2(core3=True) as server:
        assert write(server, LINES, version=Version.V3) == []
        assert server.writes == ["\n".join(LINES).encode()]
        (refused,) = write(server, [*LINES[:3], "stride nonsense"], version=Version.V3)
        assert refused.content == "stride nonsense"
        assert refused.reason == "partial write of line protocol occurred: No fields were provided"
        with pytest.raises(SinkError, match="refuses the token"):
            write(server, LINES, version=Version.V3, token="wrong")
        assert (server.unexpected, list(server.buckets)) == ([], ["evenstride"])
        with pytest.raises(SinkError, match="experimental here: results are written there, not read back"):
            InfluxReader(InfluxTarget(url=server.url, bucket="evenstride", version=Version.V3, token=TOKEN))


_TROUBLES: list[tuple[dict[str, str], tuple[int, dict[str, str], str] | None, str, float | None]] = [
    ({"token": "wrong"}, None, "refuses the token", 60.0),
    ({"bucket": "nowhere"}, None, "no bucket or organisation 'nowhere'", 30.0),
    ({}, (429, {"Retry-After": "7"}, "{}"), "overloaded", 7.0),
    ({}, (503, {}, "{}"), "overloaded", 5.0),
    ({}, (500, {}, '{"message": "engine: no space left on device"}'), "no disk space", 60.0),
    ({}, (500, {}, '{"message": "internal error"}'), "answers 500: internal error", None),
]


@pytest.mark.parametrize(("other", "answer", "said", "retry_s"), _TROUBLES)
def test_what_a_server_says_becomes_one_sentence(
    server: StandIn, other: dict[str, Any], answer: Any, said: str, retry_s: float | None
) -> None:
    server.answers = [answer] if answer else []
    with pytest.raises(SinkError, match=said) as error:
        write(server, LINES, **other)
    assert error.value.retry_after_s == retry_s
    assert TOKEN not in str(error.value)


def test_the_set_up_makes_bucket_mapping_and_two_tokens_once() -> None:
    with stand_in_influx2() as server:
        first = set_up_v2(url=server.url, token=TOKEN, org=ORG, bucket="evenstride", keep_days=365)
        again = set_up_v2(url=server.url, token=TOKEN, org=ORG, bucket="evenstride", keep_days=30)
        assert server.unexpected == []
        assert len(first.made) == 4
        assert (again.made, len(again.kept)) == ((), 4)
        assert (first.write_token, first.read_token) == (again.write_token, again.read_token) == ("token-0", "token-1")
        (bucket,) = server.buckets.values()
        assert bucket["retentionRules"][0]["everySeconds"] == 365 * 86_400
        (mapping,) = server.dbrps
        assert (mapping["database"], mapping["bucketID"], mapping["default"]) == ("evenstride", bucket["id"], True)
        rights = {t["description"]: [(p["action"], p["resource"]) for p in t["permissions"]] for t in server.tokens}
        resource = {"type": "buckets", "id": bucket["id"], "orgID": ORG_ID}
        for words, action in ((WRITE_TOKEN, "write"), (READ_TOKEN, "read")):
            ((given, where),) = rights[words]
            assert given == action
            assert {name: where[name] for name in resource} == resource


def test_the_set_up_says_what_is_missing() -> None:
    with stand_in_influx2() as server:
        with pytest.raises(SinkError, match="no organisation 'elsewhere'"):
            set_up_v2(url=server.url, token=TOKEN, org="elsewhere", bucket="b", keep_days=0)
        with pytest.raises(SinkError, match="refuses the token"):
            set_up_v2(url=server.url, token="wrong", org=ORG, bucket="b", keep_days=0)


def test_tokens_are_written_for_their_owner_alone_unless_said_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENSTRIDE_STACK_OPERATOR_TOKEN", TOKEN)
    with stand_in_influx2() as server:
        command = ("stack", "influx", "--url", server.url, "--org", ORG)
        (tmp_path / "gateway").write_text("an older token, longer than the new one")
        (tmp_path / "gateway").chmod(0o644)
        for more, mode in (((), 0o600), (("--readable",), 0o644), ((), 0o600)):
            shown = evenstride(*command, "--tokens", tmp_path, *more, "--json")
            written = json.loads(shown.out)
            assert written["files"] == [str(tmp_path / "gateway"), str(tmp_path / "grafana")]
            assert "token-" not in shown.out + shown.err
            for n, path in enumerate(map(Path, written["files"])):
                assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == (f"token-{n}", mode)
        refused = evenstride(*command, "--readable")
        assert "--readable says how the files of --tokens DIR are written" in refused.error_line(3)


def test_without_a_folder_the_tokens_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENSTRIDE_STACK_OPERATOR_TOKEN", TOKEN)
    with stand_in_influx2() as server:
        command = ("stack", "influx", "--url", server.url, "--org", ORG)
        shown = json.loads(evenstride(*command, "--json").out)
        assert (shown["write_token"], shown["read_token"], shown["files"]) == ("token-0", "token-1", [])
        plain = evenstride(*command).out
        assert "EVENSTRIDE_INFLUX_TOKEN=token-0" in plain
        assert "Grafana:  token-1" in plain


def test_the_set_up_of_1x_on_the_real_server(tmp_path: Path) -> None:
    server: Influx
    with influxd(tmp_path) as server:
        for made in (True, False):
            ready = set_up_v1(url=server.url, user="", password="", database='odd "name"', keep_days=30)
            assert bool(ready.made) is made
        (policy,) = server.query('SHOW RETENTION POLICIES ON "odd \\"name\\""')
        assert (policy["duration"], policy["default"]) == ("720h0m0s", True)


def test_a_target_without_its_secret_names_the_variable() -> None:
    with pytest.raises(ConfigError, match="EVENSTRIDE_INFLUX_TOKEN"):
        influx_target(InfluxConfig(url="http://127.0.0.1:1"))


def test_a_secret_file_is_read_and_a_bad_one_named(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("abc\n")
    assert influx_target(InfluxConfig(url="http://127.0.0.1:1", secret_file=str(file))).token == "abc"
    file.write_text("two\nlines")
    with pytest.raises(ConfigError, match=r"influx\.secret_file"):
        influx_target(InfluxConfig(url="http://127.0.0.1:1", secret_file=str(file)))
