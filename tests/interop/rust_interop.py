#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Rust's tungstenite and yawc against a running server.

usage: tests/interop/rust_interop.py PROGRAM
"""

import subprocess
from pathlib import Path

import toolchain

SOURCE = Path(__file__).resolve().parent / "rust"


def make(folder):
    manifest = ["--manifest-path", str(SOURCE / "Cargo.toml"), "--locked"]
    host = subprocess.check_output(["rustc", "--print", "host-tuple"], text=True).strip()
    toolchain.fetch(["cargo", "fetch", *manifest, "--target", host])
    toolchain.build(["cargo", "build", "--quiet", "--offline", *manifest,
                     "--target-dir", str(folder)])


toolchain.need(["cargo", "--version"], 1, 85)
sources = sorted(SOURCE.glob("src/*.rs")) + [SOURCE / "Cargo.toml", SOURCE / "Cargo.lock"]
folder = toolchain.built("rust", sources, make)
toolchain.play([str(folder / "debug" / "client")])
