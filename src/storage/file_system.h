// Files wherever they are: listing, reading, and writing them whole. The seam at which tests put
// faults.
//
// Paths are absolute and decoded; those of an object store begin with its URI, as
// "s3://bucket/a b/c". Thread-safety: a FileSystem may be used from several threads; an
// InputFile may be read from several threads at once; an OutputFile belongs to one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"

namespace deltalakedb::storage {

struct FileInfo {
  std::string name;  // without its folder
  std::int64_t size_bytes = 0;
  Timestamp modified;
};

// A file somewhere below a folder.
struct TreeFile {
  std::string path;             // below the folder, without a slash in front: "day=1/a b.parquet"
  std::int64_t size_bytes = 0;  // of a link: what it leads to has
  Timestamp modified;
  bool is_link = false;
};

// Who is told of the files below a folder.
struct TreeVisitor {
  // Whether what is below a subfolder is wanted, which is named as the files are. May be asked more
  // than once.
  std::function<bool(std::string_view folder)> enters;
  // Gets each file. Its error ends the listing.
  std::function<Result<void>(TreeFile file)> visit;
};

class InputFile {
 public:
  virtual ~InputFile() = default;
  virtual const std::string& path() const = 0;
  virtual std::int64_t size_bytes() const = 0;
  // Reads up to out.size() bytes at `offset`; fewer only at the end that size_bytes() says.
  // Errors: Io (a file that became shorter among them), Permission, NotFound, Unavailable.
  virtual Result<std::size_t> ReadAt(std::int64_t offset, std::span<char> out) const = 0;
  // Whether each read is a request to a server, so that a few large ones are better than many.
  virtual bool is_remote() const { return false; }
};

// What came of writing a file that must not be there yet.
enum class PutResult : std::uint8_t {
  kWritten,
  kExists,  // another one is there, which was left alone; it may hold the same bytes
};

struct PutOptions {
  // The file's time, where the file system lets it be chosen; none: when it is written.
  std::optional<Timestamp> modified;
};

// A file in the making, without a name yet. Whatever happens before Finish answers, also to the
// program, nothing can be seen under its name, and what is dropped leaves nothing behind.
class OutputFile {
 public:
  virtual ~OutputFile() = default;
  virtual std::int64_t size_bytes() const = 0;
  // Writes at the end. After an error the file is done for. Errors: Io (disk full among them).
  virtual Result<void> Append(std::string_view bytes) = 0;
  // Gives the file its name unless that is taken. Once at most, and nothing is written after it.
  // Errors: as FileSystem::PutIfAbsent.
  virtual Result<PutResult> Finish() = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // The files of a folder, not of its subfolders, in no particular order.
  // Errors: NotFound (no such folder or bucket), Permission, Io, Unavailable (a server).
  virtual Result<std::vector<FileInfo>> List(const std::string& folder) const = 0;
  // The files of a folder and of all folders below it that `visitor` enters, in no particular order
  // and while they are listed: what comes and goes meanwhile may be told or not. Links to folders
  // are not followed. Errors: as List, Unsupported; those of the visitor.
  virtual Result<void> ListTree(const std::string& folder, const TreeVisitor& visitor) const;
  // Errors: NotFound, Permission, Io, Unavailable.
  virtual Result<std::shared_ptr<const InputFile>> Open(const std::string& path) const = 0;
  // The same for a file that List gave with that size. An object store is not asked once more: that
  // the file is gone or shorter by now is noticed when it is read, and is Unavailable.
  virtual Result<std::shared_ptr<const InputFile>> OpenListed(const std::string& path,
                                                              std::int64_t size_bytes) const {
    static_cast<void>(size_bytes);
    return Open(path);
  }
  // How many files are best read at once ahead of the work on them; 0 where reading takes so little
  // time that it is part of the work.
  virtual std::size_t reads_ahead() const { return 0; }

  // ---- writing; file systems that only read answer Unsupported to all of it ----

  // Writes a file whole, folders above it included, unless one is there: it never replaces one, and
  // there is never a part of it under its name. Durable when it answers kWritten. Where a server's
  // answer was lost and the file that is there holds these very bytes, it is kWritten.
  // Errors: Unsupported (no such thing on this file system), Permission, Io (disk full among them),
  // LimitExceeded (too large), Unavailable (a server; whether the file is there is not known then).
  virtual Result<PutResult> PutIfAbsent(const std::string& path, std::string_view bytes,
                                        const PutOptions& options) const;
  // The same for a file that comes in pieces.
  virtual Result<std::unique_ptr<OutputFile>> Create(const std::string& path,
                                                     const PutOptions& options) const;
  // Writes a file whole in the place of the one that may be there: readers find the one or the
  // other. Not for log files but `_last_checkpoint`, which is a hint. Errors: as PutIfAbsent.
  virtual Result<void> Put(const std::string& path, std::string_view bytes) const;
  // Removes a file; that none is there is success, as another process may have been first. Whoever
  // has it open can go on reading where the file system lets them, which object stores do not.
  // Errors: as PutIfAbsent; after Unavailable the file may be gone or not.
  virtual Result<void> Remove(const std::string& path) const;
  // Whether PutOptions::modified counts.
  virtual bool keeps_times() const { return false; }
};

// A local path made absolute, without `.` and `..` and without a slash at its end; links are not
// followed. Errors: Io (the working folder is gone).
Result<std::string> AbsolutePath(const std::string& path);

// The local disk. Lives as long as the program.
const FileSystem& LocalFileSystem();

// A file that is all in memory, for tests and fuzzing.
std::shared_ptr<const InputFile> MakeMemoryFile(std::string path, std::string content);

}  // namespace deltalakedb::storage
