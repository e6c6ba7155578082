#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Go's gorilla/websocket and coder/websocket against a running server.

usage: tests/interop/go_interop.py PROGRAM
"""

from pathlib import Path

import toolchain

SOURCE = Path(__file__).resolve().parent / "go"


def make(folder):
    toolchain.fetch(["go", "-C", str(SOURCE), "mod", "download"], GOTOOLCHAIN="local")
    toolchain.build(
        ["go", "-C", str(SOURCE), "build", "-mod=readonly", "-o", str(folder / "client"), "."],
        GOTOOLCHAIN="local",
        GOPROXY="off",
    )


toolchain.need(["go", "version"], 1, 23)
sources = sorted(SOURCE.glob("*.go")) + [SOURCE / "go.mod", SOURCE / "go.sum"]
folder = toolchain.built("go", sources, make)
toolchain.play([str(folder / "client")])
