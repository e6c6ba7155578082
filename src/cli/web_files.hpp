// SPDX-License-Identifier: MIT
// The web page, compiled in: what `walkie serve` serves at "/".
#pragma once

#include <span>

#include <walkie/http.hpp>

namespace walkie {

/// The page's files: "/index.html" (also "/"), "/app.js", "/app.css", "/favicon.svg".
///
/// Contents live as long as the program. Any thread. Defined in a source that
/// cmake/embed_web.cmake generates from web/.
[[nodiscard]] std::span<const StaticFile> web_files();

}  // namespace walkie
