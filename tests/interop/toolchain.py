# SPDX-License-Identifier: MIT
"""What the scripts of this folder share: a client built once, and its run against a server.

Each client is a program that takes the server's URL, plays the scenarios that its API allows, and
prints "ok - NAME" or "not ok - NAME: why" for each. The scenarios are the same in every language.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "clients"))

from harness import Server  # noqa: E402 (found by the line above)

FETCH_PATIENCE_S = 300
CLIENT_PATIENCE_S = 240
# What a download says where the fault is in our pinned versions rather than in the network.
OUR_FAULT = re.compile(r"--locked|checksum|go\.sum|SECURITY ERROR|ResolutionImpossible")


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def need(command, *minimum):
    """Skips where `command`, a program with the argument that shows its version, is not there or
    older than `minimum`, as in (1, 23)."""
    if not shutil.which(command[0]):
        skip(f"no {command[0]}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    match = re.search(r"(\d+)\.(\d+)", done.stdout + done.stderr)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if version < minimum:
        wanted = ".".join(map(str, minimum))
        skip(f"{command[0]} {version[0]}.{version[1]} is older than {wanted}")


def fetch(command, **environment):
    """Downloads by `command`. Skips where the registry cannot be reached."""
    try:
        done = subprocess.run(
            command,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=FETCH_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        skip(f"{command[0]} could not download in {FETCH_PATIENCE_S} s")
    if done.returncode == 0:
        return
    if OUR_FAULT.search(done.stdout):
        sys.exit(f"not ok - the pinned versions do not hold:\n{done.stdout}")
    last = (done.stdout.strip().splitlines() or ["no reason given"])[-1]
    skip(f"{Path(command[0]).name} could not download: {last}")


def build(command, **environment):
    done = subprocess.run(command, env=os.environ | environment, check=False)
    if done.returncode:
        sys.exit(f"not ok - {command[0]} failed with {done.returncode}")


def built(name, sources, make):
    """build/interop/<name>, filled by `make(folder)` unless these `sources` were its last ones."""
    folder = ROOT / "build" / "interop" / name
    stamp = folder / "made-from"
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        folder.mkdir(parents=True, exist_ok=True)
        make(folder)
        stamp.write_text(digest)
    return folder


def play(client):
    """Runs the command `client` with the URL of a new server; counts what it prints; exits."""
    passed = failed = 0
    with Server(sys.argv[1], "--max-echo-message", "1MiB") as server:
        environment = os.environ | {"NO_PROXY": "127.0.0.1"}
        command = ["timeout", str(CLIENT_PATIENCE_S), *client, server.url]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            for line in process.stdout:
                print(line, end="", flush=True)
                passed += line.startswith("ok - ")
                failed += line.startswith("not ok - ")
        if process.returncode and not failed:
            failed = 1
            print(f"not ok - the client ended with {process.returncode}")
        if server.process.poll() is not None:
            failed += 1
            print(f"not ok - the server ended with {server.process.returncode}")
    if failed:
        print(server.output)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)
