"""docs/stack.md and docs/mqtt.schema.json say what the schema says."""

import subprocess
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

from evenstride_gateway.sinks.messages import json_schema

ROOT = Path(__file__).resolve().parents[2]


def test_page_and_schema_are_fresh() -> None:
    command = [sys.executable, ROOT / "tools" / "make_stack_docs.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_of_the_messages_is_one() -> None:
    Draft202012Validator.check_schema(json_schema())
