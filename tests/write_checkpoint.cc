// Writes the checkpoint of a version into a table's folder, for tests/checkpoint_interop_test.py.
//
//   write_checkpoint FOLDER VERSION
//
// Prints the name of the file that readers find it by.
#include <chrono>
#include <iostream>
#include <string>

#include "deltalakedb/ids.h"
#include "log/file_log.h"
#include "storage/file_system.h"

int main(int argc, char** argv) {
  using namespace deltalakedb;
  if (argc != 3) {
    std::cerr << "usage: write_checkpoint FOLDER VERSION\n";
    return 2;
  }
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  const auto path = storage::AbsolutePath(argv[1]);
  if (!path) {
    std::cerr << path.error().message() << '\n';
    return 1;
  }
  const auto log = log::FileLog::At(storage::LocalFileSystem(), *path, NullLogSink());
  const auto put = log->WriteCheckpoint(Version(std::stoll(argv[2])), Timestamp(now.count()));
  if (!put) {
    std::cerr << put.error().message() << '\n';
    return 1;
  }
  std::cout << put->name << '\n';
  return 0;
}
