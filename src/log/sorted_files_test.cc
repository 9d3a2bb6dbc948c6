#include "log/sorted_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace deltalakedb::log {
namespace {

// Gives out files in batches; fails after the last one when it has an error.
class FakeStream final : public FileStream {
 public:
  explicit FakeStream(std::deque<std::vector<AddFile>> batches) : batches_(std::move(batches)) {}

  void FailAtEnd(Error error) { error_ = std::move(error); }

  Result<std::optional<FileBatch>> Next() override {
    if (batches_.empty()) {
      if (error_) return Fail(*error_);
      return std::optional<FileBatch>();
    }
    FileBatch batch(std::move(batches_.front()), {});
    batches_.pop_front();
    return std::optional<FileBatch>(std::move(batch));
  }

 private:
  std::deque<std::vector<AddFile>> batches_;
  std::optional<Error> error_;
};

// One text for all of a file, so that files can be compared.
std::string Describe(const AddFile& add) {
  std::string text;
  const auto put = [&](std::string_view part) { text.append(part).append("|"); };
  const auto put_map = [&](StringMapView map) {
    for (const StringMapEntry& entry : map) {
      put(entry.key);
      put(entry.value ? *entry.value : "<null>");
    }
    put("end");
  };
  const auto put_number = [&](const auto& number) { put(number ? std::to_string(*number) : "-"); };
  put(add.path);
  put_map(add.partition_values);
  put(std::to_string(add.size) + "," + std::to_string(add.modification_time));
  put(add.data_change ? "change" : "no change");
  put(add.stats.value_or("<none>"));
  if (add.tags) put_map(*add.tags);
  if (add.deletion_vector) {
    put(add.deletion_vector->UniqueId());
    put(std::to_string(add.deletion_vector->size_in_bytes));
    put(std::to_string(add.deletion_vector->cardinality));
  }
  put_number(add.base_row_id);
  put_number(add.default_row_commit_version);
  put(add.clustering_provider.value_or("<none>"));
  put(add.has_written_stats ? "as written" : "made");
  return text;
}

// Files with every combination of optional fields; their texts live in `texts`.
std::vector<AddFile> MakeFiles(std::uint32_t seed, std::size_t count,
                               std::deque<std::string>& texts) {
  std::mt19937 random(seed);
  static const std::vector<StringMapEntry> map = {{"p", "1"}, {"q", std::nullopt}, {"r", ""}};
  std::vector<AddFile> files(count);
  for (std::size_t i = 0; i < count; ++i) {
    AddFile& add = files[i];
    const auto coin = [&] { return random() % 2 == 0; };
    // Few names, so that files of one path with different deletion vectors meet.
    add.path = texts.emplace_back("f" + std::to_string(random() % (count / 2 + 1)));
    if (coin()) add.partition_values = map;
    add.size = static_cast<std::int64_t>(random());
    add.modification_time = -1;
    add.data_change = coin();
    if (coin()) add.stats = texts.emplace_back(random() % 300, 's');
    if (coin()) add.tags = coin() ? StringMapView(map) : StringMapView();
    DeletionVector& dv = add.deletion_vector.emplace();
    dv.storage_type = "u";
    dv.path_or_inline_dv = texts.emplace_back(std::to_string(i));
    if (coin()) dv.offset = 7;
    dv.size_in_bytes = 3;
    dv.cardinality = static_cast<std::int64_t>(i);
    if (coin()) add.base_row_id = 5;
    if (coin()) add.default_row_commit_version = 6;
    if (coin()) add.clustering_provider = "liquid";
    add.has_written_stats = coin();
  }
  return files;
}

std::vector<std::string> SortAll(const std::vector<AddFile>& files, std::size_t run_bytes) {
  std::deque<std::vector<AddFile>> batches;
  for (std::size_t i = 0; i < files.size(); i += 100) {
    batches.emplace_back(
        files.begin() + static_cast<std::ptrdiff_t>(i),
        files.begin() + static_cast<std::ptrdiff_t>(std::min(i + 100, files.size())));
  }
  FakeStream stream(std::move(batches));
  const auto sorted = SortByPath(stream, run_bytes);
  EXPECT_TRUE(sorted);
  std::vector<std::string> texts;
  for (;;) {
    const auto batch = (*sorted)->Next();
    EXPECT_TRUE(batch);
    if (!batch || !*batch) return texts;
    EXPECT_FALSE((*batch)->files().empty());
    for (const AddFile& add : (*batch)->files()) texts.push_back(Describe(add));
  }
}

TEST(SortByPath, NoFiles_GiveNoBatch) { EXPECT_TRUE(SortAll({}, 1).empty()); }

TEST(SortByPath, RunsInTheTemporaryFile_GiveWhatOneRunInMemoryGives) {
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    std::deque<std::string> texts;
    const std::vector<AddFile> files = MakeFiles(seed, 5000, texts);
    const auto in_memory = SortAll(files, kSortRunBytes);
    ASSERT_EQ(in_memory.size(), files.size());
    EXPECT_EQ(SortAll(files, 20'000), in_memory);
    EXPECT_EQ(SortAll(files, 0), in_memory) << "a run for every batch";
    std::vector<std::pair<std::string, std::string>> keys;
    for (const AddFile& add : files) {
      keys.emplace_back(add.path, add.deletion_vector->UniqueId());
    }
    std::ranges::sort(keys);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ASSERT_TRUE(in_memory[i].starts_with(keys[i].first + "|")) << i;
      ASSERT_NE(in_memory[i].find("|" + keys[i].second + "|"), std::string::npos) << i;
    }
  }
}

TEST(SortByPath, ErrorOfTheStream_IsPassedOn) {
  std::deque<std::string> texts;
  FakeStream stream({MakeFiles(1, 100, texts)});
  stream.FailAtEnd(Error(ErrorCode::kCorrupt, "page 7"));
  const auto sorted = SortByPath(stream);
  ASSERT_FALSE(sorted);
  EXPECT_EQ(sorted.error().code(), ErrorCode::kCorrupt);
}

// What comes of sorting where no temporary file can be made.
Result<std::unique_ptr<FileStream>> SortWithoutTemporaryFiles(FileStream& files,
                                                              std::size_t run_bytes) {
  const char* const before = std::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("TMPDIR", "/nonexistent", 1);
  auto sorted = SortByPath(files, run_bytes);
  if (before == nullptr) {
    ::unsetenv("TMPDIR");
  } else {
    ::setenv("TMPDIR", kept.c_str(), 1);
  }
  return sorted;
}

TEST(SortByPath, NoPlaceForTheTemporaryFile_IsAnErrorThatSaysWhatToSet) {
  std::deque<std::string> texts;
  const std::vector<AddFile> files = MakeFiles(1, 300, texts);
  FakeStream stream({files, files, files});
  const auto sorted = SortWithoutTemporaryFiles(stream, 0);
  ASSERT_FALSE(sorted);
  EXPECT_EQ(sorted.error().code(), ErrorCode::kIo);
  EXPECT_NE(sorted.error().message().find("TMPDIR"), std::string::npos);
}

TEST(SortByPath, FilesThatFitInMemory_NeedNoTemporaryFile) {
  std::deque<std::string> texts;
  FakeStream stream({MakeFiles(1, 300, texts)});
  EXPECT_TRUE(SortWithoutTemporaryFiles(stream, kSortRunBytes));
}

// Every text of a file takes memory, not only its path and statistics.
TEST(SortByPath, LargeTextsOfAnyField_CountAsMemory) {
  const std::string large(20'000, 'x');
  const std::vector<StringMapEntry> map = {{"k", large}};
  const std::vector<StringMapEntry> keys = {{large, std::nullopt}};
  AddFile with[6];
  with[0].partition_values = map;
  with[1].partition_values = keys;
  with[2].tags = map;
  with[3].clustering_provider = large;
  with[4].stats = large;
  with[5].deletion_vector.emplace().path_or_inline_dv = large;
  for (const AddFile& add : with) {
    FakeStream stream({{add}, {add}});
    EXPECT_FALSE(SortWithoutTemporaryFiles(stream, 10'000)) << "all was kept in memory";
  }
}

// A stream that was sorted in runs gives each file once, however many runs begin alike.
TEST(SortByPath, EqualFiles_AreAllGiven) {
  AddFile add;
  add.path = "same";
  const std::vector<AddFile> files(1000, add);
  EXPECT_EQ(SortAll(files, 0).size(), files.size());
  EXPECT_EQ(SortAll(files, kSortRunBytes).size(), files.size());
}

}  // namespace
}  // namespace deltalakedb::log
