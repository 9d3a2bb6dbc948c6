#include "table/needed_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <variant>

#include "base/try.h"
#include "log/line_chunks.h"
#include "protocol/absolute_paths.h"
#include "protocol/arena.h"
#include "protocol/deletion_vector.h"
#include "protocol/paths.h"

namespace deltalakedb::table {

namespace {

constexpr std::string_view kFileScheme = "file:";

// Folders whose links were followed and that are remembered.
constexpr std::size_t kRealFoldersMax = 64 * 1024;

// Added and not yet sorted, so that files named again and again do not pile up.
constexpr std::size_t kUnsortedMax = 4 * 1024 * 1024;

std::string RealPath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  return error ? std::string() : real.native();
}

// The part of `path` below `folder`; nullopt where it is not below it.
std::optional<std::string_view> Below(std::string_view path, std::string_view folder) {
  if (!path.starts_with(folder) || path.size() <= folder.size() + 1) return std::nullopt;
  if (path[folder.size()] != '/') return std::nullopt;
  return path.substr(folder.size() + 1);
}

// Without empty parts, `.` and `..`, as file systems take paths.
std::string Normal(std::string_view path) {
  return std::filesystem::path(path).lexically_normal().native();
}

bool IsNormal(std::string_view path) {
  return !path.starts_with("./") && !path.starts_with("../") && !path.contains("//") &&
         !path.contains("/./") && !path.contains("/../");
}

// What an action says of files.
struct NamedFile {
  std::string_view path;
  std::optional<DeletionVector> deletion_vector;
};

std::optional<NamedFile> FileOf(const protocol::Action& action) {
  if (const auto* add = std::get_if<AddFile>(&action)) {
    return NamedFile{add->path, add->deletion_vector};
  }
  if (const auto* remove = std::get_if<RemoveFile>(&action)) {
    return NamedFile{remove->path, remove->deletion_vector};
  }
  if (const auto* cdc = std::get_if<CdcFile>(&action)) return NamedFile{cdc->path, std::nullopt};
  return std::nullopt;
}

}  // namespace

NeededFiles::NeededFiles(std::string table_root) : table_root_(std::move(table_root)) {
  if (!table_root_.starts_with(kFileScheme)) return;
  folder_ = table_root_.substr(kFileScheme.size());
  real_folder_ = RealPath(folder_.empty() ? "/" : folder_);
  if (real_folder_ == "/") real_folder_.clear();
}

void NeededFiles::AddBelow(std::string_view below) {
  hashes_.push_back(protocol::HashOf(below));
  if (hashes_.size() - num_sorted_ < std::max(kUnsortedMax, num_sorted_)) return;
  std::ranges::sort(hashes_);
  const auto repeated = std::ranges::unique(hashes_);
  hashes_.erase(repeated.begin(), repeated.end());
  num_sorted_ = hashes_.size();
}

bool NeededFiles::Has(std::string_view below) {
  if (num_sorted_ < hashes_.size()) {
    std::ranges::sort(hashes_);
    num_sorted_ = hashes_.size();
  }
  return std::ranges::binary_search(hashes_, protocol::HashOf(below));
}

std::optional<std::string> NeededFiles::FindRealPath(std::string_view path) {
  if (real_folder_.empty()) return std::nullopt;
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::string folder(path.substr(0, std::max<std::size_t>(slash, 1)));
  auto known = real_folders_.find(folder);
  if (known == real_folders_.end()) {
    if (real_folders_.size() >= kRealFoldersMax) real_folders_.clear();
    std::string real = RealPath(folder);
    known = real_folders_.emplace(std::move(folder), std::move(real)).first;
  }
  if (known->second.empty()) return std::nullopt;
  std::string real = known->second;
  real += path.substr(slash);
  const auto below = Below(real, real_folder_);
  return below ? std::optional(std::string(*below)) : std::nullopt;
}

std::optional<std::string> NeededFiles::Resolve(std::string_view below) {
  if (real_folder_.empty()) return std::nullopt;
  const std::string real = RealPath(folder_ + "/" + std::string(below));
  const auto found = Below(real, real_folder_);
  return found ? std::optional(std::string(*found)) : std::nullopt;
}

std::optional<std::string> NeededFiles::FindBelow(std::string_view place) {
  const std::string root = protocol::CanonicalRootOfLocation(place);
  std::string canonical;
  if (root.starts_with(kFileScheme)) {
    canonical = root;
  } else {
    protocol::AppendCanonicalPath(place, /*table_root=*/"", canonical);
    while (canonical.ends_with('/')) canonical.pop_back();
  }
  if (canonical == table_root_) return "";
  if (const auto below = Below(canonical, table_root_)) return std::string(*below);
  if (!canonical.starts_with(kFileScheme) || real_folder_.empty()) return std::nullopt;
  const std::string path = canonical.substr(kFileScheme.size());
  if (RealPath(path) == real_folder_) return "";
  return FindRealPath(path);
}

// Every spelling under which the file may be listed: as the log has it, without what file systems
// do not count, and with links followed.
void NeededFiles::AddCanonical(std::string_view canonical) {
  AddBelow(canonical);
  std::string normal;
  if (!IsNormal(canonical)) {
    normal = Normal(canonical);
    AddBelow(normal);
    canonical = normal;
  }
  if (folder_.empty()) return;
  // Files in the folder itself need no look at it.
  const bool is_elsewhere = canonical.starts_with(kFileScheme);
  if (!is_elsewhere && !canonical.contains('/')) return;
  const std::string path = is_elsewhere ? std::string(canonical.substr(kFileScheme.size()))
                                        : folder_ + "/" + std::string(canonical);
  const auto real = FindRealPath(path);
  if (real && *real != canonical) AddBelow(*real);
}

Result<void> NeededFiles::Add(std::string_view path,
                              const std::optional<DeletionVector>& deletion_vector) {
  scratch_.clear();
  protocol::AppendCanonicalPath(path, table_root_, scratch_);
  AddCanonical(scratch_);
  // Some writers forget to encode what they name.
  if (path.contains('%')) AddBelow(path);
  if (!deletion_vector) return {};
  DELTALAKEDB_ASSIGN(const protocol::VectorPlace place,
                     protocol::ResolveDeletionVector(*deletion_vector));
  if (const auto* relative = std::get_if<protocol::RelativeVectorFile>(&place)) {
    AddCanonical(relative->path);
  } else if (const auto* absolute = std::get_if<protocol::AbsoluteVectorFile>(&place)) {
    return Add(absolute->uri, std::nullopt);
  }
  return {};
}

Result<void> NeededFiles::AddCommit(std::string text, Version version) {
  const std::size_t size = text.size();
  text.append(protocol::kLinePaddingBytes, '\0');
  log::LineChunk chunk;
  chunk.text = std::string_view(text).substr(0, size);
  protocol::Arena arena;
  Result<void> added;
  chunk.ForEachRecord([&](std::int64_t number, std::string_view line) {
    if (log::IsBlank(line)) return true;
    arena.Reset();
    const auto action = parser_.Parse(line, protocol::FileDetail::kIdentity, arena);
    if (!action) {
      added = Fail(action.error());
    } else if (const auto file = FileOf(*action)) {
      added = Add(file->path, file->deletion_vector);
    }
    if (added) return true;
    added.error().AddContext("the commit of version " + std::to_string(version.value()));
    added.error().AddFact("version", version.value());
    added.error().AddFact("line", number + 1);
    return false;
  });
  return added;
}

}  // namespace deltalakedb::table
