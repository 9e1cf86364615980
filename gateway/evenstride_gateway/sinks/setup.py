"""Make an InfluxDB ready: bucket with its retention, InfluxQL over it, and two tokens with the least rights.

2.x goes through `influxdb-client`; 1.x has no such API, there it is four InfluxQL statements. What exists already is
kept as it is: nothing is deleted, no retention is changed, no password is reset.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportPrivateImportUsage=false
# influxdb-client's API classes carry no types

from dataclasses import dataclass

import httpx
import urllib3.exceptions
from influxdb_client import (
    Authorization,
    BucketRetentionRules,
    DBRPCreate,
    InfluxDBClient,
    Permission,
    PermissionResource,
)
from influxdb_client.rest import ApiException
from influxdb_client.service.dbr_ps_service import DBRPsService

from evenstride_gateway.errors import SinkError

WRITE_TOKEN, READ_TOKEN = "evenstride: gateway writes", "evenstride: Grafana reads"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ready:
    """What the set-up left behind. Tokens are empty where the server does not show those that exist already."""

    made: tuple[str, ...]  # what was new, in words
    kept: tuple[str, ...]
    write_token: str = ""
    read_token: str = ""


def set_up_v2(*, url: str, token: str, org: str, bucket: str, keep_days: int) -> Ready:
    """Bucket, DBRP mapping and tokens on a 2.x server, with an operator's token. Raises SinkError."""
    made: list[str] = []
    kept: list[str] = []
    try:
        with InfluxDBClient(url=url, token=token, org=org, timeout=10_000) as client:
            orgs = client.organizations_api().find_organizations(org=org)
            if not orgs:
                raise SinkError(f"InfluxDB at {url} has no organisation {org!r}: make it first, or say `--org NAME`")
            org_id = str(orgs[0].id)
            buckets = client.buckets_api()
            found = buckets.find_bucket_by_name(bucket)
            if found is None:
                rules = [BucketRetentionRules(type="expire", every_seconds=keep_days * 86_400)] if keep_days else []
                found = buckets.create_bucket(bucket_name=bucket, org=org_id, retention_rules=rules)
                made.append(f"bucket {bucket}")
            else:
                kept.append(f"bucket {bucket}")
            bucket_id = str(found.id)
            _map_influxql(client, org_id, bucket_id, bucket, made, kept)
            tokens = {
                words: _token(client, org_id, bucket_id, action, words, made, kept)
                for action, words in (("write", WRITE_TOKEN), ("read", READ_TOKEN))
            }
    except ApiException as error:
        what = "refuses the token" if error.status in (401, 403) else f"answers {error.status}: {error.reason}"
        raise SinkError(f"InfluxDB at {url} {what}") from error
    except urllib3.exceptions.HTTPError as error:
        raise SinkError(f"InfluxDB at {url} cannot be reached: {error}") from error
    return Ready(made=tuple(made), kept=tuple(kept), write_token=tokens[WRITE_TOKEN], read_token=tokens[READ_TOKEN])


def _map_influxql(
    client: InfluxDBClient, org_id: str, bucket_id: str, bucket: str, made: list[str], kept: list[str]
) -> None:
    """Grafana asks in InfluxQL, which 2.x answers for a bucket that a database name is mapped to."""
    service = DBRPsService(client.api_client)
    mapped = service.get_dbr_ps(org_id=org_id, db=bucket)
    if any(str(entry.bucket_id) == bucket_id for entry in mapped.content or ()):
        kept.append(f"InfluxQL database {bucket}")
        return
    mapping = DBRPCreate(org_id=org_id, bucket_id=bucket_id, database=bucket, retention_policy="autogen", default=True)
    service.post_dbrp(dbrp_create=mapping)
    made.append(f"InfluxQL database {bucket}")


def _token(
    client: InfluxDBClient, org_id: str, bucket_id: str, action: str, words: str, made: list[str], kept: list[str]
) -> str:
    api = client.authorizations_api()
    for held in api.find_authorizations(org_id=org_id) or ():
        if held.description == words and held.status == "active":
            kept.append(f"token '{words}'")
            return str(held.token or "")
    right = Permission(action=action, resource=PermissionResource(type="buckets", id=bucket_id, org_id=org_id))
    wanted = Authorization(org_id=org_id, description=words, permissions=[right])
    made.append(f"token '{words}'")
    return str(api.create_authorization(authorization=wanted).token or "")


def set_up_v1(*, url: str, user: str, password: str, database: str, keep_days: int) -> Ready:
    """A database with its retention on a 1.x server. Raises SinkError."""
    quoted = '"' + database.replace("\\", "\\\\").replace('"', '\\"') + '"'
    auth = httpx.BasicAuth(user, password) if user else None
    with httpx.Client(base_url=url, timeout=10.0, trust_env=False, auth=auth) as client:
        existed = database in _ask(client, url, "SHOW DATABASES")
        _ask(client, url, f"CREATE DATABASE {quoted}")
        if keep_days and not existed:
            _ask(client, url, f"ALTER RETENTION POLICY autogen ON {quoted} DURATION {keep_days}d")
    name = (f"database {database}",)
    return Ready(made=() if existed else name, kept=name if existed else ())


def _ask(client: httpx.Client, url: str, statement: str) -> list[str]:
    try:
        answer = client.post("/query", params={"q": statement})
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise SinkError(f"InfluxDB at {url} cannot be asked: {error}") from error
    if answer.status_code in (401, 403):
        raise SinkError(f"InfluxDB at {url} refuses user and password")
    results = body.get("results", [])
    wrong = body.get("error") or next((result["error"] for result in results if "error" in result), None)
    if wrong:
        raise SinkError(f"InfluxDB at {url} refuses {statement.split(' ', 2)[:2]}: {wrong}")
    return [str(row[0]) for result in results for series in result.get("series", ()) for row in series["values"]]
