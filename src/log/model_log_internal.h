// A table as a plain list of actions, replayed in the simplest way, and written as a log into
// memory: what FileLog has to agree with. For tests.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deltalakedb/snapshot.h"
#include "log/file_log.h"
#include "protocol/paths.h"
#include "storage/memory_file_system.h"

namespace deltalakedb::log::testing_log {

inline constexpr const char* kTable = "/data/my table";
inline const std::string kFolder = std::string(kTable) + "/_delta_log";

// Remembers what is written to it.
class ListSink final : public LogSink {
 public:
  void Write(LogLevel level, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    if (level == LogLevel::kWarning) warnings_.emplace_back(message);
  }
  std::vector<std::string> warnings() const {
    const std::lock_guard lock(mutex_);
    return warnings_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> warnings_;
};

// ---- lines of a log -----------------------------------------------------------------------------

inline std::string ProtocolLine(int reader = 1, int writer = 2) {
  return fmt::format(R"({{"protocol":{{"minReaderVersion":{},"minWriterVersion":{}}}}})", reader,
                     writer);
}

// `configuration` is the inside of a JSON object.
inline std::string MetadataLine(const std::string& configuration = "") {
  return R"({"metaData":{"id":"t","format":{"provider":"parquet","options":{}},"schemaString":)"
         R"("{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{)" +
         configuration + "}}}";
}

inline std::string VectorField(const std::string& vector) {
  if (vector.empty()) return "";
  return fmt::format(
      R"(,"deletionVector":{{"storageType":"u","pathOrInlineDv":"{}","offset":1,"sizeInBytes":2,)"
      R"("cardinality":3}})",
      vector);
}

inline std::string AddLine(const std::string& path, std::int64_t size = 1,
                           const std::string& vector = "") {
  return fmt::format(
      R"({{"add":{{"path":"{}","partitionValues":{{}},"size":{},"modificationTime":1,)"
      R"("dataChange":true,"stats":"{{}}"{}}}}})",
      path, size, VectorField(vector));
}

inline std::string RemoveLine(const std::string& path, const std::string& vector = "") {
  return fmt::format(R"({{"remove":{{"path":"{}","deletionTimestamp":1,"dataChange":true{}}}}})",
                     path, VectorField(vector));
}

inline std::string CommitInfoLine(const std::string& fields = "") {
  return R"({"commitInfo":{"operation":"WRITE")" + (fields.empty() ? "" : "," + fields) + "}}";
}

inline std::string TxnLine(const std::string& app, std::int64_t version) {
  return fmt::format(R"({{"txn":{{"appId":"{}","version":{}}}}})", app, version);
}

inline std::string DomainLine(const std::string& domain, const std::string& text, bool removed) {
  return fmt::format(R"({{"domainMetadata":{{"domain":"{}","configuration":"{}","removed":{}}}}})",
                     domain, text, removed);
}

inline std::string Lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// ---- names --------------------------------------------------------------------------------------

inline std::string CommitPath(std::int64_t version) {
  return kFolder + "/" + CommitName(Version(version));
}
inline std::string CheckpointPath(std::int64_t version, const std::string& rest = ".uuid.json") {
  return fmt::format("{}/{:020}.checkpoint{}", kFolder, version, rest);
}
inline std::string CompactionPath(std::int64_t first, std::int64_t last) {
  return fmt::format("{}/{:020}.{:020}.compacted.json", kFolder, first, last);
}

// ---- the model ----------------------------------------------------------------------------------

// A file's identity: its path decoded and relative, and its deletion vector.
using FileId = std::pair<std::string, std::string>;

// What one commit, or several as one, do to the state; later ones win.
struct Changes {
  std::string metadata_key;  // the value of one table property; empty: no metadata
  std::optional<int> writer_version;
  std::map<FileId, std::optional<std::string>> files;  // the line of an add; none for a remove
  std::map<FileId, std::string> removes;               // the line of a remove
  std::map<FileId, std::int64_t> sizes;
  std::map<std::string, std::int64_t> transactions;
  std::map<std::string, std::optional<std::string>> domains;  // none: removed

  void Apply(const Changes& later) {
    if (!later.metadata_key.empty()) metadata_key = later.metadata_key;
    if (later.writer_version) writer_version = later.writer_version;
    for (const auto& [id, line] : later.files) files[id] = line;
    for (const auto& [id, line] : later.removes) removes[id] = line;
    for (const auto& [id, size] : later.sizes) sizes[id] = size;
    for (const auto& [app, version] : later.transactions) transactions[app] = version;
    for (const auto& [domain, text] : later.domains) domains[domain] = text;
  }

  // The lines of all that, as a commit or compaction has them, or (for `is_checkpoint`) without
  // what is no more.
  std::vector<std::string> ToLines(bool is_checkpoint) const {
    std::vector<std::string> lines;
    if (writer_version) lines.push_back(ProtocolLine(1, *writer_version));
    if (!metadata_key.empty()) {
      lines.push_back(MetadataLine(R"("key":")" + metadata_key + "\""));
    }
    for (const auto& [id, line] : files) lines.push_back(line ? *line : removes.at(id));
    for (const auto& [app, version] : transactions) lines.push_back(TxnLine(app, version));
    for (const auto& [domain, text] : domains) {
      if (text || !is_checkpoint) lines.push_back(DomainLine(domain, text.value_or("old"), !text));
    }
    return lines;
  }

  // What a snapshot shows, one line per fact.
  std::vector<std::string> Describe() const {
    std::vector<std::string> facts = {"key " + metadata_key,
                                      fmt::format("writer {}", writer_version.value_or(-1))};
    for (const auto& [id, line] : files) {
      if (line) facts.push_back(fmt::format("file {}|{}|{}", id.first, id.second, sizes.at(id)));
    }
    for (const auto& [app, version] : transactions) {
      facts.push_back(fmt::format("txn {} {}", app, version));
    }
    for (const auto& [domain, text] : domains) {
      if (text) facts.push_back(fmt::format("domain {} {}", domain, *text));
    }
    std::ranges::sort(facts);
    return facts;
  }
};

inline constexpr std::uint32_t kSeeds = 60;
inline constexpr std::uint32_t kSoakSeeds = 5'000;

// The seeds to try: the one that DELTALAKEDB_SEED brings back, many more with DELTALAKEDB_SOAK=1;
// only each `stride`-th where one takes long.
inline std::vector<std::uint32_t> Seeds(std::uint32_t stride = 1) {
  if (const char* const given = std::getenv("DELTALAKEDB_SEED")) {
    return {static_cast<std::uint32_t>(std::stoul(given))};
  }
  const char* const soak = std::getenv("DELTALAKEDB_SOAK");
  const bool is_soak = soak != nullptr && std::string_view(soak) == "1";
  std::vector<std::uint32_t> seeds;
  for (std::uint32_t seed = 0; seed < (is_soak ? kSoakSeeds : kSeeds); seed += stride) {
    seeds.push_back(seed);
  }
  return seeds;
}

// Random commits, and the log of them.
class ModelLog {
 public:
  explicit ModelLog(std::uint32_t seed) : random_(seed) {}

  std::int64_t latest() const { return static_cast<std::int64_t>(commits_.size()) - 1; }

  // The state at a version.
  Changes StateAt(std::int64_t version) const { return Range(0, version); }
  // What the versions first..last do together.
  Changes Range(std::int64_t first, std::int64_t last) const {
    Changes changes;
    for (std::int64_t v = first; v <= last; ++v)
      changes.Apply(commits_[static_cast<std::size_t>(v)]);
    return changes;
  }

  // Adds a commit of a few random actions and writes its file.
  void Commit(storage::MemoryFileSystem& files) {
    Changes changes;
    if (commits_.empty()) {
      changes.writer_version = 2;
      changes.metadata_key = "0";
    }
    const Changes before = commits_.empty() ? Changes() : StateAt(latest());
    for (auto actions = Below(6); actions > 0; --actions) Act(before, changes);
    std::vector<std::string> lines = changes.ToLines(/*is_checkpoint=*/false);
    std::ranges::shuffle(lines, random_);
    if (Below(2) == 0) lines.insert(lines.begin(), CommitInfoLine());
    if (Below(5) == 0) lines.emplace_back(R"({"futureAction":{"x":[1,{"add":null}]}})");
    if (Below(5) == 0) lines.emplace_back(R"({"cdc":{"path":"c","size":1,"dataChange":false}})");
    std::string text;
    for (const std::string& line : lines) {
      text += line + (Below(8) == 0 ? "\r\n" : "\n") + (Below(12) == 0 ? "\n" : "");
    }
    if (!text.empty() && Below(4) == 0) text.pop_back();
    commits_.push_back(std::move(changes));
    files.Write(CommitPath(latest()), text, Timestamp(1000 + latest() * 10));
  }

  void Checkpoint(storage::MemoryFileSystem& files, std::int64_t version) {
    std::vector<std::string> lines = StateAt(version).ToLines(/*is_checkpoint=*/true);
    lines.push_back(fmt::format(R"({{"checkpointMetadata":{{"version":{}}}}})", version));
    std::ranges::shuffle(lines, random_);
    files.Write(CheckpointPath(version), Lines(lines), Timestamp(1001 + version * 10));
  }

  void Compact(storage::MemoryFileSystem& files, std::int64_t first, std::int64_t last) {
    files.Write(CompactionPath(first, last), Lines(Range(first, last).ToLines(false)));
  }

  std::int64_t Below(std::int64_t bound) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint32_t>(bound));
  }

 private:
  // Some of a few paths, whose names have to be encoded or look as if they were.
  std::string AnyPath() {
    constexpr auto kNames = std::to_array<std::string_view>(
        {"a", "b c", "100%", "d%20e", "p=1/x", "ü/y", "#h", "z+z", "p=1/%2F"});
    return std::string(kNames.at(static_cast<std::size_t>(Below(std::ssize(kNames)))));
  }

  // One of the texts that name a file.
  std::string Spell(const std::string& path) {
    std::string encoded;
    for (const char c : path) {
      const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                            std::string_view("/=-_.+").contains(c);
      encoded += is_plain && Below(5) != 0 ? std::string(1, c)
                                           : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    switch (Below(5)) {
      case 0:
        return "/data/my%20table/" + encoded;
      case 1:
        return "file:///data/my%20table/" + encoded;
      case 2:
        return "file:/data/my table/" + encoded;
      default:
        return encoded;
    }
  }

  void Add(const FileId& id, Changes& changes) {
    changes.sizes[id] = Below(1000);
    changes.files[id] = AddLine(Spell(id.first), changes.sizes[id], id.second);
  }

  void Remove(const FileId& id, Changes& changes) {
    changes.files[id] = std::nullopt;
    changes.removes[id] = RemoveLine(Spell(id.first), id.second);
  }

  // One action that a writer might do, on files that this commit has not touched yet.
  void Act(const Changes& before, Changes& changes) {
    const auto is_touched = [&](const std::string& path) {
      return std::ranges::any_of(changes.files,
                                 [&](const auto& file) { return file.first.first == path; });
    };
    std::vector<FileId> live;
    for (const auto& [id, line] : before.files) {
      if (line && !is_touched(id.first)) live.push_back(id);
    }
    const auto any_live = [&] { return live[static_cast<std::size_t>(Below(std::ssize(live)))]; };
    switch (Below(10)) {
      case 0:
        changes.transactions["app" + std::to_string(Below(3))] = Below(100) - 50;
        break;
      case 1:
        changes.domains["domain" + std::to_string(Below(3))] =
            Below(2) == 0 ? std::nullopt : std::optional("text" + std::to_string(Below(9)));
        break;
      case 2:
        changes.metadata_key = std::to_string(Below(100));
        break;
      case 3:
        changes.writer_version = static_cast<int>(2 + Below(4));
        break;
      case 4:
      case 5:
        if (!live.empty()) Remove(any_live(), changes);
        break;
      case 6:
        // Another deletion vector for a file: two identities of one path.
        if (!live.empty()) {
          const FileId id = any_live();
          Remove(id, changes);
          Add({id.first, "dv" + std::to_string(Below(4)) + (id.second.empty() ? "x" : "y")},
              changes);
        }
        break;
      default: {
        const std::string path = AnyPath();
        const auto existing =
            std::ranges::find_if(live, [&](const FileId& id) { return id.first == path; });
        if (existing != live.end()) {
          Add(*existing, changes);  // again, with other numbers
        } else if (!is_touched(path)) {
          Add({path, ""}, changes);
        }
      }
    }
  }

  std::mt19937 random_;
  std::vector<Changes> commits_;
};

// ---- what FileLog says --------------------------------------------------------------------------

// All files of a stream, as Changes describes them.
inline Result<std::vector<std::string>> DescribeFiles(const Snapshot& snapshot, FileOrder order) {
  auto stream = snapshot.OpenFiles({.order = order, .with_stats = order == FileOrder::kByPath});
  if (!stream) return Fail(stream.error());
  std::vector<std::string> facts;
  std::string last_path;
  for (;;) {
    auto batch = (*stream)->Next();
    if (!batch) return Fail(batch.error());
    if (!*batch) return facts;
    for (const AddFile& add : (*batch)->files()) {
      if (order == FileOrder::kByPath && add.path < last_path) facts.emplace_back("out of order");
      last_path = add.path;
      std::string path;
      protocol::AppendCanonicalPath(add.path, protocol::CanonicalRoot(kTable), path);
      facts.push_back(fmt::format("file {}|{}|{}", path,
                                  add.deletion_vector ? add.deletion_vector->path_or_inline_dv : "",
                                  add.size));
    }
  }
}

// The same of a whole snapshot; its files are read in both orders and counted.
inline Result<std::vector<std::string>> Describe(const Snapshot& snapshot) {
  const auto key = snapshot.metadata().configuration.find("key");
  std::vector<std::string> facts = {
      "key " + (key == snapshot.metadata().configuration.end() ? "none" : key->second),
      fmt::format("writer {}", snapshot.protocol().min_writer_version)};
  for (const auto& [app, transaction] : snapshot.app_transactions()) {
    facts.push_back(fmt::format("txn {} {}", app, transaction.version));
  }
  for (const auto& [domain, text] : snapshot.domain_metadata()) {
    facts.push_back(fmt::format("domain {} {}", domain, text));
  }
  auto files = DescribeFiles(snapshot, FileOrder::kByPath);
  auto unordered = DescribeFiles(snapshot, FileOrder::kNone);
  const auto totals = snapshot.LoadTotals();
  if (!files) return Fail(files.error());
  if (!unordered) return Fail(unordered.error());
  if (!totals) return Fail(totals.error());
  std::ranges::sort(*files);
  std::ranges::sort(*unordered);
  if (*files != *unordered) facts.emplace_back("the order of files changes which there are");
  std::int64_t size = 0;
  for (const std::string& file : *files) size += std::stoll(file.substr(file.rfind('|') + 1));
  if (totals->num_files != std::ssize(*files) || totals->size_in_bytes != size) {
    facts.push_back(fmt::format("totals {} {}", totals->num_files, totals->size_in_bytes));
  }
  facts.insert(facts.end(), files->begin(), files->end());
  std::ranges::sort(facts);
  return facts;
}

}  // namespace deltalakedb::log::testing_log
