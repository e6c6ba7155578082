#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The newest websockets, aiohttp and picows of PyPI against a running server.

usage: tests/interop/pypi_interop.py PROGRAM
"""

import importlib.util
import sys
from pathlib import Path

import toolchain

SOURCE = Path(__file__).resolve().parent / "pypi"


def make(folder):
    if not importlib.util.find_spec("ensurepip"):
        toolchain.skip("no python3-venv")
    python = str(folder / "bin" / "python")
    toolchain.build([sys.executable, "-m", "venv", "--clear", str(folder)])
    toolchain.fetch([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                     "--only-binary=:all:", "--requirement", str(SOURCE / "requirements.txt")])


toolchain.need([sys.executable, "--version"], 3, 11)
folder = toolchain.built("venv", [SOURCE / "requirements.txt"], make)
toolchain.play([str(folder / "bin" / "python"), str(SOURCE / "client.py")])
