#include "protocol/action_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "protocol/parsed_lines_internal.h"

namespace deltalakedb::protocol {
namespace {

using namespace testing_lines;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// ---- file actions -------------------------------------------------------------------------------

TEST(ActionJsonTest, AddWithEveryField_IsRead) {
  Lines lines;
  const auto add = lines.Get<AddFile>(kFullAdd);
  EXPECT_EQ(add.path, "day=2024-01-02/a%20b.parquet");
  ASSERT_EQ(add.partition_values.size(), 3U);
  EXPECT_EQ(add.partition_values[0].key, "day");
  EXPECT_EQ(add.partition_values[0].value, "2024-01-02");
  EXPECT_EQ(add.partition_values[1].key, "none");
  EXPECT_EQ(add.partition_values[1].value, std::nullopt);
  EXPECT_EQ(add.partition_values[2].value, "");
  EXPECT_EQ(add.size, 9223372036854775807);
  EXPECT_EQ(add.modification_time, -1);
  EXPECT_TRUE(add.data_change);
  EXPECT_EQ(add.stats, R"({"numRecords":3})");
  ASSERT_TRUE(add.tags.has_value());
  ASSERT_EQ(add.tags->size(), 2U);
  EXPECT_EQ((*add.tags)[1].value, std::nullopt);
  ASSERT_TRUE(add.deletion_vector.has_value());
  EXPECT_EQ(add.deletion_vector->storage_type, "u");
  EXPECT_EQ(add.deletion_vector->path_or_inline_dv, "ab^-aqEH.-t@S}K{vb[*k^");
  EXPECT_EQ(add.deletion_vector->offset, 4);
  EXPECT_EQ(add.deletion_vector->size_in_bytes, 40);
  EXPECT_EQ(add.deletion_vector->cardinality, 6);
  EXPECT_EQ(add.deletion_vector->UniqueId(), "uab^-aqEH.-t@S}K{vb[*k^@4");
  EXPECT_EQ(add.base_row_id, 0);
  EXPECT_EQ(add.default_row_commit_version, 5);
  EXPECT_EQ(add.clustering_provider, "liquid");
}

TEST(ActionJsonTest, AddWithRequiredFieldsOnly_HasNoOthers) {
  Lines lines;
  for (const FileDetail detail : kEveryDetail) {
    const auto add = lines.Get<AddFile>(kMinimalAdd, detail);
    EXPECT_EQ(add.path, "a");
    EXPECT_EQ(add.size, 1);
    EXPECT_THAT(add.partition_values, IsEmpty());
    EXPECT_FALSE(add.stats || add.tags || add.deletion_vector || add.base_row_id ||
                 add.default_row_commit_version || add.clustering_provider);
  }
}

TEST(ActionJsonTest, OptionalFieldsThatAreNull_AreAbsent) {
  Lines lines;
  const auto add = lines.Get<AddFile>(
      R"({"add":{"path":"a","partitionValues":null,"size":1,"modificationTime":2,)"
      R"("dataChange":true,"stats":null,"tags":null,"deletionVector":null,"baseRowId":null,)"
      R"("defaultRowCommitVersion":null,"clusteringProvider":null,"other":null}})");
  EXPECT_FALSE(add.stats || add.tags || add.deletion_vector || add.base_row_id ||
               add.default_row_commit_version || add.clustering_provider);
  const auto remove = lines.Get<RemoveFile>(
      R"({"remove":{"path":"a","deletionTimestamp":null,"dataChange":null,)"
      R"("extendedFileMetadata":null,"partitionValues":null,"size":null,"stats":null,"tags":null,)"
      R"("deletionVector":null,"baseRowId":null,"defaultRowCommitVersion":null}})");
  EXPECT_FALSE(remove.deletion_timestamp || remove.extended_file_metadata ||
               remove.partition_values || remove.size || remove.stats || remove.tags ||
               remove.deletion_vector || remove.base_row_id || remove.default_row_commit_version);
}

TEST(ActionJsonTest, EmptyMapsAndTexts_DifferFromAbsentOnes) {
  Lines lines;
  const auto add = lines.Get<AddFile>(
      R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":2,"dataChange":true,)"
      R"("stats":"","tags":{},"clusteringProvider":""}})");
  EXPECT_EQ(add.stats, "");
  ASSERT_TRUE(add.tags.has_value());
  EXPECT_THAT(*add.tags, IsEmpty());
  EXPECT_EQ(add.clustering_provider, "");
}

TEST(ActionJsonTest, LessDetail_LeavesTheRestUnset) {
  Lines lines;
  const auto identity = lines.Get<AddFile>(kFullAdd, FileDetail::kIdentity);
  EXPECT_EQ(identity.path, "day=2024-01-02/a%20b.parquet");
  EXPECT_EQ(identity.size, 9223372036854775807);
  EXPECT_EQ(identity.deletion_vector->UniqueId(), "uab^-aqEH.-t@S}K{vb[*k^@4");
  EXPECT_THAT(identity.partition_values, IsEmpty());
  EXPECT_FALSE(identity.stats || identity.tags);
  const auto no_stats = lines.Get<AddFile>(kFullAdd, FileDetail::kWithoutStats);
  EXPECT_EQ(no_stats.partition_values.size(), 3U);
  EXPECT_EQ(no_stats.tags->size(), 2U);
  EXPECT_FALSE(no_stats.stats);
}

TEST(ActionJsonTest, RemoveWithEveryField_IsRead) {
  Lines lines;
  const auto remove = lines.Get<RemoveFile>(
      R"({"remove":{"path":"a","deletionTimestamp":1704164645000,"dataChange":true,)"
      R"("extendedFileMetadata":true,"partitionValues":{"p":null},"size":7,"stats":"{}",)"
      R"("tags":{"k":"v"},"deletionVector":{"storageType":"i","pathOrInlineDv":"x",)"
      R"("sizeInBytes":1,"cardinality":2},"baseRowId":3,"defaultRowCommitVersion":4}})");
  EXPECT_EQ(remove.path, "a");
  EXPECT_EQ(remove.deletion_timestamp, 1704164645000);
  EXPECT_TRUE(remove.data_change);
  EXPECT_EQ(remove.extended_file_metadata, true);
  ASSERT_EQ(remove.partition_values->size(), 1U);
  EXPECT_EQ((*remove.partition_values)[0].value, std::nullopt);
  EXPECT_EQ(remove.size, 7);
  EXPECT_EQ(remove.stats, "{}");
  EXPECT_EQ((*remove.tags)[0].value, "v");
  EXPECT_EQ(remove.deletion_vector->UniqueId(), "ix");
  EXPECT_EQ(remove.deletion_vector->offset, std::nullopt);
  EXPECT_EQ(remove.base_row_id, 3);
  EXPECT_EQ(remove.default_row_commit_version, 4);
}

TEST(ActionJsonTest, RemoveOfOldWriters_NeedsOnlyItsPath) {
  Lines lines;
  EXPECT_EQ(lines.Get<RemoveFile>(R"({"remove":{"path":"a"}})").path, "a");
}

TEST(ActionJsonTest, OffsetZeroOfADeletionVector_IsPartOfItsId) {
  Lines lines;
  const auto add = lines.Get<AddFile>(
      R"({"add":{"path":"a","size":1,"modificationTime":2,"dataChange":true,"deletionVector":)"
      R"({"storageType":"p","pathOrInlineDv":"file:/x","offset":0,"sizeInBytes":1,"cardinality":1}}})");
  EXPECT_EQ(add.deletion_vector->UniqueId(), "pfile:/x@0");
}

TEST(ActionJsonTest, Cdc_IsRead) {
  Lines lines;
  const auto cdc = lines.Get<CdcFile>(
      R"({"cdc":{"path":"_change_data/c","partitionValues":{"p":"1"},"size":3,"dataChange":false,)"
      R"("tags":{"t":""}}})");
  EXPECT_EQ(cdc.path, "_change_data/c");
  EXPECT_EQ(cdc.partition_values[0].value, "1");
  EXPECT_EQ(cdc.size, 3);
  EXPECT_FALSE(cdc.data_change);
  EXPECT_EQ((*cdc.tags)[0].value, "");
}

// ---- the other actions --------------------------------------------------------------------------

TEST(ActionJsonTest, MetadataWithEveryField_IsRead) {
  Lines lines;
  const auto metadata = lines.Get<Metadata>(
      R"({"metaData":{"id":"5fba94ed","name":"n","description":"d","format":{"provider":"parquet",)"
      R"("options":{"o":"1"},"more":1},"schemaString":"{ \"type\":\"struct\", \"fields\":[]}",)"
      R"("partitionColumns":["p","q"],"createdTime":17,"configuration":{"delta.appendOnly":"true",)"
      R"("x":null},"future":{"a": [1, 2.50]},"more":12345678901234567890123}})");
  EXPECT_EQ(metadata.id, "5fba94ed");
  EXPECT_EQ(metadata.name, "n");
  EXPECT_EQ(metadata.description, "d");
  EXPECT_EQ(metadata.format_provider, "parquet");
  EXPECT_THAT(metadata.format_options, ElementsAre(Pair("o", "1")));
  EXPECT_EQ(metadata.schema_string, R"({ "type":"struct", "fields":[]})");
  EXPECT_THAT(metadata.partition_columns, ElementsAre("p", "q"));
  EXPECT_EQ(metadata.created_time, 17);
  EXPECT_THAT(metadata.configuration, ElementsAre(Pair("delta.appendOnly", "true")));
  EXPECT_THAT(metadata.unknown_fields, ElementsAre(Pair("future", R"({"a": [1, 2.50]})"),
                                                   Pair("more", "12345678901234567890123")));
}

TEST(ActionJsonTest, MetadataThatLacksFields_HasNone) {
  Lines lines;
  const auto metadata =
      lines.Get<Metadata>(R"({"metaData":{"name":null,"createdTime":null,"format":{}}})");
  EXPECT_FALSE(metadata.id || metadata.name || metadata.description || metadata.format_provider ||
               metadata.schema_string || metadata.created_time);
  EXPECT_THAT(metadata.unknown_fields, IsEmpty());
}

TEST(ActionJsonTest, ProtocolFeatures_AbsentDiffersFromEmpty) {
  Lines lines;
  const auto legacy =
      lines.Get<Protocol>(R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})");
  EXPECT_EQ(legacy.min_reader_version, 1);
  EXPECT_EQ(legacy.min_writer_version, 2);
  EXPECT_FALSE(legacy.reader_features || legacy.writer_features);
  const auto features = lines.Get<Protocol>(
      R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[],)"
      R"("writerFeatures":["appendOnly","new \u00e9"],"extra":true}})");
  ASSERT_TRUE(features.reader_features.has_value());
  EXPECT_THAT(*features.reader_features, IsEmpty());
  EXPECT_THAT(*features.writer_features, ElementsAre("appendOnly", "new \u00e9"));
  EXPECT_THAT(features.unknown_fields, ElementsAre(Pair("extra", "true")));
  const auto null_features = lines.Get<Protocol>(
      R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2,"readerFeatures":null}})");
  EXPECT_FALSE(null_features.reader_features);
}

TEST(ActionJsonTest, AppTransactionAndDomain_AreRead) {
  Lines lines;
  const auto txn =
      lines.Get<AppTransaction>(R"({"txn":{"appId":"stream","version":-5,"lastUpdated":9}})");
  EXPECT_EQ(txn.app_id, "stream");
  EXPECT_EQ(txn.version, -5);
  EXPECT_EQ(txn.last_updated, 9);
  EXPECT_FALSE(lines.Get<AppTransaction>(R"({"txn":{"appId":"","version":0}})").last_updated);
  const auto domain = lines.Get<DomainMetadata>(
      R"({"domainMetadata":{"domain":"delta.clustering","configuration":"{\"a\":[\"b\"]}",)"
      R"("removed":true}})");
  EXPECT_EQ(domain.domain, "delta.clustering");
  EXPECT_EQ(domain.configuration, R"({"a":["b"]})");
  EXPECT_TRUE(domain.removed);
  EXPECT_FALSE(lines.Get<DomainMetadata>(R"({"domainMetadata":{"domain":"d","configuration":"c"}})")
                   .removed);
}

TEST(ActionJsonTest, ActionsOfCheckpoints_AreRead) {
  Lines lines;
  EXPECT_EQ(lines
                .Get<CheckpointMetadata>(
                    R"({"checkpointMetadata":{"version":8,"tags":{"numOfAddFiles":"3"}}})")
                .version,
            Version(8));
  const auto sidecar = lines.Get<Sidecar>(
      R"({"sidecar":{"path":"a%20b.parquet","sizeInBytes":9,"modificationTime":1,"tags":{}}})");
  EXPECT_EQ(sidecar.path, "a%20b.parquet");
  EXPECT_EQ(sidecar.size_in_bytes, 9);
}

// ---- commitInfo ---------------------------------------------------------------------------------

TEST(ActionJsonTest, CommitInfo_IsReadAndKeptVerbatim) {
  const std::string raw =
      R"({"timestamp":1,"inCommitTimestamp":2,"operation":"WRITE","operationParameters":)"
      R"({"mode": "Append", "partitionBy":["a"],"n":1.50,"b":true},"operationMetrics":{"x":"1"},)"
      R"("userMetadata":"\u00fc \"q\"","engineInfo":"e","readVersion":7,"isBlindAppend":false,)"
      R"("txnId":"t","tags":{"delta.rowTracking.preserved":"true"},"job":null,"z":[{}]})";
  Lines lines;
  const auto info = lines.Get<CommitInfo>(Envelope("commitInfo", " " + raw + " "));
  EXPECT_EQ(info.raw, raw);
  EXPECT_EQ(info.timestamp, 1);
  EXPECT_EQ(info.in_commit_timestamp, 2);
  EXPECT_EQ(info.operation, "WRITE");
  EXPECT_EQ(info.operation_parameters,
            R"({"mode": "Append", "partitionBy":["a"],"n":1.50,"b":true})");
  EXPECT_EQ(info.operation_metrics, R"({"x":"1"})");
  EXPECT_EQ(info.user_metadata, "\u00fc \"q\"");
  EXPECT_EQ(info.engine_info, "e");
  EXPECT_EQ(info.read_version, 7);
  EXPECT_EQ(info.is_blind_append, false);
  EXPECT_EQ(info.txn_id, "t");
}

TEST(ActionJsonTest, CommitInfoFieldsOfUnusualTypes_StayUnread) {
  Lines lines;
  const std::string raw =
      R"({"timestamp":"now","inCommitTimestamp":1.5,"operation":{"a":1},"operationParameters":"x",)"
      R"("operationMetrics":[1],"userMetadata":3,"engineInfo":null,"readVersion":1e300,)"
      R"("isBlindAppend":"true","txnId":[]})";
  const auto info = lines.Get<CommitInfo>(Envelope("commitInfo", raw));
  EXPECT_EQ(info.raw, raw);
  EXPECT_FALSE(info.timestamp || info.in_commit_timestamp || info.operation ||
               info.operation_parameters || info.operation_metrics || info.user_metadata ||
               info.engine_info || info.read_version || info.is_blind_append || info.txn_id);
  // What follows a field that could not be read is still found.
  EXPECT_EQ(
      lines
          .Get<CommitInfo>(R"({"commitInfo":{"readVersion":99999999999999999999,"operation":"A"}})")
          .operation,
      "A");
  EXPECT_EQ(lines.Get<CommitInfo>(R"({"commitInfo":{}})").raw, "{}");
}

// ---- what is not known --------------------------------------------------------------------------

TEST(ActionJsonTest, UnknownActions_AreNamedAndTaken) {
  Lines lines;
  EXPECT_EQ(lines.Get<UnknownAction>(R"({"teleport":{"to":[1,{"x":null}]}})").name, "teleport");
  EXPECT_EQ(lines.Get<UnknownAction>(R"({"teleport":7})").name, "teleport");
  EXPECT_EQ(lines.Get<UnknownAction>(R"({})").name, "");
  EXPECT_EQ(lines.Get<UnknownAction>(R"({"add":null})").name, "");
}

TEST(ActionJsonTest, UnknownBesideAKnownAction_ChangesNothing) {
  Lines lines;
  const std::string txn = R"("txn":{"appId":"a","version":1})";
  EXPECT_EQ(lines.Get<AppTransaction>("{\"more\":[1]," + txn + "}").app_id, "a");
  EXPECT_EQ(lines.Get<AppTransaction>("{" + txn + ",\"more\":{}}").app_id, "a");
  EXPECT_EQ(lines.Get<AppTransaction>("{\"add\":null," + txn + ",\"remove\":null}").app_id, "a");
}

TEST(ActionJsonTest, UnknownFields_OfAnyKindAndSizeAreIgnored) {
  const std::vector<std::string> values = {"null",
                                           "true",
                                           "-0",
                                           "1e5",
                                           "123456789012345678901234567890",
                                           "-1.5E-300",
                                           "1e999",
                                           std::string(400, '9'),
                                           "\"\\u00e9\\n\\\"\"",
                                           "[]",
                                           "{}",
                                           R"([[{"a":[1,"x",null]}]])"};
  Lines lines;
  for (const std::string& value : values) {
    for (const FileDetail detail : kEveryDetail) {
      EXPECT_EQ(lines
                    .Get<AddFile>(R"({"add":{"future":)" + value +
                                      R"(,"path":"a","size":1,"modificationTime":2,)"
                                      R"("dataChange":true,"later":)" +
                                      value + "}}",
                                  detail)
                    .path,
                "a")
          << value;
    }
    EXPECT_EQ(lines.Get<UnknownAction>("{\"future\":{\"x\":" + value + "}}").name, "future");
    EXPECT_EQ(lines.Get<Metadata>("{\"metaData\":{\"x\": " + value + " }}").unknown_fields,
              value == "null" ? UnknownFields() : UnknownFields({{"x", value}}));
    EXPECT_EQ(lines.Get<CommitInfo>("{\"commitInfo\":{\"x\":" + value + "}}").raw,
              "{\"x\":" + value + "}");
  }
}

// ---- texts --------------------------------------------------------------------------------------

TEST(ActionJsonTest, EscapesAndUnicode_AreResolvedInKeysAndValues) {
  Lines lines;
  const auto add = lines.Get<AddFile>(
      R"({"\u0061dd":{"p\u0061th":"\u00fc\ud83d\ude00\\\/\b\f\n\r\t\"\u0000x",)"
      R"("partitionValues":{"k\"ey":"\u00e4","日本":"語"},"size":1,"modificationTime":2,)"
      R"("dataChange":true}})");
  EXPECT_EQ(add.path, std::string_view("\u00fc\U0001F600\\/\b\f\n\r\t\"\0x", 16));
  EXPECT_EQ(add.partition_values[0].key, "k\"ey");
  EXPECT_EQ(add.partition_values[0].value, "\u00e4");
  EXPECT_EQ(add.partition_values[1].key, "日本");
  EXPECT_EQ(add.partition_values[1].value, "語");
}

TEST(ActionJsonTest, TextsOfAFile_OutliveTheLineAndLaterLines) {
  Lines lines;
  std::vector<AddFile> adds;
  for (int i = 0; i < 2000; ++i) {
    const std::string text =
        std::to_string(i) + std::string(static_cast<std::size_t>(i % 700), 'x');
    adds.push_back(lines.Get<AddFile>(R"({"add":{"path":")" + text +
                                      R"(","partitionValues":{"k":")" + text +
                                      R"("},"size":1,"modificationTime":2,"dataChange":true}})"));
  }
  for (int i = 0; i < 2000; ++i) {
    const std::string text =
        std::to_string(i) + std::string(static_cast<std::size_t>(i % 700), 'x');
    ASSERT_EQ(adds[static_cast<std::size_t>(i)].path, text);
    ASSERT_EQ(adds[static_cast<std::size_t>(i)].partition_values[0].value, text);
  }
}

TEST(ActionJsonTest, NotUtf8_IsCorruptWhereverItIs) {
  for (const FileDetail detail : kEveryDetail) {
    for (const std::string bad : {"\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf"}) {
      EXPECT_THAT(Refusal(R"({"add":{"path":")" + bad +
                              R"(","size":1,"modificationTime":2,"dataChange":true}})",
                          detail),
                  HasSubstr("not UTF-8"));
      EXPECT_THAT(Refusal(R"({"new":{"x":")" + bad + R"("}})", detail), HasSubstr("not UTF-8"));
    }
  }
}

TEST(ActionJsonTest, HalfOfASurrogatePair_IsCorrupt) {
  EXPECT_NE(Refusal(R"({"txn":{"appId":"\ud83d","version":1}})"), "taken");
  EXPECT_NE(Refusal(R"({"txn":{"appId":"\ud83dx","version":1}})"), "taken");
  EXPECT_NE(Refusal(R"({"commitInfo":{"userMetadata":"\ude00"}})"), "taken");
}

TEST(ActionJsonTest, WhiteSpaceAroundEverything_MeansNothing) {
  Lines lines;
  const auto txn =
      lines.Get<AppTransaction>(" \t{ \"txn\" : { \"appId\" :\t\"a\" , \"version\" : 1 \r } } \r");
  EXPECT_EQ(txn.app_id, "a");
  EXPECT_EQ(lines.Get<AddFile>(std::string(kMinimalAdd) + "   \t \r").path, "a");
}

TEST(ActionJsonTest, AnyPadding_IsNeverRead) {
  for (const char padding : {'"', '}', '{', ',', '0', '\\', '\n', '\0', '\xff'}) {
    Lines lines;
    lines.SetPadding(padding);
    EXPECT_EQ(lines.Get<AddFile>(kMinimalAdd).path, "a");
    EXPECT_EQ(lines.Get<AddFile>(kFullAdd).stats, R"({"numRecords":3})");
    for (const FileDetail detail : kEveryDetail) {
      EXPECT_FALSE(lines.Parse(kFullAdd.substr(0, kFullAdd.size() - 1), detail).has_value());
      EXPECT_FALSE(lines.Parse(R"({"add":{"path":"a)", detail).has_value());
      EXPECT_FALSE(lines.Parse("", detail).has_value());
    }
  }
}

// Texts are resolved into a buffer that depends on the length of the line.
TEST(ActionJsonTest, LinesOfEveryLength_AreRead) {
  Lines lines;
  for (std::size_t length = 0; length < 300; ++length) {
    const std::string text(length, 'q');
    const auto txn =
        lines.Get<AppTransaction>(R"({"txn":{"appId":")" + text + R"(","version":1}})");
    ASSERT_EQ(txn.app_id, text);
  }
  const std::string long_text(3'000'000, 'q');
  EXPECT_EQ(
      lines.Get<AppTransaction>(R"({"txn":{"appId":")" + long_text + R"(","version":1}})").app_id,
      long_text);
  EXPECT_EQ(lines.Get<AddFile>(kMinimalAdd).path, "a");
}

}  // namespace
}  // namespace deltalakedb::protocol
