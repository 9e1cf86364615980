"""A process that writes until it is killed: `python store_writer.py FOLDER`; prints `stride number, synced frames`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evenstride_gateway.store import Store
from support.store_data import begin, frame, pod, stride


def main() -> None:
    with Store.open(Path(sys.argv[1])) as store:
        begin(store)
        with store.raw_writer("s1", pod()) as raw:
            for n in range(100_000):
                for k in range(24):
                    raw.append(frame((n * 24 + k) * 17, seq=n * 24 + k))
                raw.sync()
                store.apply_strides("s1", [stride(n * 300, n * 300 + 300)])
                sys.stdout.write(f"{n + 1} {(n + 1) * 24}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
