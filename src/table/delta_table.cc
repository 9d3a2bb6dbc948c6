#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "base/try.h"
#include "deltalakedb/table.h"
#include "deltalakedb/uri.h"
#include "log/file_log.h"
#include "log/transaction_log.h"
#include "storage/file_system.h"

namespace deltalakedb {

namespace {

Result<std::string> AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) {
    return Fail(Error(ErrorCode::kIo,
                      fmt::format("cannot make {} an absolute path: {}", path, error.message()))
                    .With("file", path));
  }
  std::string text = absolute.lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

}  // namespace

DeltaTable::DeltaTable(std::unique_ptr<TransactionLog> log) : log_(std::move(log)) {}
DeltaTable::DeltaTable(DeltaTable&&) noexcept = default;
DeltaTable& DeltaTable::operator=(DeltaTable&&) noexcept = default;
DeltaTable::~DeltaTable() = default;

Result<DeltaTable> DeltaTable::Open(std::string_view uri, const OpenOptions& options) {
  DELTALAKEDB_ASSIGN(const Uri parsed, Uri::Parse(uri));
  LogSink& sink = options.log_sink == nullptr ? NullLogSink() : *options.log_sink;
  if (const FileParts* file = parsed.file()) {
    DELTALAKEDB_ASSIGN(std::string path, AbsolutePath(file->path));
    DELTALAKEDB_ASSIGN(auto log,
                       log::FileLog::Open(storage::LocalFileSystem(), std::move(path), sink));
    return DeltaTable(std::move(log));
  }
  DELTALAKEDB_TRY(parsed.RequireTable());
  return Fail(ErrorCode::kUnsupported,
              fmt::format("{}: this version of the program reads tables on the local disk only",
                          parsed.ToString()));
}

Result<Version> DeltaTable::LoadLatestVersion() const { return log_->LoadLatestVersion(); }

Result<std::shared_ptr<const Snapshot>> DeltaTable::LoadSnapshot(TableVersion which) const {
  return log_->LoadSnapshot(which);
}

Result<std::vector<HistoryEntry>> DeltaTable::LoadHistory(const HistoryOptions& options) const {
  return log_->LoadHistory(options);
}

}  // namespace deltalakedb
