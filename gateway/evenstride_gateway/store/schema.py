"""The tables of the store and how an older store becomes the present one."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from evenstride_gateway.errors import StoreError, StoreNewerError

Migration = tuple[str, ...]
BUSY_MS = 5000  # how long another program's transaction is waited for

# "ANY" in a STRICT table keeps a double bit for bit; "REAL" would store -0.0 as the integer 0.
_FIRST: Migration = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    "CREATE TABLE pods (pod_id TEXT PRIMARY KEY, info TEXT NOT NULL) STRICT",
    "CREATE TABLE people (runner_id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT",
    """CREATE TABLE sessions (
        session_id TEXT PRIMARY KEY,
        runner_id TEXT NOT NULL REFERENCES people (runner_id),
        started_at TEXT NOT NULL,
        stopped_at TEXT,
        note TEXT NOT NULL,
        settings TEXT NOT NULL
    ) STRICT""",
    # A correction adds rows and marks the old ones as superseded: what was believed when stays readable.
    """CREATE TABLE assignments (
        assignment_id INTEGER PRIMARY KEY AUTOINCREMENT,
        session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
        pod_id TEXT NOT NULL,
        runner_id TEXT NOT NULL REFERENCES people (runner_id),
        side TEXT NOT NULL,
        rotation TEXT NOT NULL,
        rotation_version INTEGER NOT NULL,
        from_s ANY NOT NULL,
        to_s ANY,
        superseded INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    "CREATE INDEX assignments_of_session ON assignments (session_id, superseded)",
    """CREATE TABLE clock_fits (
        session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
        pod_id TEXT NOT NULL,
        boot_id INTEGER NOT NULL,
        version INTEGER NOT NULL,
        offset_s ANY NOT NULL,
        skew_ppm ANY NOT NULL,
        bound_s ANY NOT NULL,
        PRIMARY KEY (session_id, pod_id, boot_id, version)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE strides (
        stride_id INTEGER PRIMARY KEY AUTOINCREMENT,
        session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
        published_t_s ANY NOT NULL,
        retired INTEGER NOT NULL DEFAULT 0,
        change INTEGER NOT NULL DEFAULT 0,
        pod_id TEXT NOT NULL,
        boot_id INTEGER NOT NULL,
        strike_index INTEGER NOT NULL,
        end_index INTEGER NOT NULL,
        strike_s ANY NOT NULL,
        toe_off_s ANY NOT NULL,
        end_s ANY NOT NULL,
        stance_sd_s ANY NOT NULL,
        impact_axial_mps2 ANY,
        impact_mps2 ANY,
        loading_mps3 ANY,
        swing_peak_radps ANY NOT NULL,
        heading_rad ANY,
        gait TEXT NOT NULL,
        method TEXT NOT NULL,
        doubt INTEGER NOT NULL
    ) STRICT""",
    # Live strides are at the tail: a search by end finds the neighbours of a new one without walking the session.
    "CREATE INDEX strides_by_end ON strides (session_id, pod_id, boot_id, end_index)",
    """CREATE TABLE symmetry (
        session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
        measure TEXT NOT NULL,
        grid_index INTEGER NOT NULL,
        symmetry_index ANY,
        low ANY,
        high ANY,
        n_pairs INTEGER NOT NULL,
        verdict TEXT NOT NULL,
        reason TEXT NOT NULL,
        method TEXT NOT NULL,
        retired INTEGER NOT NULL DEFAULT 0,
        change INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (session_id, measure, grid_index)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE gaps (
        session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
        pod_id TEXT NOT NULL,
        boot_id INTEGER NOT NULL,
        first_index INTEGER NOT NULL,
        missing INTEGER NOT NULL,
        cause TEXT NOT NULL,
        PRIMARY KEY (session_id, pod_id, boot_id, first_index)
    ) STRICT, WITHOUT ROWID""",
    # No reference to sessions: the changes of a deleted session are what tells the sinks that it is gone.
    """CREATE TABLE changes (
        change INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        entity TEXT NOT NULL,
        entity_id TEXT NOT NULL,
        session_id TEXT NOT NULL,
        previous TEXT
    ) STRICT""",
)

# Where a pod usually sits; a session's own assignments are rows of their own.
_PLACEMENTS: Migration = (
    "CREATE TABLE placements (pod_id TEXT PRIMARY KEY, side TEXT NOT NULL, runner_id TEXT NOT NULL) STRICT",
)

# A runner's own body: what stiffness needs.
_MASSES: Migration = (
    """CREATE TABLE masses (
        runner_id TEXT PRIMARY KEY REFERENCES people (runner_id),
        mass_kg ANY NOT NULL,
        mass_sd_kg ANY NOT NULL
    ) STRICT, WITHOUT ROWID""",
)

# What averaging over a leg's strides does not remove; NULL = the method does not know it.
_SYSTEM_SD: Migration = ("ALTER TABLE strides ADD COLUMN stance_system_sd_s ANY",)

# What the sinks need: how far each one is, what it could not deliver, and when a session was that exists no more.
_SINKS: Migration = (
    "CREATE TABLE sinks (name TEXT PRIMARY KEY, delivered INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE parked (
        parked_id INTEGER PRIMARY KEY AUTOINCREMENT,
        sink TEXT NOT NULL,
        at TEXT NOT NULL,
        reason TEXT NOT NULL,
        content TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE deleted_sessions (
        session_id TEXT PRIMARY KEY,
        runner_id TEXT NOT NULL,
        started_at TEXT NOT NULL
    ) STRICT""",
)

# What was measured about pods: never changed, only added to. A hardware's offset outlives the session that gave it.
_CALIBRATIONS: Migration = (
    """CREATE TABLE calibrations (
        calibration_id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        version INTEGER NOT NULL,
        made_at TEXT NOT NULL,
        session_id TEXT REFERENCES sessions (session_id) ON DELETE CASCADE,
        content TEXT NOT NULL,
        UNIQUE (kind, name, version)
    ) STRICT""",
)

# What a session says for its runner's baseline, as long as `key` holds; can be computed again at any time.
_RUN_VALUES: Migration = (
    """CREATE TABLE run_values (
        session_id TEXT PRIMARY KEY REFERENCES sessions (session_id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        content TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
)

# Where each stride was run: the sinks tell it with the stride. `lap` NULL = no track was recognised.
_PLACES: Migration = (
    "ALTER TABLE strides ADD COLUMN surface TEXT NOT NULL DEFAULT 'unknown'",
    "ALTER TABLE strides ADD COLUMN direction INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE strides ADD COLUMN lap INTEGER",
)

# What pods logged while no gateway was near, as it came: a record with its head in one message, empty once its session
# was deleted; `session_id` NULL = in no session yet. The dates that hosts gave to boots. A session may have no date.
_POD_LOGS: Migration = (
    """CREATE TABLE pod_records (
        pod_id TEXT NOT NULL,
        boot_id INTEGER NOT NULL,
        number INTEGER NOT NULL,
        message BLOB NOT NULL,
        session_id TEXT,
        PRIMARY KEY (pod_id, boot_id, number)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX pod_records_by_session ON pod_records (session_id)",
    """CREATE TABLE pod_anchors (
        pod_id TEXT NOT NULL,
        boot_id INTEGER NOT NULL,
        tick INTEGER NOT NULL,
        utc_ns INTEGER NOT NULL,
        error_ns INTEGER NOT NULL,
        PRIMARY KEY (pod_id, boot_id, tick)
    ) STRICT, WITHOUT ROWID""",
    "ALTER TABLE sessions ADD COLUMN undated INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE deleted_sessions ADD COLUMN undated INTEGER NOT NULL DEFAULT 0",
)

MIGRATIONS: tuple[Migration, ...] = (
    _FIRST,
    _PLACEMENTS,
    _MASSES,
    _SYSTEM_SD,
    _SINKS,
    _CALIBRATIONS,
    _RUN_VALUES,
    _PLACES,
    _POD_LOGS,
)
APPLICATION_ID = 0x45765374  # "EvSt": what `file` and we recognise the database by


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """Open the database at the present schema, creating or migrating it unless `readonly`.

    Raises StoreNewerError (nothing touched) or StoreError. The connection may be used from any thread, one at a time.
    """
    if path.exists() and path.stat().st_size > 0:
        found = _version(path)
        if found > len(MIGRATIONS):
            raise StoreNewerError(
                f"{path} has data format {found}, this evenstride knows up to {len(MIGRATIONS)}: "
                "install a newer evenstride, or use --data DIR; nothing was changed"
            )
        if readonly and found < len(MIGRATIONS):
            raise StoreError(
                f"{path} has data format {found}, this evenstride reads {len(MIGRATIONS)}: "
                "start `evenstride run` once to bring it up to date"
            )
    elif readonly:
        raise StoreError(f"no evenstride data at {path.parent}: record a session first, or use --data DIR")
    database = _open(path, readonly=readonly)
    try:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        if not readonly:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            migrate(database, MIGRATIONS)
    except BaseException:
        database.close()
        raise
    return database


def migrate(database: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Bring `database` from its user_version to len(migrations), one transaction for each step."""
    found: int = database.execute("PRAGMA user_version").fetchone()[0]
    for version, statements in enumerate(migrations[found:], start=found + 1):
        database.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                database.execute(statement)
            if version == 1:
                database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                created = datetime.now(UTC).isoformat(timespec="seconds")
                database.execute("INSERT INTO meta VALUES ('created', ?)", (created,))
            database.execute(f"PRAGMA user_version = {version}")
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise


def _version(path: Path) -> int:
    """The data format of an existing file, read without touching it."""
    database = _open(path, readonly=True)
    try:
        version: int = database.execute("PRAGMA user_version").fetchone()[0]
        application: int = database.execute("PRAGMA application_id").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} cannot be read as an evenstride store: {error}") from error
    finally:
        database.close()
    if application != APPLICATION_ID and version > 0:
        raise StoreError(f"{path} is a database of another program: use --data DIR")
    return version


def _open(path: Path, *, readonly: bool) -> sqlite3.Connection:
    mode = "ro" if readonly else "rwc"
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    database = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    database.row_factory = sqlite3.Row
    return database
