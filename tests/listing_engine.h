// An engine of one's own, as docs/mirror.md shows it: a text file with the path of each live file.
#pragma once

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "deltalakedb/mirror_engine.h"

class ListingEngine final : public deltalakedb::MirrorEngine {
 public:
  std::string_view name() const override { return "listing"; }

  deltalakedb::Result<std::string> FindPlace(const std::string& location,
                                             const std::optional<std::string>& to) const override {
    return to.value_or(location + "/_files.txt");
  }

  deltalakedb::Result<void> Publish(const deltalakedb::MirrorSource& source,
                                    const deltalakedb::MirrorPlace& place,
                                    const deltalakedb::MirrorProgress& progress,
                                    const Note& note) const override {
    const deltalakedb::Version version = source.versions().last;
    if (progress.published == version) return {};
    auto text = Text(source, version);
    if (!text) return std::unexpected(text.error());
    // Whole under another name first: a reader finds the one or the other.
    const std::string draft = place.place + ".new";
    std::ofstream file(draft, std::ios::binary);
    file << *text;
    file.close();
    if (!file || std::rename(draft.c_str(), place.place.c_str()) != 0) {
      return std::unexpected(
          deltalakedb::Error(deltalakedb::ErrorCode::kIo,
                             place.place + ": " + std::generic_category().message(errno)));
    }
    return note({.published = version, .checkpoint = std::nullopt});
  }

  deltalakedb::Result<std::vector<deltalakedb::Difference>> Verify(
      const deltalakedb::MirrorSource& source, const deltalakedb::MirrorPlace& place,
      const deltalakedb::MirrorProgress& progress) const override {
    if (!progress.published) return std::vector<deltalakedb::Difference>();
    auto text = Text(source, *progress.published);
    if (!text) return std::unexpected(text.error());
    std::ifstream file(place.place, std::ios::binary);
    const std::string found{std::istreambuf_iterator<char>(file), {}};
    if (found == *text) return std::vector<deltalakedb::Difference>();
    return std::vector<deltalakedb::Difference>{
        {"mirror", progress.published, place.place + " lists other files"}};
  }

 private:
  static deltalakedb::Result<std::string> Text(const deltalakedb::MirrorSource& source,
                                               deltalakedb::Version version) {
    auto snapshot = source.LoadSnapshot(version);
    if (!snapshot) return std::unexpected(snapshot.error());
    auto files = (*snapshot)->OpenFiles({.order = deltalakedb::FileOrder::kByPath});
    if (!files) return std::unexpected(files.error());
    std::string text;
    for (;;) {
      auto batch = (*files)->Next();
      if (!batch) return std::unexpected(batch.error());
      if (!*batch) return text;
      for (const deltalakedb::AddFile& add : (*batch)->files()) {
        text.append(add.path).append("\n");
      }
    }
  }
};
