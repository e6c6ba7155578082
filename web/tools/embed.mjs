// SPDX-License-Identifier: MIT
// Writes the built page as C++: `embed.mjs DIST OUT.cpp` defines walkie::web_files() with each
// file's bytes in an array.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

const files = [
  { name: "index.html", type: "text/html; charset=utf-8" },
  { name: "app.js", type: "text/javascript; charset=utf-8" },
  { name: "app.css", type: "text/css; charset=utf-8" },
  { name: "favicon.svg", type: "image/svg+xml" },
];

/** The bytes as lines of decimal numbers, at most 100 columns wide. */
function numbers(bytes) {
  const lines = [];
  let line = "   ";
  for (const byte of bytes) {
    const next = ` ${byte},`;
    if (line.length + next.length > 100) {
      lines.push(line);
      line = "   ";
    }
    line += next;
  }
  lines.push(line);
  return lines.join("\n");
}

function source(contents) {
  const arrays = contents.map(
    (bytes, i) =>
      `constexpr std::array<unsigned char, ${bytes.length}> kFile${i} = {\n${numbers(bytes)}\n};\n`,
  );
  const entries = files.map(
    ({ name, type }, i) => `      StaticFile{"/${name}", "${type}", view_of(kFile${i})},`,
  );
  return `// SPDX-License-Identifier: MIT
// The page's files as bytes; generated from web/, do not edit.
#include "cli/web_files.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace walkie {
namespace {

${arrays.join("\n")}
template <std::size_t Size>
std::string_view view_of(const std::array<unsigned char, Size>& bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::span<const StaticFile> web_files() {
  static const std::array<StaticFile, ${files.length}> all = {
${entries.join("\n")}
  };
  return all;
}

}  // namespace walkie
`;
}

const [dist, out] = process.argv.slice(2);
if (dist === undefined || out === undefined) {
  console.error("usage: embed.mjs DIST OUT.cpp");
  process.exit(2);
}
const contents = await Promise.all(files.map(({ name }) => readFile(path.join(dist, name))));
await mkdir(path.dirname(path.resolve(out)), { recursive: true });
await writeFile(out, source(contents));
