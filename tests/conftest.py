"""The suite runs the plain science, and no worker waits for a compiler: strides are the same to the bit, which
analysis/test_compiled.py compares in processes of its own."""

import os

os.environ.setdefault("EVENSTRIDE_COMPILED", "0")
