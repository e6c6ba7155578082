// SPDX-License-Identifier: MIT
// Files served from memory, with entity tags and conditional requests (RFC 9110 §8.8, §13).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <http/server_connection.hpp>
#include <walkie/http.hpp>

namespace walkie::http {

/// A file, ready to be sent: what every response about it says.
struct ServedFile {
  std::string path;
  std::string content_type;
  std::string_view content;
  std::string entity_tag;
  std::vector<std::pair<std::string, std::string>> fields;  ///< ETag and the like.
};

/// An immutable table of files: build it once, then any thread may look. The contents must outlive
/// it.
class StaticFiles {
 public:
  StaticFiles() = default;
  /// Of two files with one path the first counts.
  explicit StaticFiles(std::vector<StaticFile> files);

  /// The file at `path` (decoded), or null; "/" finds "/index.html". Lives as long as the table.
  [[nodiscard]] const ServedFile* find(std::string_view path) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return files_.empty(); }

 private:
  std::vector<ServedFile> files_;  ///< By path.
};

/// Answers the connection's current request with `file`: GET and HEAD with 200, or with 304 where
/// If-None-Match has its tag; any other method with 405.
void respond_file(ServerConnection& connection, const ServedFile& file, const RequestHead& head,
                  std::string_view date);

}  // namespace walkie::http
