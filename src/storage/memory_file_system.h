// Files in memory whose operations can be made to fail: the file system of tests.
//
// Thread-safety: all members may be called from several threads at once. What was opened stays as
// it was when its name is written again or removed, as on a POSIX disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "storage/file_system.h"

namespace deltalakedb::storage {

enum class FileOperation { kList, kOpen, kRead, kPut, kRemove };

class MemoryFileSystem final : public FileSystem {
 public:
  // Called before each operation with its kind and path; what it answers is the operation's error.
  using Fault = std::function<std::optional<Error>(FileOperation, const std::string& path)>;

  void Write(const std::string& path, std::string content, Timestamp modified = Timestamp(0)) {
    const std::lock_guard lock(state_->mutex);
    files_[path] = {std::make_shared<const std::string>(std::move(content)), modified};
  }
  // As if somebody else had removed it.
  void Drop(const std::string& path) {
    const std::lock_guard lock(state_->mutex);
    files_.erase(path);
  }
  // The content of a file that is there.
  std::string Content(const std::string& path) const {
    const std::lock_guard lock(state_->mutex);
    return *files_.at(path).content;
  }
  void SetFault(Fault fault) {
    const std::lock_guard lock(state_->mutex);
    state_->fault = std::move(fault);
  }
  // Has files pass for those of a server: they are read in large pieces, and ahead.
  void SetRemote() { is_remote_ = true; }
  // How many operations of this kind there were.
  std::size_t Count(FileOperation operation) const {
    const std::lock_guard lock(state_->mutex);
    return state_->counts[operation];
  }

  Result<std::vector<FileInfo>> List(const std::string& folder) const override {
    if (auto error = state_->Begin(FileOperation::kList, folder)) return Fail(*std::move(error));
    const std::lock_guard lock(state_->mutex);
    std::vector<FileInfo> found;
    bool is_there = false;
    for (const auto& [path, file] : files_) {
      if (!path.starts_with(folder + "/")) continue;
      is_there = true;
      std::string name = path.substr(folder.size() + 1);
      if (name.find('/') != std::string::npos) continue;
      found.push_back({.name = std::move(name),
                       .size_bytes = static_cast<std::int64_t>(file.content->size()),
                       .modified = file.modified});
    }
    if (!is_there) return Fail(ErrorCode::kNotFound, "no folder " + folder);
    return found;
  }

  Result<void> ListTree(const std::string& folder, const TreeVisitor& visitor) const override {
    if (auto error = state_->Begin(FileOperation::kList, folder)) return Fail(*std::move(error));
    std::vector<TreeFile> found;
    bool is_there = false;
    {
      const std::lock_guard lock(state_->mutex);
      for (const auto& [path, file] : files_) {
        if (!path.starts_with(folder + "/")) continue;
        is_there = true;
        std::string name = path.substr(folder.size() + 1);
        bool is_entered = true;
        for (std::size_t at = name.find('/'); at != std::string::npos && is_entered;
             at = name.find('/', at + 1)) {
          is_entered = visitor.enters(std::string_view(name).substr(0, at));
        }
        if (!is_entered) continue;
        found.push_back({.path = std::move(name),
                         .size_bytes = static_cast<std::int64_t>(file.content->size()),
                         .modified = file.modified,
                         .is_link = false});
      }
    }
    if (!is_there) return Fail(ErrorCode::kNotFound, "no folder " + folder);
    for (TreeFile& file : found) {
      if (auto visited = visitor.visit(std::move(file)); !visited) return visited;
    }
    return {};
  }

  Result<std::shared_ptr<const InputFile>> Open(const std::string& path) const override {
    if (auto error = state_->Begin(FileOperation::kOpen, path)) return Fail(*std::move(error));
    const std::lock_guard lock(state_->mutex);
    const auto file = files_.find(path);
    if (file == files_.end()) return Fail(ErrorCode::kNotFound, "no file " + path);
    return std::make_shared<OpenFile>(path, file->second.content, state_, is_remote_);
  }
  std::size_t reads_ahead() const override { return is_remote_ ? kRemoteReadsAhead : 0; }

  Result<PutResult> PutIfAbsent(const std::string& path, std::string_view bytes,
                                const PutOptions& options) const override {
    if (auto error = state_->Begin(FileOperation::kPut, path)) return Fail(*std::move(error));
    const std::lock_guard lock(state_->mutex);
    const bool is_new = files_
                            .try_emplace(path, std::make_shared<const std::string>(bytes),
                                         options.modified.value_or(Timestamp(0)))
                            .second;
    return is_new ? PutResult::kWritten : PutResult::kExists;
  }
  Result<std::unique_ptr<OutputFile>> Create(const std::string& path,
                                             const PutOptions& options) const override {
    return std::make_unique<FileInTheMaking>(*this, path, options);
  }
  Result<void> Put(const std::string& path, std::string_view bytes) const override {
    if (auto error = state_->Begin(FileOperation::kPut, path)) return Fail(*std::move(error));
    const std::lock_guard lock(state_->mutex);
    files_[path] = {std::make_shared<const std::string>(bytes), Timestamp(0)};
    return {};
  }
  Result<void> Remove(const std::string& path) const override {
    if (auto error = state_->Begin(FileOperation::kRemove, path)) return Fail(*std::move(error));
    const std::lock_guard lock(state_->mutex);
    files_.erase(path);
    return {};
  }
  bool keeps_times() const override { return !is_remote_; }

 private:
  struct File {
    std::shared_ptr<const std::string> content;
    Timestamp modified;
  };

  class FileInTheMaking final : public OutputFile {
   public:
    FileInTheMaking(const MemoryFileSystem& files, std::string path, const PutOptions& options)
        : files_(files), path_(std::move(path)), options_(options) {}

    std::int64_t size_bytes() const override { return std::ssize(content_); }
    Result<void> Append(std::string_view bytes) override {
      content_ += bytes;
      return {};
    }
    Result<PutResult> Finish() override { return files_.PutIfAbsent(path_, content_, options_); }

   private:
    const MemoryFileSystem& files_;
    std::string path_;
    PutOptions options_;
    std::string content_;
  };

  // What open files share with the file system, which they may outlive.
  struct State {
    std::mutex mutex;
    Fault fault;
    std::map<FileOperation, std::size_t> counts;

    std::optional<Error> Begin(FileOperation operation, const std::string& path) {
      Fault current;
      {
        const std::lock_guard lock(mutex);
        ++counts[operation];
        current = fault;
      }
      return current ? current(operation, path) : std::nullopt;
    }
  };

  class OpenFile final : public InputFile {
   public:
    OpenFile(std::string path, std::shared_ptr<const std::string> content,
             std::shared_ptr<State> state, bool is_remote)
        : path_(std::move(path)),
          content_(std::move(content)),
          state_(std::move(state)),
          is_remote_(is_remote) {}

    const std::string& path() const override { return path_; }
    std::int64_t size_bytes() const override { return static_cast<std::int64_t>(content_->size()); }
    bool is_remote() const override { return is_remote_; }
    Result<std::size_t> ReadAt(std::int64_t offset, std::span<char> out) const override {
      if (auto error = state_->Begin(FileOperation::kRead, path_)) return Fail(*std::move(error));
      if (offset < 0 || offset >= size_bytes()) return std::size_t{0};
      return content_->copy(out.data(), out.size(), static_cast<std::size_t>(offset));
    }

   private:
    std::string path_;
    std::shared_ptr<const std::string> content_;
    std::shared_ptr<State> state_;
    bool is_remote_;
  };

  static constexpr std::size_t kRemoteReadsAhead = 3;

  bool is_remote_ = false;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  mutable std::map<std::string, File> files_;  // guarded by state_->mutex
};

}  // namespace deltalakedb::storage
