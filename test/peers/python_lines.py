"""Calls as JSON lines: each line on stdin names an operation, its answer goes to stdout.

The end of stdin ends the process, so that none is left when whoever steered it has gone.
"""

import asyncio
import base64
import json
import sys


def decode(wire):
    """A message from its JSON form: str for text, bytes for binary."""
    return wire["text"] if "text" in wire else base64.b64decode(wire["binary"])


def encode(message):
    """The JSON form of a message."""
    if isinstance(message, str):
        return {"text": message}
    return {"binary": base64.b64encode(message).decode("ascii")}


async def serve_calls(operations):
    """Runs every call as a task of its own until stdin ends."""

    async def run(call, operation, parameters):
        try:
            answer = {"result": await operation(**parameters)}
        except Exception as error:  # reported to the caller, who decides
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps({"call": call, **answer}) + "\n")
        sys.stdout.flush()

    loop = asyncio.get_running_loop()
    tasks = set()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        operation = operations[asked["op"]]
        task = loop.create_task(run(asked["call"], operation, asked["parameters"]))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
