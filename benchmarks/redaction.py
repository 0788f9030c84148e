"""What the redaction keeps, what it takes for a secret by mistake, and how fast it is.

    .venv/bin/python benchmarks/redaction.py [--show] [--json FILE]

Made-up tokens of about a hundred providers stand in each of the places where programs print them, and passwords in each
of the files, commands and sentences in which people keep them; look-alikes hold no secret. A secret counts as kept
where the redacted text has it, or the last ten of its characters.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path

from fake_secrets import forms, look_alikes, placed, tokens

from explib.text.redaction import redact

MEGABYTE = 1_000_000
ENDING = 10
LOG = """2026-12-01T04:05:06.{number} INFO worker[{number}]: GET /api/v1/orders/{number}?page=2 200 in 35 ms
src/orders/views.py:{number}: AssertionError: assert response.status_code == 200, tokens used: 4{number}
I read the file first and see that the key of the cache is wrong: the test compares it with the old value.
"""


def kept(text: str, secret: str) -> bool:
    """Whether the secret, or its end, is still there."""
    said = redact(text)[0].replace("\n", "").replace("\\n", "")
    return secret in said or (len(secret) > 2 * ENDING and secret[-ENDING:] in said)


def speed(text: str) -> float:
    """Megabytes a second of processor time."""
    started = time.process_time()
    redact(text)
    return len(text) / MEGABYTE / (time.process_time() - started)


def texts() -> dict[str, str]:
    """A megabyte each of a program's log, of the same in JSON, and of nothing but look-alikes."""
    log = "\n".join(LOG.format(number=number) for number in range(100))
    dense = "\n".join(text for _, text in look_alikes())
    return {
        name: (text * (MEGABYTE // len(text) + 1))[:MEGABYTE]
        for name, text in (("log", log), ("JSON", json.dumps({"stdout": log})), ("look-alikes", dense))
    }


def main() -> None:
    """Measure, print, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="name what was kept and what was taken by mistake")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    by_token = {token: provider for provider, token in tokens()}
    tried, left = Counter[str](), Counter[str]()
    for place, text, token in placed():
        tried[place] += 1
        if kept(text, token):
            left[place] += 1
            if args.show:
                print(f"kept {place}: {token[:24]}")
    for place in tried:
        print(f"{place:32} tried {tried[place]:4}  kept {left[place]:4}")
    names = [(form, text, secret) for form, text, secret in forms()]
    open_forms = [form for form, text, secret in names if kept(text, secret)]
    print(f"{'names, files, commands, prose':32} tried {len(names):4}  kept {len(open_forms):4} {open_forms}")
    alike = list(look_alikes())
    mistaken = [(kind, text) for kind, text in alike if redact(text)[1]]
    if args.show:
        for kind, text in dict.fromkeys(mistaken):
            print(f"mistaken {kind}: {text[:100]!r} -> {redact(text)[0][:120]!r}")
    print(f"{'look-alikes':32} tried {len(alike):4}  taken {len(mistaken):3}  ({len(mistaken) / len(alike):.1%})")
    rates = {name: speed(text) for name, text in texts().items()}
    print("  ".join(f"{name} {rate:.1f} MB/s" for name, rate in rates.items()))
    if args.json:
        figures = {
            "kinds": len(by_token),
            "places": {place: [tried[place], left[place]] for place in tried},
            "forms": [len(names), len(open_forms)],
            "look_alikes": [len(alike), len(mistaken)],
            "megabytes_per_second": rates,
        }
        args.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
