// SPDX-License-Identifier: MIT
// JSON for reading: indented, coloured, every value as its sender wrote it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace walkie::cli {

struct JsonLayout {
  bool coloured = false;
  bool indented = true;  ///< Else one line, with a blank after each comma and colon.
};

/// `text` laid out, where it is one JSON object or array (RFC 8259) of at most 100 levels; nothing
/// for anything else, bare numbers and strings among them. Numbers keep their digits, objects
/// their order and duplicates. Text is harmless to a terminal.
[[nodiscard]] std::optional<std::string> lay_out_json(std::string_view text, JsonLayout layout);

}  // namespace walkie::cli
