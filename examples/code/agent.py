"""A scripted shell agent, in place of `claude -p {prompt}`: it guesses where nothing advises it, and follows lessons.

It prints its messages as JSON, one a line.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys

BLOCK = re.compile(r"<explib-lessons[^>]*>(.*?)</explib-lessons>\s*", re.DOTALL)


def main(prompt: str) -> None:
    lessons, task = "\n".join(BLOCK.findall(prompt)), BLOCK.sub("", prompt)
    found = re.search(r"(\w+)\(([^)]*)\)", task)
    file = re.search(r"shop/\w+\.py", task)
    name, arguments = (found[1], found[2]) if found else ("unknown", "")
    dice = random.Random(os.urandom(8))
    run(f"printf 'def {name}({arguments}):\\n    return None\\n' >> {file[0] if file else 'shop/unknown.py'}")
    steps = [f"tools/note --for={name}", "tools/index", "tools/tidy"]
    dice.shuffle(steps)
    for step in steps:
        if wanted(step.split()[0], lessons, dice):
            run(step)
    say({"role": "assistant", "content": f"I have added {name}."})


def wanted(tool: str, lessons: str, dice: random.Random) -> bool:
    for line in lessons.splitlines():
        advice = line.rpartition(",")[2]
        if tool in advice:
            return re.search(r"\bnot\b|\bwithout\b|leave out|never", advice) is None
    return dice.random() < 0.4


def run(command: str) -> None:
    call = {
        "id": command,
        "type": "function",
        "function": {"name": "bash", "arguments": json.dumps({"command": command})},
    }
    say({"role": "assistant", "content": "", "tool_calls": [call]})
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    say({"role": "tool", "tool_call_id": command, "content": done.stdout + done.stderr})


def say(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)


main(sys.argv[1])
