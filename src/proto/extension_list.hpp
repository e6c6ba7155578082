// SPDX-License-Identifier: MIT
// Sec-WebSocket-Extensions: what it says, before anybody asks what it means (RFC 6455 §9.1).
//
//   extension-list = 1#( token *( ";" token [ "=" ( token | quoted-string ) ] ) )
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <base/header_field.hpp>

namespace walkie::proto {

struct ExtensionParameter {
  std::string_view name;
  std::optional<std::string> value;  ///< Without quotes and backslashes.
};

/// One element of the list. The names live as long as the fields.
struct Extension {
  std::string_view name;
  std::vector<ExtensionParameter> parameters;
};

/// The extensions that all Sec-WebSocket-Extensions fields list, in their order, or nothing where
/// one does not follow the grammar; quoted values must be tokens once unquoted. No fields: an empty
/// list. Empty elements and spaces between the parts are passed over, as RFC 2616 §2.1 has it.
[[nodiscard]] std::optional<std::vector<Extension>> parse_extensions(
    std::span<const HeaderField> fields);

}  // namespace walkie::proto
