"""Derive the table of constants of `rules-1` from the RBDS recordings and write it into the package.

python tools/derive_rules.py    reads ../shared/data/rbds, or EVENSTRIDE_DATA/rbds; the same data give the same bytes
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from evenstride_analysis.accuracy import derive_rules
from evenstride_gateway.tables.trials import read_trials

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "analysis" / "evenstride_analysis" / "strides" / "rules_1.json"
SOURCE = (
    "Fukuchi, Fukuchi & Duarte 2017, PeerJ 5:e3298 (CC BY 4.0), virtual shank sensors of 18 treadmill runners at"
    " 2.5/3.5/4.5 m/s, 50 N force reference; offsets from all runners, SDs with the tested runner left out"
)


def main() -> int:
    folder = Path(os.environ.get("EVENSTRIDE_DATA", ROOT.parent / "shared" / "data")) / "rbds"
    rules = asdict(derive_rules(read_trials(folder), source=SOURCE))
    for name in ("ic_offset_s", "tc_offset_s", "stance_sd_s", "si_error_sd"):
        rules[name] = round(rules[name], 5)
    TABLE.write_text(json.dumps(rules, indent=2) + "\n", encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
