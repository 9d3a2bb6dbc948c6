#include "log/copy_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "log/copied_base_internal.h"
#include "log/model_log_internal.h"

namespace deltalakedb::log {
namespace {

using namespace testing_log;
using storage::FileOperation;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CopySourceTest : public testing::Test {
 protected:
  void Commit(std::int64_t version, const std::vector<std::string>& lines) {
    files_.Write(CommitPath(version), Lines(lines), Timestamp(1000 * version));
  }
  // Versions 0 to `latest`, each with one file more: f0, f1, …
  void Grow(std::int64_t latest) {
    Commit(0, {ProtocolLine(), MetadataLine(), AddLine("f0")});
    for (std::int64_t v = 1; v <= latest; ++v) {
      Commit(v, {CommitInfoLine(), AddLine("f" + std::to_string(v))});
    }
  }
  // A V2 checkpoint in JSON with these lines beside protocol and metaData.
  void Checkpoint(std::int64_t version, std::vector<std::string> lines,
                  const std::string& name = ".uuid.json") {
    lines.insert(lines.begin(),
                 {fmt::format(R"({{"checkpointMetadata":{{"version":{}}}}})", version),
                  ProtocolLine(), MetadataLine()});
    files_.Write(CheckpointPath(version, name), Lines(lines), Timestamp(1000 * version + 1));
  }
  // The checkpoint of a grown log.
  void CheckpointFiles(std::int64_t version) {
    std::vector<std::string> lines;
    for (std::int64_t v = 0; v <= version; ++v) lines.push_back(AddLine("f" + std::to_string(v)));
    Checkpoint(version, lines);
  }
  void RemoveCommits(std::int64_t first, std::int64_t last) {
    for (std::int64_t v = first; v <= last; ++v) files_.Drop(CommitPath(v));
  }

  Result<CopySource> Plan(const CopyRange& range = {}) {
    const auto log = FileLog::Open(files_, kTable, sink_);
    if (!log) return Fail(log.error());
    const auto folder = (*log)->ListFolder();
    if (!folder) return Fail(folder.error());
    return CopySource::Plan(*folder, range);
  }
  CopySource Planned(const CopyRange& range = {}) {
    auto source = Plan(range);
    EXPECT_TRUE(source.has_value()) << source.error().message();
    return *std::move(source);
  }
  Error Refusal(const CopyRange& range = {}) {
    const auto source = Plan(range);
    EXPECT_FALSE(source.has_value());
    return source ? Error(ErrorCode::kInternal, "planned") : source.error();
  }
  // The error of reading the latest version.
  Error ReadingRefusal() {
    const auto snapshot =
        (*FileLog::Open(files_, kTable, sink_))->LoadSnapshot(TableVersion::Latest());
    EXPECT_FALSE(snapshot.has_value());
    return snapshot ? Error(ErrorCode::kInternal, "read") : snapshot.error();
  }

  static CopyRange UpTo(std::int64_t version) { return {.up_to = Version(version), .after = {}}; }
  static CopyRange LatestOnly(std::optional<std::int64_t> up_to = std::nullopt) {
    CopyRange range{.up_to = {}, .latest_only = true, .after = {}};
    if (up_to) range.up_to = Version(*up_to);
    return range;
  }
  static CopyRange After(std::int64_t version, Metadata metadata = {}) {
    return {.up_to = {}, .after = CopyRange::Copied{Version(version), std::move(metadata)}};
  }

  storage::MemoryFileSystem files_;
  ListSink sink_;
};

// "first-last", with "+" for a base, and the versions of the commits.
std::string Describe(const CopySource& source) {
  std::string text = fmt::format("{}{}-{}:", source.has_base() ? "+" : "",
                                 source.versions().first.value(), source.versions().last.value());
  for (const CopySource::Commit& commit : source.commits()) {
    text += " " + std::to_string(commit.version.value());
  }
  return text;
}

std::int64_t Number(const Error& error, const char* fact) {
  const auto* const value = error.FindFact(fact);
  return value == nullptr ? -1 : std::get<std::int64_t>(*value);
}

// ---- which run ----------------------------------------------------------------------------------

TEST_F(CopySourceTest, WholeLog_RunsFromZeroWithoutABase) {
  Grow(3);
  CheckpointFiles(2);
  const CopySource source = Planned();
  EXPECT_EQ(Describe(source), "0-3: 0 1 2 3");
  EXPECT_EQ(source.commits()[2].file.path, CommitPath(2));
  EXPECT_EQ(source.commits()[2].file.size_bytes, std::ssize(files_.Content(CommitPath(2))));
  EXPECT_THAT(sink_.warnings(), IsEmpty());
}

TEST_F(CopySourceTest, GapInTheCommits_MakesTheCheckpointAfterItTheBase) {
  Grow(6);
  CheckpointFiles(1);
  CheckpointFiles(3);
  CheckpointFiles(5);
  RemoveCommits(2, 2);
  const CopySource source = Planned();
  EXPECT_EQ(Describe(source), "+3-6: 3 4 5 6") << "the commit of the base comes with it";
  EXPECT_THAT(FileNames<AddFile>(source), ElementsAre("f0|", "f1|", "f2|", "f3|"));
  EXPECT_EQ(source.base_state().protocol->min_writer_version, 2);
  EXPECT_EQ(source.base_state().metadata->id, "t");
}

TEST_F(CopySourceTest, BaseWhoseCommitIsGone_IsFollowedByTheNext) {
  Grow(5);
  CheckpointFiles(3);
  RemoveCommits(0, 3);
  EXPECT_EQ(Describe(Planned()), "+3-5: 4 5");
}

TEST_F(CopySourceTest, CheckpointOfTheLatestVersion_CanBeAllThereIs) {
  Grow(3);
  CheckpointFiles(3);
  RemoveCommits(0, 3);
  EXPECT_EQ(Describe(Planned()), "+3-3:");
  // Of a later version than every commit.
  Grow(2);
  EXPECT_EQ(Describe(Planned()), "+3-3:");
}

TEST_F(CopySourceTest, DamagedLowestCheckpoint_IsNoBaseAndIsToldOf) {
  Grow(6);
  RemoveCommits(0, 1);
  for (const char* const content : {"", "{", "{\"add\":1}\n"}) {
    CheckpointFiles(4);
    files_.Write(CheckpointPath(2), content);
    ListSink sink;
    EXPECT_EQ(Describe(Planned()), "+4-6: 4 5 6") << content;
    EXPECT_THAT(sink_.warnings().back(), HasSubstr("checkpoint")) << content;
    EXPECT_THAT(sink_.warnings().back(), HasSubstr(CheckpointPath(2))) << content;
  }
}

TEST_F(CopySourceTest, DamagedFileActions_AreFoundBeforeABaseIsChosen) {
  Grow(4);
  RemoveCommits(0, 0);
  CheckpointFiles(3);
  // Its state can be read; the escape in the statistics is found when they are wanted.
  std::string add = AddLine("f0");
  add.replace(add.find("{}\""), 3, R"(\x")");
  Checkpoint(2, {add});
  EXPECT_EQ(Describe(Planned()), "+3-4: 3 4");
  EXPECT_THAT(sink_.warnings(), SizeIs(1));
}

TEST_F(CopySourceTest, SecondCheckpointOfAVersion_ReplacesADamagedOne) {
  Grow(4);
  RemoveCommits(0, 1);
  CheckpointFiles(2);
  files_.Write(CheckpointPath(2, ".vvid.json"), "{");
  CheckpointFiles(4);
  EXPECT_EQ(Describe(Planned()), "+2-4: 2 3 4");
  EXPECT_THAT(sink_.warnings(), SizeIs(1));
}

TEST_F(CopySourceTest, CheckpointWithoutProtocolOrMetadata_IsNoBase) {
  Grow(4);
  RemoveCommits(0, 1);
  CheckpointFiles(4);
  for (const std::string& line : {ProtocolLine(), MetadataLine()}) {
    files_.Write(CheckpointPath(2), Lines({R"({"checkpointMetadata":{"version":2}})", line}));
    EXPECT_EQ(Describe(Planned()), "+4-4: 4");
  }
  EXPECT_THAT(sink_.warnings(), SizeIs(2));
}

TEST_F(CopySourceTest, CompactionDoesNotReplaceCommits) {
  Grow(6);
  RemoveCommits(2, 3);
  files_.Write(CompactionPath(2, 3), Lines({AddLine("f2"), AddLine("f3")}));
  CheckpointFiles(5);
  EXPECT_EQ(Describe(Planned()), "+5-6: 5 6");
}

TEST_F(CopySourceTest, GapThatOnlyACompactionCloses_HasABaseRebuiltThroughIt) {
  Grow(6);
  RemoveCommits(2, 3);
  files_.Write(CompactionPath(2, 3), Lines({AddLine("f2"), RemoveLine("f0"), AddLine("f3")}));
  files_.Write(CompactionPath(1, 4), Lines({AddLine("f1"), AddLine("f2"), RemoveLine("f0")}));
  const CopySource source = Planned();
  EXPECT_EQ(Describe(source), "+3-6: 4 5 6");
  EXPECT_THAT(FileNames<AddFile>(source), ElementsAre("f1|", "f2|", "f3|"));
  EXPECT_THAT(FileNames<RemoveFile>(source), ElementsAre("f0|"));
}

TEST_F(CopySourceTest, LogWithoutABase_FailsAsReadingItDoes) {
  Grow(4);
  RemoveCommits(2, 2);
  const Error missing = Refusal();
  EXPECT_EQ(missing.code(), ErrorCode::kCorrupt);
  EXPECT_EQ(missing.message(), ReadingRefusal().message());
  EXPECT_EQ(Number(missing, "missingVersion"), 2);

  files_.Write(CheckpointPath(3), "{");
  const Error damaged = Refusal();
  EXPECT_EQ(damaged.code(), ErrorCode::kCorrupt);
  EXPECT_EQ(damaged.message(), ReadingRefusal().message());

  // Reading the latest version does not need the one line that is damaged here.
  std::string add = AddLine("f0");
  add.replace(add.find("{}\""), 3, R"(\x")");
  Checkpoint(3, {add});
  EXPECT_EQ(Refusal().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(Refusal().message(), HasSubstr(CheckpointPath(3)));
}

TEST_F(CopySourceTest, RunWithoutMetadata_IsCorrupt) {
  Commit(0, {ProtocolLine(), AddLine("a")});
  EXPECT_EQ(Refusal().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(Refusal().message(), ReadingRefusal().message());
}

TEST_F(CopySourceTest, FeaturesThatCannotBeRead_AreNotAskedFor) {
  Commit(0, {ProtocolLine(9, 9), MetadataLine(), AddLine("a")});
  EXPECT_EQ(Describe(Planned()), "0-0: 0");
  Commit(1, {AddLine("b")});
  const CopySource source = Planned(LatestOnly());
  EXPECT_EQ(source.base_state().protocol->min_reader_version, 9);
  EXPECT_THAT(FileNames<AddFile>(source), ElementsAre("a|", "b|"));
}

// ---- how far ------------------------------------------------------------------------------------

TEST_F(CopySourceTest, UpTo_EndsTheRun) {
  Grow(6);
  EXPECT_EQ(Describe(Planned(UpTo(4))), "0-4: 0 1 2 3 4");
  EXPECT_EQ(Describe(Planned(UpTo(0))), "0-0: 0");
  CheckpointFiles(3);
  RemoveCommits(1, 1);
  EXPECT_EQ(Describe(Planned(UpTo(4))), "+3-4: 3 4");
  EXPECT_EQ(Describe(Planned(UpTo(3))), "+3-3: 3");
}

TEST_F(CopySourceTest, VersionsOutsideTheRun_AreNotFoundWithTheRange) {
  Grow(6);
  CheckpointFiles(3);
  RemoveCommits(1, 1);
  for (const std::int64_t version : {0, 2, 7}) {
    const Error error = Refusal(UpTo(version));
    EXPECT_EQ(error.code(), ErrorCode::kNotFound) << version;
    EXPECT_EQ(Number(error, "version"), version);
    EXPECT_EQ(Number(error, "earliestVersion"), 3) << version;
    EXPECT_EQ(Number(error, "latestVersion"), 6) << version;
  }
  EXPECT_EQ(Refusal(UpTo(-1)).code(), ErrorCode::kInvalidArgument);
}

// ---- the latest state only ----------------------------------------------------------------------

TEST_F(CopySourceTest, LatestOnly_ReconcilesCheckpointAndCommits) {
  Grow(1);
  Checkpoint(1, {AddLine("kept"), AddLine("removed"), AddLine("again", 1), RemoveLine("old"),
                 RemoveLine("back"), TxnLine("b", 1), TxnLine("a", 1), DomainLine("x", "1", false),
                 DomainLine("gone", "1", false)});
  Commit(2, {RemoveLine("removed"), RemoveLine("again"), AddLine("back"), AddLine("short"),
             TxnLine("b", 2), DomainLine("gone", "1", true)});
  Commit(3, {CommitInfoLine(), AddLine("again", 3), RemoveLine("short"), AddLine("new")});
  const CopySource source = Planned(LatestOnly());
  EXPECT_EQ(Describe(source), "+3-3: 3");
  EXPECT_THAT(FileNames<AddFile>(source), ElementsAre("again|", "back|", "kept|", "new|"));
  EXPECT_THAT(FileNames<RemoveFile>(source), ElementsAre("old|", "removed|", "short|"))
      << "a file that came back is no tombstone";
  const BaseActions actions(source);
  const auto transactions = actions.All<AppTransaction>();
  ASSERT_THAT(transactions, SizeIs(2));
  EXPECT_EQ(transactions[0].app_id, "a");
  EXPECT_EQ(transactions[1].version, 2);
  ASSERT_THAT(actions.All<DomainMetadata>(), SizeIs(1));
  EXPECT_EQ(actions.All<DomainMetadata>()[0].domain, "x");
}

TEST_F(CopySourceTest, LatestOnlyOfAnOlderVersion_IsItsState) {
  Grow(4);
  RemoveCommits(3, 3);
  CheckpointFiles(4);
  EXPECT_EQ(Describe(Planned(LatestOnly(2))), "+2-2: 2");
  EXPECT_THAT(FileNames<AddFile>(Planned(LatestOnly(2))), ElementsAre("f0|", "f1|", "f2|"));
  EXPECT_EQ(Describe(Planned(LatestOnly(0))), "0-0: 0") << "its commit says it all";
  EXPECT_EQ(Refusal(LatestOnly(3)).code(), ErrorCode::kNotFound) << "as reading it says";
  EXPECT_EQ(Refusal(LatestOnly(5)).code(), ErrorCode::kNotFound);
}

TEST_F(CopySourceTest, LatestOnlyWithADamagedCheckpoint_TakesAnOlderWay) {
  Grow(4);
  files_.Write(CheckpointPath(3), "{");
  EXPECT_EQ(Describe(Planned(LatestOnly())), "+4-4: 4");
  EXPECT_THAT(FileNames<AddFile>(Planned(LatestOnly())), SizeIs(5));
  std::string add = AddLine("f0");
  add.replace(add.find("{}\""), 3, R"(\x")");
  Checkpoint(3, {add});
  EXPECT_THAT(FileNames<AddFile>(Planned(LatestOnly())), SizeIs(5));
  RemoveCommits(0, 0);
  EXPECT_EQ(Refusal(LatestOnly()).code(), ErrorCode::kCorrupt);
}

TEST_F(CopySourceTest, DeletionVectorIsPartOfAFilesIdentity) {
  Grow(0);
  Checkpoint(0, {AddLine("a"), AddLine("b", 1, "v1"), RemoveLine("b", "v0")});
  RemoveCommits(0, 0);
  Commit(1, {RemoveLine("a"), AddLine("a", 1, "v1")});
  Commit(2, {RemoveLine("b", "v1"), AddLine("b", 1, "v2"), AddLine("b", 1, "v0")});
  const CopySource source = Planned(LatestOnly());
  EXPECT_THAT(FileNames<AddFile>(source), ElementsAre("a|uv1@1", "b|uv0@1", "b|uv2@1"));
  EXPECT_THAT(FileNames<RemoveFile>(source), ElementsAre("a|", "b|uv1@1"));
}

TEST_F(CopySourceTest, SpellingsOfAPath_AreOneFile) {
  Grow(0);
  Checkpoint(1, {AddLine("a%20b"), RemoveLine("/data/my%20table/c"), RemoveLine("d")});
  Commit(2, {RemoveLine("file:/data/my table/a b"), AddLine("c"), AddLine("%64")});
  const CopySource source = Planned(LatestOnly());
  EXPECT_THAT(FileNames<AddFile>(source), ElementsAre("c|", "d|"));
  EXPECT_THAT(FileNames<RemoveFile>(source), ElementsAre("a b|"));
}

// ---- the lines of a base ------------------------------------------------------------------------

TEST_F(CopySourceTest, BaseLines_AreStateThenAddsThenRemoves) {
  Grow(0);
  Checkpoint(1,
             {RemoveLine("z"), DomainLine("d2", "", false), AddLine("b", 7), TxnLine("t2", 2),
              DomainLine("d1", "{\\\"x\\\":1}", false), AddLine("a", 1, "v"), TxnLine("t1", -1)});
  RemoveCommits(0, 0);
  EXPECT_EQ(
      BaseText(Planned()),
      Lines({R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})",
             R"({"metaData":{"id":"t","format":{"provider":"parquet","options":{}},)"
             R"("schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],)"
             R"("configuration":{}}})",
             R"({"txn":{"appId":"t1","version":-1}})", R"({"txn":{"appId":"t2","version":2}})",
             R"({"domainMetadata":{"domain":"d1","configuration":"{\"x\":1}","removed":false}})",
             R"({"domainMetadata":{"domain":"d2","configuration":"","removed":false}})",
             R"({"add":{"path":"b","partitionValues":{},"size":7,"modificationTime":1,)"
             R"("dataChange":true,"stats":"{}"}})",
             R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,)"
             R"("dataChange":true,"stats":"{}","deletionVector":{"storageType":"u",)"
             R"("pathOrInlineDv":"v","offset":1,"sizeInBytes":2,"cardinality":3}}})",
             R"({"remove":{"path":"z","deletionTimestamp":1,"dataChange":true}})"}));
}

TEST_F(CopySourceTest, ActionSpreadOverLines_IsOneLineOfTheBase) {
  files_.Write(CommitPath(0), ProtocolLine() + "\n{\"metaData\": {\n\"id\": \"t\", \"later\": {\n" +
                                  "  \"x\": [1,\r\n 2]\n}\n}}\n");
  Commit(1, {AddLine("a")});
  const CopySource source = Planned(LatestOnly());
  const BaseActions actions(source);
  ASSERT_THAT(actions.actions, SizeIs(3));
  ASSERT_THAT(actions.All<Metadata>(), SizeIs(1));
  EXPECT_EQ(actions.All<Metadata>()[0].unknown_fields[0].second, "{   \"x\": [1,   2] }");
}

TEST_F(CopySourceTest, LargeBase_ComesInChunksAndTheSameEachTime) {
  constexpr int kFiles = 40'000;
  std::vector<std::string> lines;
  lines.reserve(2 * kFiles);
  for (int i = 0; i < kFiles; ++i) {
    lines.push_back(AddLine("a/quite/long/path/as/real/tables/have/part-" + std::to_string(i)));
    lines.push_back(RemoveLine("removed-" + std::to_string(i)));
  }
  Grow(2);
  RemoveCommits(0, 0);
  Checkpoint(1, lines);
  const CopySource source = Planned();
  const auto stream = source.OpenBase();
  ASSERT_TRUE(stream.has_value());
  std::vector<std::size_t> sizes;
  for (;;) {
    const auto chunk = (*stream)->Next();
    ASSERT_TRUE(chunk.has_value()) << chunk.error().message();
    if (!*chunk) break;
    sizes.push_back((*chunk)->text.size());
    EXPECT_LT(sizes.back(), kChunkBytes + 1000);
  }
  EXPECT_GE(sizes.size(), 2U);
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) EXPECT_GE(sizes[i], kChunkBytes);
  const std::string text = BaseText(source);
  EXPECT_EQ(text, BaseText(Planned()));
  EXPECT_EQ(std::ranges::count(text, '\n'), 2 * kFiles + 2);
  EXPECT_LT(text.find("part-0\""), text.find("part-39999\""));
  EXPECT_LT(text.find("part-39999\""), text.find("removed-0\""));
}

// ---- times --------------------------------------------------------------------------------------

TEST_F(CopySourceTest, Times_GoByTheLatestMetadataOfTheLog) {
  Grow(1);
  Commit(2, {CommitInfoLine(R"("inCommitTimestamp":2222)"),
             MetadataLine(R"("delta.enableInCommitTimestamps":"true",)"
                          R"("delta.inCommitTimestampEnablementVersion":"2")")});
  Commit(3, {CommitInfoLine(R"("inCommitTimestamp":3333)"), AddLine("x")});
  for (const CopyRange& range : {CopyRange{.up_to = {}, .after = {}}, UpTo(1), After(1)}) {
    const CopySource source = Planned(range);
    EXPECT_EQ(source.FindTime(Version(1))->time, Timestamp(1000));
    EXPECT_EQ(source.FindTime(Version(3))->time, Timestamp(3333));
    EXPECT_EQ(source.FindTime(Version(3))->source, TimeSource::kInCommit);
  }
  CheckpointFiles(3);  // its own metadata does not enable them
  RemoveCommits(1, 1);
  EXPECT_EQ(Planned(LatestOnly(0)).FindTime(Version(0))->source, TimeSource::kFile);
}

TEST_F(CopySourceTest, BaseWithoutItsCommit_HasTheTimeOfItsCheckpoint) {
  Grow(5);
  CheckpointFiles(3);
  RemoveCommits(0, 3);
  const auto time = Planned().FindTime(Version(3));
  ASSERT_TRUE(time.has_value());
  EXPECT_EQ(time->raw, Timestamp(3001));
  EXPECT_EQ(time->source, TimeSource::kCheckpoint);
}

// ---- continuing a copy --------------------------------------------------------------------------

TEST_F(CopySourceTest, ContinuedCopy_NeedsTheLaterCommitsAlone) {
  Grow(5);
  RemoveCommits(0, 2);
  files_.Write(CheckpointPath(2), "{");
  EXPECT_EQ(Refusal().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(Describe(Planned(After(3))), "4-5: 4 5");
  EXPECT_EQ(Describe(Planned(After(2))), "3-5: 3 4 5");
  CopyRange range = After(3);
  range.up_to = Version(4);
  EXPECT_EQ(Describe(Planned(range)), "4-4: 4");
  EXPECT_THAT(sink_.warnings(), IsEmpty());
}

TEST_F(CopySourceTest, ContinuedCopyWithNothingNew_IsEmpty) {
  Grow(3);
  EXPECT_EQ(Describe(Planned(After(3))), "4-3:");
  EXPECT_EQ(Describe(Planned(After(9))), "10-3:");
}

TEST_F(CopySourceTest, ContinuedCopyWhoseNextCommitIsGone_GetsANewBase) {
  Grow(6);
  CheckpointFiles(5);
  RemoveCommits(0, 4);
  EXPECT_EQ(Describe(Planned(After(3))), "+5-6: 5 6");
  EXPECT_EQ(Describe(Planned(After(4))), "5-6: 5 6");
}

TEST_F(CopySourceTest, ContinuedCopy_TakesTheMetadataItIsGiven) {
  Grow(2);
  Commit(3, {CommitInfoLine(R"("inCommitTimestamp":5)"), AddLine("x")});
  Metadata metadata;
  metadata.configuration["delta.enableInCommitTimestamps"] = "true";
  EXPECT_EQ(Planned(After(2, metadata)).FindTime(Version(3))->time, Timestamp(5));
  EXPECT_EQ(Planned(After(2)).FindTime(Version(3))->time, Timestamp(3000));
}

// ---- failures -----------------------------------------------------------------------------------

TEST_F(CopySourceTest, FailureThatIsNoDamage_IsGivenAsItIs) {
  Grow(4);
  RemoveCommits(0, 1);
  CheckpointFiles(2);
  CheckpointFiles(4);
  for (const ErrorCode code : {ErrorCode::kPermission, ErrorCode::kIo}) {
    files_.SetFault([&](FileOperation operation, const std::string& path) -> std::optional<Error> {
      if (operation == FileOperation::kOpen && path == CheckpointPath(2)) return Error(code, "no");
      return std::nullopt;
    });
    EXPECT_EQ(Refusal().code(), code);
  }
  files_.SetFault({});
  const CopySource source = Planned();
  files_.SetFault([](FileOperation operation, const std::string&) -> std::optional<Error> {
    if (operation == FileOperation::kRead) return Error(ErrorCode::kIo, "no");
    return std::nullopt;
  });
  EXPECT_EQ((*source.OpenBase())->Next().error().code(), ErrorCode::kIo);
}

TEST_F(CopySourceTest, LogThatChangesMeanwhile_IsUnavailable) {
  Grow(4);
  RemoveCommits(0, 1);
  CheckpointFiles(2);
  const auto folder = (*FileLog::Open(files_, kTable, sink_))->ListFolder();
  const CopySource source = Planned();
  files_.Drop(CheckpointPath(2));
  const auto again = CopySource::Plan(*folder, {});
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(*again.error().FindFact("file"), Error::FactValue(CheckpointPath(2)));
  EXPECT_EQ((*source.OpenBase())->Next().error().code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace deltalakedb::log
