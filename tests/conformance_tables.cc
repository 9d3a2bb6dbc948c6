#include "tests/conformance_tables.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "base/try.h"

namespace deltalakedb::testing {
namespace {

using nlohmann::json;

// The exit status by which tools/conformance_tables.py says that there are no tables here.
constexpr int kStatusSkipped = 77;

std::optional<std::string> FindFolder() {
  const std::string command =
      DELTALAKEDB_PYTHON " " DELTALAKEDB_SOURCE_DIR "/tools/conformance_tables.py";
  // NOLINTNEXTLINE(bugprone-command-processor): nothing in it comes from outside.
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << "cannot run " << command;
    return std::nullopt;
  }
  std::string folder;
  std::array<char, 4096> buffer;
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) folder += buffer.data();
  const int status = pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kStatusSkipped) return std::nullopt;
  if (status != 0) {
    ADD_FAILURE() << command << " failed";
    return std::nullopt;
  }
  while (folder.ends_with('\n')) folder.pop_back();
  return folder;
}

std::string Sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  EXPECT_EQ(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr), 1);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// As TRUTH.md says it, and on its own: the library's idea of a path is what is being tested.
std::string CanonicalPath(std::string_view path) {
  std::string decoded;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool escape = path[i] == '%' && i + 2 < path.size() && HexValue(path[i + 1]) >= 0 &&
                        HexValue(path[i + 2]) >= 0;
    if (escape) {
      decoded += static_cast<char>(HexValue(path[i + 1]) * 16 + HexValue(path[i + 2]));
      i += 2;
    } else {
      decoded += path[i];
    }
  }
  if (decoded.starts_with("file:///")) return "file:" + decoded.substr(7);
  return decoded.starts_with('/') ? "file:" + decoded : decoded;
}

std::string DeletionVectorText(const std::optional<DeletionVector>& vector) {
  if (!vector) return "";
  std::string text(vector->storage_type);
  text += vector->path_or_inline_dv;
  if (vector->offset) text += "@" + std::to_string(*vector->offset);
  return text;
}

// Feature lists are sets, and the truth has them sorted.
json FeatureSet(const std::optional<std::vector<std::string>>& features) {
  return features ? json(std::set<std::string>(features->begin(), features->end())) : json();
}

// One line of each hash, with what orders them.
struct FileLine {
  std::string path;
  std::string dv;
  std::string full;
};

FileLine MakeLine(const AddFile& add) {
  FileLine line{CanonicalPath(add.path), DeletionVectorText(add.deletion_vector), ""};
  json values = json::object();
  for (const StringMapEntry& entry : add.partition_values) {
    const bool nothing = !entry.value || entry.value->empty();
    values[std::string(entry.key)] = nothing ? json() : json(*entry.value);
  }
  line.full = json::array({line.path, line.dv, add.size, add.modification_time, values}).dump();
  return line;
}

std::int64_t RecordsOf(const AddFile& add, bool& known) {
  known = false;
  if (!add.stats) return 0;
  const json stats = json::parse(*add.stats, nullptr, false);
  if (!stats.is_object() || !stats.contains("numRecords")) return 0;
  if (!stats["numRecords"].is_number_integer()) return 0;
  known = true;
  return stats["numRecords"];
}

struct Totals {
  std::int64_t files = 0, size = 0, with_dv = 0, dv_cardinality = 0, with_row_id = 0;
  std::int64_t records = 0, with_records = 0;
  std::vector<FileLine> lines;

  void Add(const AddFile& add) {
    ++files;
    size += add.size;
    if (add.deletion_vector) {
      ++with_dv;
      dv_cardinality += add.deletion_vector->cardinality;
    }
    if (add.base_row_id) ++with_row_id;
    bool known = false;
    records += RecordsOf(add, known);
    if (known) ++with_records;
    lines.push_back(MakeLine(add));
  }
};

void DescribeFiles(Totals totals, json& out) {
  std::ranges::sort(totals.lines, {}, [](const FileLine& line) {
    return std::pair<std::string_view, std::string_view>(line.path, line.dv);
  });
  std::string identities, full;
  for (const FileLine& line : totals.lines) {
    identities.append(line.path).append("\t").append(line.dv).append("\n");
    full.append(line.full).append("\n");
  }
  out["num_files"] = totals.files;
  out["total_size"] = totals.size;
  out["files_hash"] = Sha256(identities);
  out["files_full_hash"] = Sha256(full);
  out["num_records"] = totals.records;
  out["files_with_num_records"] = totals.with_records;
  out["files_with_dv"] = totals.with_dv;
  out["dv_cardinality"] = totals.dv_cardinality;
  out["files_with_base_row_id"] = totals.with_row_id;
}

void DescribeState(const Snapshot& snapshot, json& out) {
  const Protocol& protocol = snapshot.protocol();
  out["min_reader_version"] = protocol.min_reader_version;
  out["min_writer_version"] = protocol.min_writer_version;
  out["reader_features"] = FeatureSet(protocol.reader_features);
  out["writer_features"] = FeatureSet(protocol.writer_features);
  const Metadata& metadata = snapshot.metadata();
  out["metadata_id"] = metadata.id ? json(*metadata.id) : json();
  out["name"] = metadata.name ? json(*metadata.name) : json();
  out["partition_columns"] = metadata.partition_columns;
  out["schema_sha256"] = Sha256(metadata.schema_string.value_or(""));
  out["configuration"] = metadata.configuration;
  out["app_txns"] = json::object();
  for (const auto& [app_id, transaction] : snapshot.app_transactions()) {
    out["app_txns"][app_id] = transaction.version;
  }
  out["domains"] = snapshot.domain_metadata();
}

}  // namespace

bool AskedForSample() {
  const char* const sample = std::getenv("DELTALAKEDB_SAMPLE");
  return sample != nullptr && std::string_view(sample) == "1";
}

std::optional<std::vector<ConformanceTable>> LoadConformanceTables() {
  const std::optional<std::string> folder = FindFolder();
  if (!folder) return std::nullopt;
  std::vector<ConformanceTable> tables;
  for (const auto& file : std::filesystem::directory_iterator(*folder + "/truth")) {
    json truth = json::parse(std::ifstream(file.path()));
    const std::string name = truth["table"];
    tables.push_back({name, std::filesystem::path(*folder) / "tables" / name, std::move(truth)});
  }
  std::ranges::sort(tables, {}, &ConformanceTable::name);
  EXPECT_FALSE(tables.empty()) << *folder;
  return tables;
}

Result<json> DescribeSnapshot(const Snapshot& snapshot) {
  DELTALAKEDB_ASSIGN(const auto files, snapshot.OpenFiles({}));
  Totals totals;
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, files->Next());
    if (!batch) break;
    for (const AddFile& add : batch->files()) totals.Add(add);
  }
  json out;
  DescribeFiles(std::move(totals), out);
  DescribeState(snapshot, out);
  return out;
}

Result<json> DescribeVersion(const std::string& uri, TableVersion which,
                             std::optional<Version>* version) {
  DELTALAKEDB_ASSIGN(const DeltaTable table, DeltaTable::Open(uri));
  DELTALAKEDB_ASSIGN(const auto snapshot, table.LoadSnapshot(which));
  if (version != nullptr) *version = snapshot->version();
  DELTALAKEDB_ASSIGN(const FileTotals totals, snapshot->LoadTotals());
  auto described = DescribeSnapshot(*snapshot);
  if (described) {
    EXPECT_EQ(totals.num_files, (*described)["num_files"]);
    EXPECT_EQ(totals.size_in_bytes, (*described)["total_size"]);
  }
  return described;
}

const std::set<std::string>& FieldsAboutTheReplay() {
  static const std::set<std::string> fields{"base_checkpoint", "base_kind", "sidecars",
                                            "problems",        "ambiguous", "commit"};
  return fields;
}

void ExpectMatches(const json& truth, const json& actual, const std::set<std::string>& except) {
  for (const auto& [field, expected] : truth.items()) {
    if (FieldsAboutTheReplay().contains(field) || except.contains(field)) continue;
    ASSERT_TRUE(actual.contains(field)) << field;
    EXPECT_EQ(expected, actual[field]) << field;
  }
}

ErrorCode RefusalCode(const std::string& why) {
  if (why.starts_with("not-a-table")) return ErrorCode::kNotFound;
  if (why.starts_with("catalog-managed") || why.starts_with("unknown-reader")) {
    return ErrorCode::kUnsupported;
  }
  return ErrorCode::kCorrupt;
}

std::string ErrorText(const Error& error) {
  return std::string(ErrorCodeName(error.code())) + ": " + error.message();
}

}  // namespace deltalakedb::testing
