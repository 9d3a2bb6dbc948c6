#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/temp_folder.h"
#include "storage/file_system.h"
#include "storage/local_output_internal.h"
#include "storage/memory_file_system.h"

namespace deltalakedb::storage {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

// Everything below runs for a draft without a name and for one with.
class LocalOutputTest : public testing::TestWithParam<DraftKind> {
 protected:
  std::string PathOf(const std::string& name) const { return folder_.path() / name; }

  std::unique_ptr<OutputFile> Make(const std::string& path, const PutOptions& options = {}) const {
    auto file = MakeLocalOutput(path, options, GetParam());
    EXPECT_TRUE(file.has_value()) << file.error().message();
    return file ? *std::move(file) : nullptr;
  }

  Result<PutResult> Put(const std::string& path, std::string_view bytes) const {
    const auto file = Make(path);
    if (auto appended = file->Append(bytes); !appended) return Fail(appended.error());
    return file->Finish();
  }

  static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // Also those that begin with a dot.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }

  base::TempFolder folder_;
};

// Runs this in a process of its own and gives how it ended.
int InChild(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

TEST_P(LocalOutputTest, NewFile_IsWrittenWholeUnderItsName) {
  const std::string path = PathOf("a.json");
  const auto file = Make(path);
  ASSERT_TRUE(file->Append("first ").has_value());
  ASSERT_TRUE(file->Append(std::string_view("sec\0nd", 6)).has_value());
  EXPECT_EQ(file->size_bytes(), 12);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(file->Finish(), PutResult::kWritten);
  EXPECT_EQ(Read(path), std::string("first sec\0nd", 12));
  EXPECT_THAT(Names(), ElementsAre("a.json"));
}

TEST_P(LocalOutputTest, FileThatIsThere_IsLeftAlone) {
  const std::string path = PathOf("a.json");
  EXPECT_EQ(Put(path, "one"), PutResult::kWritten);
  EXPECT_EQ(Put(path, "another"), PutResult::kExists);
  EXPECT_EQ(Put(path, "one"), PutResult::kExists);
  EXPECT_EQ(Read(path), "one");
  EXPECT_THAT(Names(), ElementsAre("a.json"));
}

TEST_P(LocalOutputTest, LinkThatIsThere_IsNotFollowed) {
  std::filesystem::create_symlink("nowhere", PathOf("a.json"));
  EXPECT_EQ(Put(PathOf("a.json"), "one"), PutResult::kExists);
  EXPECT_FALSE(std::filesystem::exists(PathOf("nowhere")));
}

TEST_P(LocalOutputTest, MissingFolders_AreMade) {
  EXPECT_EQ(Put(PathOf("x/y/z/a.json"), "one"), PutResult::kWritten);
  EXPECT_EQ(Read(PathOf("x/y/z/a.json")), "one");
}

TEST_P(LocalOutputTest, FileInTheWayOfAFolder_IsAnErrorThatNamesIt) {
  ASSERT_EQ(Put(PathOf("x"), "one"), PutResult::kWritten);
  const auto file = MakeLocalOutput(PathOf("x/a.json"), {}, GetParam());
  ASSERT_FALSE(file.has_value());
  EXPECT_NE(file.error().FindFact("file"), nullptr);
}

TEST_P(LocalOutputTest, TimeThatIsAskedFor_IsTheFilesFromItsFirstMomentOn) {
  for (const std::int64_t ms : {1'704'164'645'678, std::int64_t{0}, std::int64_t{-1}}) {
    const std::string path = PathOf("t" + std::to_string(ms));
    const auto file = Make(path, {.modified = Timestamp(ms)});
    ASSERT_EQ(file->Finish(), PutResult::kWritten);
  }
  const auto files = LocalFileSystem().List(folder_.path());
  ASSERT_TRUE(files.has_value());
  for (const FileInfo& file : *files) {
    EXPECT_EQ(file.name, "t" + std::to_string(file.modified.ms()));
  }
}

TEST_P(LocalOutputTest, FileThatIsNotFinished_LeavesNothing) {
  ASSERT_TRUE(Make(PathOf("a.json"))->Append("half").has_value());
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_P(LocalOutputTest, KilledBeforeItsName_LeavesNothingThatReadersTake) {
  const int status = InChild([this] {
    const auto file = MakeLocalOutput(PathOf("a.json"), {}, GetParam());
    if ((*file)->Append("half")) ::kill(::getpid(), SIGKILL);
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  if (GetParam() == DraftKind::kBest) {
    EXPECT_THAT(Names(), IsEmpty());
  } else {
    EXPECT_THAT(Names(), Each(StartsWith(".a.json.")));
  }
  EXPECT_EQ(Put(PathOf("a.json"), "whole"), PutResult::kWritten);
}

TEST_P(LocalOutputTest, FullDisk_IsAnErrorAndLeavesNothing) {
  const int status = InChild([this] {
    std::signal(SIGXFSZ, SIG_IGN);
    constexpr rlim_t kBytesMax = 4096;
    const rlimit limit{kBytesMax, kBytesMax};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto file = MakeLocalOutput(PathOf("a.json"), {}, GetParam());
    const auto appended = (*file)->Append(std::string(2 * kBytesMax, 'x'));
    ::_exit(!appended && appended.error().code() == ErrorCode::kIo ? 7 : 1);
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_FALSE(std::filesystem::exists(PathOf("a.json")));
  if (GetParam() == DraftKind::kBest) {
    EXPECT_THAT(Names(), IsEmpty());
  }
}

TEST_P(LocalOutputTest, ManyAtOnce_HaveOneWinnerWhoseBytesAreThere) {
  constexpr int kWriters = 8;
  constexpr int kRounds = 50;
  for (int round = 0; round < kRounds; ++round) {
    const std::string path = PathOf(std::to_string(round));
    std::atomic<int> winner = -1;
    std::atomic<int> winners = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < kWriters; ++i) {
      threads.emplace_back([&, i] {
        if (Put(path, std::string(100'000, static_cast<char>('a' + i))) == PutResult::kWritten) {
          winner = i;
          ++winners;
        }
      });
    }
    threads.clear();
    ASSERT_EQ(winners, 1);
    EXPECT_EQ(Read(path), std::string(100'000, static_cast<char>('a' + winner)));
  }
}

INSTANTIATE_TEST_SUITE_P(Drafts, LocalOutputTest,
                         testing::Values(DraftKind::kBest, DraftKind::kNamed),
                         [](const auto& kind) {
                           return kind.param == DraftKind::kBest ? "Best" : "Named";
                         });

TEST(LocalWritesTest, Put_ReplacesWholeAndLeavesNothingElse) {
  const base::TempFolder folder;
  const std::string path = folder.path() / "x" / "_last_checkpoint";
  for (const std::string text : {"one", "another", ""}) {
    ASSERT_TRUE(LocalFileSystem().Put(path, text).has_value());
    const auto files = LocalFileSystem().List(folder.path() / "x");
    ASSERT_TRUE(files.has_value());
    ASSERT_EQ(files->size(), 1U);
    EXPECT_EQ(files->front().size_bytes, std::ssize(text));
  }
}

TEST(LocalWritesTest, FolderThatMayNotBeWritten_IsPermissionAndLeavesNothing) {
  // Not even root may write there.
  const auto put = LocalFileSystem().PutIfAbsent("/sys/kernel/x/a.json", "one", {});
  ASSERT_FALSE(put.has_value());
  EXPECT_EQ(put.error().code(), ErrorCode::kPermission) << put.error().message();
}

TEST(FileSystemTest, OneThatOnlyReads_RefusesToWrite) {
  class Nothing final : public FileSystem {
   public:
    Result<std::vector<FileInfo>> List(const std::string&) const override {
      return std::vector<FileInfo>();
    }
    Result<std::shared_ptr<const InputFile>> Open(const std::string& path) const override {
      return Fail(ErrorCode::kNotFound, path);
    }
  };
  const Nothing nothing;
  EXPECT_EQ(nothing.PutIfAbsent("a", "b", {}).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(nothing.Create("a", {}).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(nothing.Put("a", "b").error().code(), ErrorCode::kUnsupported);
}

TEST(MemoryFileSystemTest, Writing_IsAsOnTheDisk) {
  const MemoryFileSystem files;
  EXPECT_EQ(files.PutIfAbsent("/f/a", "one", {.modified = Timestamp(5)}), PutResult::kWritten);
  EXPECT_EQ(files.PutIfAbsent("/f/a", "two", {}), PutResult::kExists);
  const auto file = files.Create("/f/b", {});
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE((*file)->Append("three").has_value());
  EXPECT_EQ((*file)->Finish(), PutResult::kWritten);
  ASSERT_TRUE(files.Put("/f/b", "four").has_value());
  EXPECT_EQ(files.Content("/f/a") + files.Content("/f/b"), "onefour");
}

}  // namespace
}  // namespace deltalakedb::storage
