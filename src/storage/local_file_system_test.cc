#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/file_system.h"
#include "storage/memory_file_system.h"
#include "storage/temp_file.h"
#include "storage/unique_fd.h"

namespace deltalakedb::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A folder of its own for each test.
class LocalFileSystemTest : public testing::Test {
 protected:
  LocalFileSystemTest() {
    std::string name = testing::TempDir() + "/local_file_system_XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~LocalFileSystemTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& content) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  std::vector<std::string> Names() const {
    auto files = LocalFileSystem().List(folder_);
    EXPECT_TRUE(files.has_value());
    std::vector<std::string> names;
    for (const FileInfo& file : *files) names.push_back(file.name);
    std::ranges::sort(names);
    return names;
  }

  std::string folder_;
};

std::string ReadAll(const InputFile& file, std::int64_t offset, std::size_t size) {
  std::string text(size, '?');
  const auto got = file.ReadAt(offset, text);
  EXPECT_TRUE(got.has_value());
  return text.substr(0, got.value_or(0));
}

TEST_F(LocalFileSystemTest, Listing_HasRegularFilesWithSizesAndTimes) {
  const std::string path = Write("a.json", "12345");
  Write(" odd \n\xff", "");
  std::filesystem::create_directory(folder_ + "/folder");
  std::filesystem::create_symlink("a.json", folder_ + "/link");
  std::filesystem::create_symlink("nowhere", folder_ + "/dangling");
  std::filesystem::create_symlink("folder", folder_ + "/folder_link");
  ASSERT_EQ(::mkfifo((folder_ + "/pipe").c_str(), 0600), 0);
  EXPECT_THAT(Names(), ElementsAre(" odd \n\xff", "a.json", "link"));
  const std::array<timespec, 2> times = {timespec{}, timespec{1704164645, 678'999'999}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0), 0);
  const auto files = LocalFileSystem().List(folder_);
  const auto file = std::ranges::find(*files, "a.json", &FileInfo::name);
  EXPECT_EQ(file->size_bytes, 5);
  EXPECT_EQ(file->modified, Timestamp(1704164645678));
}

// What ListTree gives, sorted; folders whose path has `without` in it are not entered.
std::vector<std::string> Tree(const FileSystem& files, const std::string& folder,
                              const std::string& without) {
  std::vector<std::string> found;
  TreeVisitor visitor;
  visitor.enters = [&](std::string_view below) { return !below.contains(without); };
  visitor.visit = [&](const TreeFile& file) -> Result<void> {
    found.push_back(file.path + (file.is_link ? "@" : "") + ":" + std::to_string(file.size_bytes));
    return {};
  };
  const auto listed = files.ListTree(folder, visitor);
  if (!listed) return {listed.error().message()};
  std::ranges::sort(found);
  return found;
}

TEST_F(LocalFileSystemTest, Tree_HasTheFilesOfAllFoldersThatAreEntered) {
  std::filesystem::create_directories(folder_ + "/p=a b/deep/er");
  std::filesystem::create_directories(folder_ + "/_delta_log");
  std::filesystem::create_directories(folder_ + "/x/_delta_log/y");
  std::filesystem::create_directories(folder_ + "/empty");
  Write("top", "1");
  Write("p=a b/100%", "12");
  Write("p=a b/deep/er/ü \n", "123");
  Write("_delta_log/0.json", "1");
  Write("x/_delta_log/y/z", "1");
  Write("x/file", "");
  std::filesystem::create_directory_symlink("..", folder_ + "/x/up");
  std::filesystem::create_symlink("../top", folder_ + "/x/link");
  std::filesystem::create_symlink("nowhere", folder_ + "/x/dangling");
  std::filesystem::create_symlink("loop", folder_ + "/x/loop");
  ASSERT_EQ(::mkfifo((folder_ + "/x/pipe").c_str(), 0600), 0);
  EXPECT_THAT(
      Tree(LocalFileSystem(), folder_, "_delta_log"),
      ElementsAre("p=a b/100%:2", "p=a b/deep/er/ü \n:3", "top:1", "x/file:0", "x/link@:1"));
  std::filesystem::create_directory_symlink(folder_, folder_ + "_link");
  EXPECT_EQ(Tree(LocalFileSystem(), folder_ + "_link", "_delta_log").size(), 5U);
  std::filesystem::remove(folder_ + "_link");
}

TEST_F(LocalFileSystemTest, TreeInMemory_IsTheSame) {
  MemoryFileSystem files;
  files.Write("/t/top", "1");
  files.Write("/t/a/b/c", "12");
  files.Write("/t/a/_delta_log/b/c", "12");
  files.Write("/t2/a", "12");
  EXPECT_THAT(Tree(files, "/t", "_delta_log"), ElementsAre("a/b/c:2", "top:1"));
  EXPECT_THAT(Tree(files, "/t", "x"), ElementsAre("a/_delta_log/b/c:2", "a/b/c:2", "top:1"));
  EXPECT_THAT(Tree(files, "/none", "x"), ElementsAre(HasSubstr("/none")));
}

TEST_F(LocalFileSystemTest, FoldersThatGoWhileATreeIsListed_AreAsIfNotThere) {
  for (const char* const name : {"/a", "/b"}) {
    std::filesystem::create_directory(folder_ + name);
    Write(name + std::string("/file"), "1");
  }
  std::size_t num_found = 0;
  TreeVisitor visitor;
  visitor.enters = [](std::string_view) { return true; };
  visitor.visit = [&](const TreeFile& file) -> Result<void> {
    ++num_found;
    const std::string other = file.path.starts_with('a') ? "/b" : "/a";
    std::filesystem::remove_all(folder_ + other);
    if (other == "/a") std::filesystem::create_directory_symlink("b", folder_ + other);
    return {};
  };
  ASSERT_TRUE(LocalFileSystem().ListTree(folder_, visitor));
  EXPECT_EQ(num_found, 1U);
}

TEST_F(LocalFileSystemTest, TreesThatCannotBeListed_AreErrors) {
  EXPECT_THAT(Tree(LocalFileSystem(), folder_ + "/none", "x"),
              ElementsAre(HasSubstr(folder_ + "/none")));
  Write("a", "1");
  Write("b", "1");
  TreeVisitor visitor;
  visitor.enters = [](std::string_view) { return true; };
  std::size_t num_found = 0;
  visitor.visit = [&](const TreeFile&) -> Result<void> {
    ++num_found;
    return std::unexpected(Error(ErrorCode::kCancelled, "enough"));
  };
  const auto listed = LocalFileSystem().ListTree(folder_, visitor);
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(num_found, 1U);
}

TEST_F(LocalFileSystemTest, AnyFileTime_IsTaken) {
  std::vector<std::string> folders = {folder_};
  // Keeps times that overflow milliseconds, where there is one.
  std::string in_memory = "/dev/shm/local_file_system_XXXXXX";
  if (::mkdtemp(in_memory.data()) != nullptr) folders.push_back(in_memory);
  using Limits = std::numeric_limits<std::int64_t>;
  for (const std::string& folder : folders) {
    const std::string path = folder + "/a";
    std::ofstream(path).flush();
    for (const std::int64_t second :
         {Limits::min(), std::int64_t{-1}, std::int64_t{0}, Limits::max() / 2000, Limits::max()}) {
      const std::array<timespec, 2> times = {timespec{}, timespec{second, 999'000'000}};
      // The file system takes the nearest that it can keep.
      ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0), 0);
      const auto files = LocalFileSystem().List(folder);
      ASSERT_TRUE(files.has_value());
      if (second == -1 || second == 0) {
        EXPECT_EQ(files->front().modified, Timestamp(second * 1000 + 999));
      }
    }
  }
  if (folders.size() > 1) std::filesystem::remove_all(in_memory);
}

TEST_F(LocalFileSystemTest, MissingPlaces_AreNotFound) {
  for (const std::string path : {"/nothing", "/a/b", "/file/below"}) {
    Write("file", "x");
    const auto listed = LocalFileSystem().List(folder_ + path);
    ASSERT_FALSE(listed.has_value());
    EXPECT_EQ(listed.error().code(), ErrorCode::kNotFound);
    EXPECT_THAT(listed.error().message(), HasSubstr(folder_ + path));
    const auto opened = LocalFileSystem().Open(folder_ + path);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code(), ErrorCode::kNotFound);
    EXPECT_EQ(*opened.error().FindFact("file"), Error::FactValue(folder_ + path));
  }
}

TEST_F(LocalFileSystemTest, PlacesOfOthers_ArePermissionErrors) {
  const std::string path = Write("closed", "x");
  std::filesystem::create_directory(folder_ + "/folder");
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  ASSERT_EQ(::chmod((folder_ + "/folder").c_str(), 0), 0);
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  // The superuser may read everything, and is somebody else for a moment.
  constexpr uid_t kNobody = 65534;
  const uid_t before = ::geteuid();
  if (before == 0) {
    ASSERT_EQ(::seteuid(kNobody), 0);
  }
  const auto opened = LocalFileSystem().Open(path);
  const auto listed = LocalFileSystem().List(folder_ + "/folder");
  ASSERT_EQ(::seteuid(before), 0);
  EXPECT_EQ(opened.error().code(), ErrorCode::kPermission);
  EXPECT_EQ(listed.error().code(), ErrorCode::kPermission);
  EXPECT_THAT(listed.error().message(), HasSubstr(folder_ + "/folder"));
  ::chmod((folder_ + "/folder").c_str(), 0700);
}

TEST_F(LocalFileSystemTest, OtherThanARegularFile_IsNotOpened) {
  std::filesystem::create_directory(folder_ + "/folder");
  EXPECT_EQ(LocalFileSystem().Open(folder_ + "/folder").error().code(), ErrorCode::kIo);
  // Nobody writes into this pipe: to wait for that would be forever.
  ASSERT_EQ(::mkfifo((folder_ + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(LocalFileSystem().Open(folder_ + "/pipe").error().code(), ErrorCode::kIo);
}

TEST_F(LocalFileSystemTest, Reads_EndWithTheFile) {
  const std::string path = Write("a", "0123456789");
  const auto file = LocalFileSystem().Open(path);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ((*file)->path(), path);
  EXPECT_EQ((*file)->size_bytes(), 10);
  EXPECT_EQ(ReadAll(**file, 0, 100), "0123456789");
  EXPECT_EQ(ReadAll(**file, 8, 2), "89");
  EXPECT_EQ(ReadAll(**file, 8, 3), "89");
  EXPECT_EQ(ReadAll(**file, 10, 3), "");
  EXPECT_EQ(ReadAll(**file, 1'000'000, 3), "");
  EXPECT_EQ(ReadAll(**file, 3, 0), "");
  const auto negative = (*file)->ReadAt(-1, {});
  EXPECT_TRUE(!negative.has_value() || *negative == 0);
}

TEST_F(LocalFileSystemTest, OpenFile_StaysReadableWhenItsNameIsGone) {
  const std::string path = Write("a", "content");
  const auto file = LocalFileSystem().Open(path);
  ASSERT_TRUE(file.has_value());
  std::filesystem::remove(path);
  EXPECT_EQ(ReadAll(**file, 0, 100), "content");
}

TEST(MemoryFileTest, Reads_EndWithTheFile) {
  const auto file = MakeMemoryFile("/m", "0123456789");
  EXPECT_EQ(file->path(), "/m");
  EXPECT_EQ(file->size_bytes(), 10);
  EXPECT_EQ(ReadAll(*file, 7, 100), "789");
  EXPECT_EQ(ReadAll(*file, 10, 1), "");
  EXPECT_EQ(ReadAll(*file, std::numeric_limits<std::int64_t>::max(), 1), "");
  EXPECT_EQ(ReadAll(*file, -1, 1), "");
}

TEST(MemoryFileSystemTest, Files_AreListedOpenedAndRead) {
  MemoryFileSystem files;
  files.Write("/t/log/a", "aaa", Timestamp(5));
  files.Write("/t/log/sub/b", "b");
  const auto listed = files.List("/t/log");
  ASSERT_EQ(listed->size(), 1U);
  EXPECT_EQ(listed->front().name, "a");
  EXPECT_EQ(listed->front().size_bytes, 3);
  EXPECT_EQ(listed->front().modified, Timestamp(5));
  EXPECT_EQ(files.List("/t/lo").error().code(), ErrorCode::kNotFound);
  const auto opened = files.Open("/t/log/a");
  files.Write("/t/log/a", "other");
  files.Drop("/t/log/sub/b");
  EXPECT_EQ(ReadAll(**opened, 1, 10), "aa");
  EXPECT_EQ(files.Open("/t/log/sub/b").error().code(), ErrorCode::kNotFound);
}

TEST(MemoryFileSystemTest, Faults_StrikeWhereTheyAreAsked) {
  MemoryFileSystem files;
  files.Write("/t/a", "aaa");
  const auto opened = files.Open("/t/a");
  files.SetFault([](FileOperation operation, const std::string& path) -> std::optional<Error> {
    if (operation == FileOperation::kOpen) return std::nullopt;
    return Error(ErrorCode::kIo, "fault at " + path);
  });
  EXPECT_EQ(files.List("/t").error().message(), "fault at /t");
  EXPECT_TRUE(files.Open("/t/a").has_value());
  EXPECT_EQ((*opened)->ReadAt(0, {}).error().message(), "fault at /t/a");
  EXPECT_EQ(files.Count(FileOperation::kOpen), 2U);
}

TEST(UniqueFdTest, Descriptors_AreClosedOnce) {
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(::pipe(pipe_ends.data()), 0);
  {
    UniqueFd first(pipe_ends[0]);
    UniqueFd second(std::move(first));
    EXPECT_EQ(first.get(), -1);  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(second.get(), pipe_ends[0]);
    UniqueFd other(pipe_ends[1]);
    second = std::move(other);
  }
  EXPECT_EQ(::fcntl(pipe_ends[0], F_GETFD), -1);
  EXPECT_EQ(::fcntl(pipe_ends[1], F_GETFD), -1);
}

// Sets a variable for one test and puts it back.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    ::setenv(name, value, 1);
  }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;
  ~ScopedVariable() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST_F(LocalFileSystemTest, TemporaryFile_KeepsWhatIsAppendedAndLeavesNoName) {
  const ScopedVariable variable("TMPDIR", folder_.c_str());
  auto file = TempFile::Make();
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->Append(std::string("abc")), 0);
  EXPECT_EQ(file->Append({}), 3);
  EXPECT_EQ(file->Append(std::string(1'000'000, 'x')), 3);
  EXPECT_THAT(Names(), ElementsAre());
  std::string text(4, '?');
  EXPECT_TRUE(file->ReadAt(0, text).has_value());
  EXPECT_EQ(text, "abcx");
  EXPECT_EQ(file->ReadAt(1'000'000, text).error().code(), ErrorCode::kIo) << "beyond the end";
}

TEST_F(LocalFileSystemTest, TemporaryFolderThatCannotBeUsed_IsNamedInTheError) {
  for (const char* const place : {"/nonexistent/folder", "/proc", "/dev/null"}) {
    const ScopedVariable variable("TMPDIR", place);
    const auto file = TempFile::Make();
    ASSERT_FALSE(file.has_value());
    EXPECT_TRUE(file.error().code() == ErrorCode::kIo ||
                file.error().code() == ErrorCode::kPermission);
    EXPECT_THAT(file.error().message(), HasSubstr("TMPDIR"));
    EXPECT_THAT(file.error().message(), HasSubstr(place));
  }
}

// ---- removing
// -------------------------------------------------------------------------------------

TEST_F(LocalFileSystemTest, RemovedFile_IsGoneAndReadersKeepIt) {
  const std::string path = Write("a", "bytes");
  Write("b", "");
  const auto open = LocalFileSystem().Open(path);
  ASSERT_TRUE(open.has_value());
  EXPECT_TRUE(LocalFileSystem().Remove(path).has_value());
  EXPECT_THAT(Names(), ElementsAre("b"));
  EXPECT_EQ(ReadAll(**open, 0, 5), "bytes");
  // Another process may have been first.
  EXPECT_TRUE(LocalFileSystem().Remove(path).has_value());
  EXPECT_TRUE(LocalFileSystem().Remove(folder_ + "/none/a").has_value());
}

TEST_F(LocalFileSystemTest, FolderThatIsToBeRemovedAsAFile_IsAnError) {
  std::filesystem::create_directory(folder_ + "/folder");
  const auto removed = LocalFileSystem().Remove(folder_ + "/folder");
  ASSERT_FALSE(removed.has_value());
  EXPECT_THAT(removed.error().message(), HasSubstr("cannot remove file " + folder_ + "/folder"));
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/folder"));
}

TEST(MemoryFileSystemTest, RemovedFile_IsGoneUnlessThatFails) {
  MemoryFileSystem files;
  files.Write("/t/a", "");
  files.SetFault([](FileOperation operation, const std::string&) -> std::optional<Error> {
    if (operation != FileOperation::kRemove) return std::nullopt;
    return Error(ErrorCode::kPermission, "no");
  });
  EXPECT_FALSE(files.Remove("/t/a").has_value());
  EXPECT_TRUE(files.Open("/t/a").has_value());
  files.SetFault(nullptr);
  EXPECT_TRUE(files.Remove("/t/a").has_value());
  EXPECT_TRUE(files.Remove("/t/a").has_value());
  EXPECT_FALSE(files.Open("/t/a").has_value());
}

}  // namespace
}  // namespace deltalakedb::storage
