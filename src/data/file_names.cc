#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include "data/file_names_internal.h"
#include "deltalakedb/ids.h"
#include "protocol/number_text.h"
#include "protocol/partition_path.h"

namespace deltalakedb::data {

namespace {

// delta.randomPrefixLength where it is not set, and what is made of one that is out of bounds.
constexpr std::size_t kRandomLengthDefault = 2;
constexpr std::size_t kRandomLengthMax = 64;
// What file systems take as the name of a folder. Unit: bytes.
constexpr std::size_t kFolderNameBytesMax = 255;

const std::string* FindProperty(const Metadata& metadata, std::string_view name) {
  const auto found = metadata.configuration.find(std::string(name));
  return found == metadata.configuration.end() ? nullptr : &found->second;
}

bool IsTrue(const std::string* text) {
  return text != nullptr && std::ranges::equal(*text, std::string_view("true"), {}, [](char c) {
           return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
         });
}

std::string RandomName(std::size_t length) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  thread_local std::minstd_rand random(std::random_device{}());
  std::uniform_int_distribution<std::size_t> any(0, kLetters.size() - 1);
  std::string name;
  for (std::size_t i = 0; i < length; ++i) name += kLetters[any(random)];
  return name;
}

bool HasLongName(std::string_view path) {
  for (;;) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (slash > kFolderNameBytesMax) return true;
    if (slash == path.size()) return false;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

FileNames::FileNames(const Metadata& metadata, std::shared_ptr<const TableShape> shape,
                     std::string folder, std::string suffix)
    : shape_(std::move(shape)),
      folder_(std::move(folder)),
      suffix_(std::move(suffix)),
      has_random_folders_(shape_->mapping() != ColumnMapping::kNone ||
                          IsTrue(FindProperty(metadata, "delta.randomizeFilePrefixes"))),
      random_length_(kRandomLengthDefault) {
  if (const auto* const text = FindProperty(metadata, "delta.randomPrefixLength")) {
    const auto length = protocol::ParseInt(*text);
    if (length && *length > 0) {
      random_length_ = std::min(static_cast<std::size_t>(*length), kRandomLengthMax);
    }
  }
}

std::string FileNames::FolderOf(const PartitionKey& partition) const {
  if (has_random_folders_) return RandomName(random_length_);
  std::vector<protocol::PartitionText> texts;
  for (std::size_t i = 0; i < partition.size(); ++i) {
    const auto position = static_cast<std::size_t>(shape_->partition_columns()[i]);
    texts.push_back({shape_->columns()[position].physical_name, partition[i]});
  }
  std::string path = protocol::PartitionDirectory(texts);
  // What a file's values are is told by its action: the folder is for people.
  return HasLongName(path) ? RandomName(random_length_) : path;
}

std::string FileNames::Next(const PartitionKey& partition) {
  std::string path = folder_;
  const std::string folder = FolderOf(partition);
  if (!path.empty() && !folder.empty()) path += '/';
  path += folder;
  if (!path.empty()) path += '/';
  return path + fmt::format("part-{:05}-{}-c000{}", next_number_++,
                            TableId::MakeRandom().ToString(), suffix_);
}

}  // namespace deltalakedb::data
