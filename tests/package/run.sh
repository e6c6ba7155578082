#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs a build to a fresh prefix and uses it as a stranger would: tests/package/run.sh BUILD
#
# The examples are built outside the tree by find_package(walkie), once by g++ and once by clang++,
# and one by pkg-config; then each is run.
set -euo pipefail
build=$(realpath "$1")
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
passed=0
failed=0

# report NAME COMMAND...
report() {
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    echo "passed: $name"
    passed=$((passed + 1))
  else
    echo "FAILED: $name"
    cat "$work/log"
    failed=$((failed + 1))
  fi
}

install_walkie() {
  cmake --install "$build" --prefix "$prefix"
  # The public headers and nothing private.
  diff -r "$root/include/walkie" "$prefix/include/walkie"
  test "$(ls "$prefix/include")" = walkie
}

run_program() {
  "$prefix/bin/walkie" --version
}

build_examples() {
  cmake -S "$work/examples" -B "$work/$1" -G Ninja -DCMAKE_CXX_COMPILER="$1" \
    -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
  cmake --build "$work/$1"
}

run_examples() {
  /usr/bin/python3 "$root/tests/examples/run.py" "$@"
}

build_by_pkg_config() {
  local flags
  export PKG_CONFIG_PATH
  PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name walkie.pc)")
  test "$(pkg-config --modversion walkie)" = \
    "$(sed -nE 's/^project\(walkie VERSION ([0-9.]+).*/\1/p' "$root/CMakeLists.txt")"
  read -ra flags <<<"$(pkg-config --cflags --libs walkie)"
  mkdir -p "$work/pkg-config"
  g++ -std=c++23 -O2 "$work/examples/echo.cpp" "${flags[@]}" -o "$work/pkg-config/example_echo"
}

cp -r "$root/examples" "$work/examples" # away from the tree: nothing of it can be found by accident
report "install" install_walkie
report "the installed program runs" run_program
for compiler in g++ clang++-19; do
  report "$compiler builds the examples by find_package" build_examples $compiler
  report "they run" run_examples "$work/$compiler"
done
report "g++ builds an example by pkg-config" build_by_pkg_config
report "it runs" run_examples "$work/pkg-config" echo
echo "$passed passed, $failed failed"
((failed == 0))
