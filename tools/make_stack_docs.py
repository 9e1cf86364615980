"""Writes what the sinks' schema says into docs/stack.md (between the marks) and docs/mqtt.schema.json.

With `--check` it writes nothing and ends with 1 when one of them is stale.
"""

import json
import sys
from pathlib import Path

from evenstride_gateway.sinks.messages import json_schema
from evenstride_gateway.sinks.schema import markdown

DOCS = Path(__file__).resolve().parents[1] / "docs"
BEGIN, END = "<!-- made from the schema: begin -->", "<!-- made from the schema: end -->"


def stack_page(page: str) -> str:
    """`page` with its tables renewed. Raises ValueError when a mark is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"docs/stack.md: the marks {BEGIN} and {END} were expected")
    return f"{before}{BEGIN}\n\n{markdown()}\n{END}{after}"


def schema_text() -> str:
    """The JSON Schema of the messages as a file."""
    return json.dumps(json_schema(), indent=2) + "\n"


def main() -> int:
    page, schema = DOCS / "stack.md", DOCS / "mqtt.schema.json"
    wanted = {page: stack_page(page.read_text("utf-8")), schema: schema_text()}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in sys.argv:
        print(f"stale: {', '.join(path.name for path in stale)}; run tools/make_stack_docs.py" if stale else "fresh")
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path], "utf-8")
        print(f"wrote {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
