"""What runs here runs as in the product: live parts plain; what is compiled says so, in a process of its own."""

import os

os.environ.setdefault("EVENSTRIDE_COMPILED", "0")
