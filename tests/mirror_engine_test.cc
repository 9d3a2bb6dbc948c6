// Engines of one's own: the example of docs/mirror.md, and what the registry takes.
#include "deltalakedb/mirror_engine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "base/temp_folder.h"
#include "deltalakedb/create.h"
#include "deltalakedb/mirror.h"
#include "deltalakedb/transaction.h"
#include "tests/listing_engine.h"

namespace deltalakedb::testing {
namespace {

std::string Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class MirrorEngineTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_TRUE(RegisterMirrorEngine(std::make_unique<ListingEngine>()).has_value());
  }
  void SetUp() override {
    std::filesystem::create_directory(location_);
    NewTable table;
    table.schema_json =
        R"({"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]})";
    table.location = location_;
    ASSERT_TRUE(CreateTable(uri_, table).has_value());
  }

  void Append(const std::string& path) {
    auto writer = TableWriter::Open(uri_);
    ASSERT_TRUE(writer.has_value());
    auto transaction = writer->Begin();
    ASSERT_TRUE(transaction.has_value());
    AddFile add;
    add.path = path;
    add.size = 1;
    add.modification_time = 1;
    add.data_change = true;
    ASSERT_TRUE(transaction->Add(add).has_value());
    ASSERT_TRUE(transaction->Commit().has_value());
  }

  base::TempFolder folder_;
  std::string location_ = folder_.path() / "table";
  std::string uri_ = "deltasql://sqlite/" + (folder_.path() / "meta.db").string() + "?table=t";
};

TEST_F(MirrorEngineTest, EngineOfOnesOwn_FollowsEachCommit) {
  ASSERT_TRUE(AddMirror(uri_, {.engine = "listing"}).has_value());
  Append("b");
  EXPECT_EQ(Read(location_ + "/_files.txt"), "b\n");
  Append("a");
  EXPECT_EQ(Read(location_ + "/_files.txt"), "a\nb\n");
  const auto mirrors = ListMirrors(uri_);
  ASSERT_TRUE(mirrors.has_value());
  ASSERT_EQ(mirrors->size(), 1U);
  EXPECT_EQ(mirrors->front().published, Version(2));
  EXPECT_TRUE(VerifyMirrors(uri_)->front().differences.empty());
  std::ofstream(location_ + "/_files.txt") << "x\n";
  EXPECT_EQ(VerifyMirrors(uri_)->front().differences.size(), 1U);
}

TEST_F(MirrorEngineTest, FailureOfOne_KeepsNoOtherFromBeingRun) {
  ASSERT_TRUE(
      AddMirror(uri_, {.engine = "listing", .to = location_ + "/nowhere/files"}).has_value());
  ASSERT_TRUE(AddMirror(uri_, {.engine = "delta"}).has_value());
  Append("a");
  const auto mirrors = ListMirrors(uri_);
  ASSERT_EQ(mirrors->size(), 2U);
  EXPECT_EQ(mirrors->at(0).engine, "delta");
  EXPECT_EQ(mirrors->at(0).published, Version(1));
  EXPECT_EQ(mirrors->at(1).state, MirrorState::kFailed);
  EXPECT_EQ(mirrors->at(1).published, std::nullopt);
}

class NamedEngine final : public MirrorEngine {
 public:
  explicit NamedEngine(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }
  Result<std::string> FindPlace(const std::string&,
                                const std::optional<std::string>&) const override {
    return Fail(ErrorCode::kInvalidArgument, "nowhere");
  }
  Result<void> Publish(const MirrorSource&, const MirrorPlace&, const MirrorProgress&,
                       const Note&) const override {
    return {};
  }
  Result<std::vector<Difference>> Verify(const MirrorSource&, const MirrorPlace&,
                                         const MirrorProgress&) const override {
    return std::vector<Difference>();
  }

 private:
  std::string name_;
};

TEST_F(MirrorEngineTest, NamesThatAreTakenOrWrong_AreRefused) {
  for (const std::string name : {"delta", "spark", "duckdb", "listing"}) {
    const auto again = RegisterMirrorEngine(std::make_unique<NamedEngine>(name));
    ASSERT_FALSE(again.has_value()) << name;
    EXPECT_EQ(again.error().code(), ErrorCode::kAlreadyExists);
  }
  for (const std::string& name : {std::string(), std::string("Upper"), std::string("a b"),
                                  std::string("é"), std::string(65, 'a')}) {
    const auto wrong = RegisterMirrorEngine(std::make_unique<NamedEngine>(name));
    ASSERT_FALSE(wrong.has_value()) << name;
    EXPECT_EQ(wrong.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(MirrorGuideTest, ShowsTheExampleThatIsTested) {
  const std::string guide = Read(std::filesystem::path(DELTALAKEDB_SOURCE_DIR) / "docs/mirror.md");
  const std::string code =
      Read(std::filesystem::path(DELTALAKEDB_SOURCE_DIR) / "tests/listing_engine.h");
  const std::string example = code.substr(code.find("class ListingEngine"));
  EXPECT_NE(guide.find("```cpp\n" + example + "```\n"), std::string::npos);
}

}  // namespace
}  // namespace deltalakedb::testing
