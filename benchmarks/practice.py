"""Practice on the order desk, run by run: the gain on its held-out tasks, and that of the control on shuffled rewards.

    python benchmarks/practice.py [RUNS]

Each run is `explib practice` on 20 tasks × 5 with the demo's scripted agent and other orders, then 40 × 5 pairs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

DESK = Path(__file__).parents[1] / "examples" / "tools" / "desk.py"


def run(seed: int, folder: str, *options: str) -> dict[str, object]:
    started = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "explib_server", "practice", f"{DESK}@practice"),
            *("--held-out", f"{DESK}@held_out", "--run", f"seed{seed}{''.join(options)}", "--yes", "--json", *options),
        ],
        env={
            **os.environ,
            "DESK_SEED": str(seed),
            "EXPLIB_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/library.db",
            "EXPLIB_LIBRARY": f"seed{seed}",
        },
        capture_output=True,
        check=True,
    )
    proof: dict[str, object] = json.loads(done.stdout)["proof"]
    print(
        f"seed {seed}{' control' if options else ''}: {proof['verdict']}, {proof['gain']:+.3f} "
        f"({proof['low']:+.3f} to {proof['high']:+.3f}), {time.monotonic() - started:.0f} s",
        flush=True,
    )
    return proof


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with TemporaryDirectory(prefix="explib-practice-") as folder:
        gains = [run(seed, folder) for seed in range(1, runs + 1)]
        controls = [run(seed, folder, "--control") for seed in range(1, runs + 1)]
    shown = [[proof["verdict"] == "gain shown" for proof in proofs] for proofs in (gains, controls)]
    print(f"a gain is shown in {sum(shown[0])} of {runs} runs, of the controls in {sum(shown[1])} of {runs}")


if __name__ == "__main__":
    main()
