#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Java's own java.net.http.WebSocket against a running server.

usage: tests/interop/java_interop.py PROGRAM
"""

from pathlib import Path

import toolchain

SOURCE = Path(__file__).resolve().parent / "java" / "Client.java"


def make(folder):
    toolchain.build(["javac", "-Xlint:all", "-Werror", "-d", str(folder), str(SOURCE)])


toolchain.need(["javac", "-version"], 17, 0)
folder = toolchain.built("java", [SOURCE], make)
toolchain.play(["java", "-cp", str(folder), "Client"])
