// SPDX-License-Identifier: MIT
// Files served from memory.
#include <http/static_files.hpp>

#include <algorithm>

#include <http/response.hpp>

namespace walkie::http {
namespace {

ServedFile served(StaticFile file) {
  ServedFile ready{.path = std::move(file.path),
                   .content_type = std::move(file.content_type),
                   .content = file.content,
                   .entity_tag = entity_tag(file.content),
                   .fields = {}};
  if (ready.content_type.empty()) ready.content_type = content_type_of(ready.path);
  // no-cache means: keep it, but ask each time. With an ETag that costs one 304.
  ready.fields = {{"ETag", ready.entity_tag},
                  {"Cache-Control", "no-cache"},
                  {"X-Content-Type-Options", "nosniff"}};
  return ready;
}

}  // namespace

StaticFiles::StaticFiles(std::vector<StaticFile> files) {
  files_.reserve(files.size());
  for (StaticFile& file : files) {
    const auto place = std::ranges::upper_bound(files_, file.path, {}, &ServedFile::path);
    files_.insert(place, served(std::move(file)));
  }
}

const ServedFile* StaticFiles::find(std::string_view path) const noexcept {
  const std::string_view wanted = path == "/" ? "/index.html" : path;
  const auto by_path = [](const ServedFile& file) { return std::string_view{file.path}; };
  const auto found = std::ranges::lower_bound(files_, wanted, {}, by_path);
  return found != files_.end() && found->path == wanted ? &*found : nullptr;
}

void respond_file(ServerConnection& connection, const ServedFile& file, const RequestHead& head,
                  std::string_view date) {
  if (head.method != "GET" && head.method != "HEAD") {
    static constexpr std::string_view kText = "405 Method Not Allowed\n";
    const std::pair<std::string, std::string> allow{"Allow", "GET, HEAD"};
    connection.respond(405, "text/plain; charset=utf-8", bytes_of(kText), {&allow, 1}, date);
    return;
  }
  const int status = none_match(head.fields, file.entity_tag) ? 304 : 200;
  connection.respond(status, file.content_type, bytes_of(file.content), file.fields, date);
}

}  // namespace walkie::http
