"""`evenstride report`: one page, HTML or PDF."""

from pathlib import Path

from evenstride_gateway.cli.common import data_dir, out, print_json, software_version
from evenstride_gateway.config import load_config
from evenstride_gateway.errors import EvenstrideError, InputError
from evenstride_gateway.store import Store
from evenstride_gateway.tables.strides import atomic


def write_report(folder: Path, session_id: str, path: Path) -> None:
    """Write the report of a stored session. Raises InputError for another ending than .html or .pdf."""
    suffix = path.suffix.lower()
    if suffix not in (".html", ".pdf"):
        raise InputError(f"{path}: a report is .html or .pdf")
    try:
        from evenstride_gateway.report import render_html, render_pdf  # a heavy extra
        from evenstride_gateway.reporting import report_data
    except ImportError as error:
        raise EvenstrideError(f"reports need `pip install evenstride[report]`: {error}") from error
    config = load_config(folder)
    with Store.open(folder, readonly=True) as store:
        html = render_html(report_data(store, session_id, config.symmetry, version=software_version()))
    with atomic(path) as part:
        if suffix == ".pdf":
            part.write_bytes(render_pdf(html))
        else:
            part.write_text(html, encoding="utf-8")


def report(session: str, path: Path, *, data: Path | None, as_json: bool) -> None:
    """Write the report and say where it is."""
    write_report(data_dir(data), session, path)
    if as_json:
        print_json({"session": session, "out": str(path)})
    else:
        out.print(f"written: {path}")
