#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/checkpoint_bytes_internal.h"
#include "storage/checkpoint_parquet.h"

namespace deltalakedb::storage {
namespace {

using namespace testing_checkpoints;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(CheckpointStateTest, StateActions_AreRead) {
  const auto state = State(Bytes(CheckpointSchema(), R"(
    {"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["a","b"],"writerFeatures":[]}},
    {"add":{"path":"x","size":1,"modificationTime":1,"dataChange":true}},
    {"metaData":{"id":"i","name":"n","description":"","format":{"provider":"parquet","options":[["o","1"]]},
                 "schemaString":"{ }","partitionColumns":["p"],
                 "configuration":[["k","v"],["none",null]],"createdTime":9}},
    {"remove":{"path":"y","dataChange":false}},
    {"txn":{"appId":"app","version":-1,"lastUpdated":null}},
    {"txn":{"appId":"app2","version":2,"lastUpdated":3}},
    {"domainMetadata":{"domain":"d","configuration":"c","removed":false}},
    {"domainMetadata":{"domain":"gone","configuration":null,"removed":true}},
    {"checkpointMetadata":{"version":12,"tags":null}},
    {"sidecar":{"path":"s.parquet","sizeInBytes":5,"modificationTime":6,"tags":[["a","b"]]}})"));
  ASSERT_TRUE(state.has_value()) << state.error().message();
  EXPECT_EQ(state->protocol->min_reader_version, 3);
  EXPECT_EQ(state->protocol->min_writer_version, 7);
  EXPECT_THAT(*state->protocol->reader_features, ElementsAre("a", "b"));
  EXPECT_THAT(*state->protocol->writer_features, IsEmpty());
  const Metadata& metadata = *state->metadata;
  EXPECT_EQ(metadata.id, "i");
  EXPECT_EQ(metadata.name, "n");
  EXPECT_EQ(metadata.description, "");
  EXPECT_EQ(metadata.format_provider, "parquet");
  EXPECT_THAT(metadata.format_options, ElementsAre(Pair("o", "1")));
  EXPECT_EQ(metadata.schema_string, "{ }");
  EXPECT_THAT(metadata.partition_columns, ElementsAre("p"));
  EXPECT_THAT(metadata.configuration, ElementsAre(Pair("k", "v")));
  EXPECT_EQ(metadata.created_time, 9);
  ASSERT_EQ(state->app_transactions.size(), 2U);
  EXPECT_EQ(state->app_transactions[0].app_id, "app");
  EXPECT_EQ(state->app_transactions[0].version, -1);
  EXPECT_EQ(state->app_transactions[0].last_updated, std::nullopt);
  EXPECT_EQ(state->app_transactions[1].last_updated, 3);
  ASSERT_EQ(state->domain_metadata.size(), 2U);
  EXPECT_EQ(state->domain_metadata[0].configuration, "c");
  EXPECT_TRUE(state->domain_metadata[1].removed);
  EXPECT_EQ(state->checkpoint_metadata->version, Version(12));
  ASSERT_EQ(state->sidecars.size(), 1U);
  EXPECT_EQ(state->sidecars[0].path, "s.parquet");
  EXPECT_EQ(state->sidecars[0].size_in_bytes, 5);
}

TEST(CheckpointStateTest, FeatureListsThatAreNull_DifferFromEmptyOnes) {
  const auto state = State(Bytes(CheckpointSchema(), R"(
    {"protocol":{"minReaderVersion":1,"minWriterVersion":2,"readerFeatures":null,"writerFeatures":null}})"));
  EXPECT_FALSE(state->protocol->reader_features);
  EXPECT_FALSE(state->protocol->writer_features);
  EXPECT_FALSE(state->metadata);
}

TEST(CheckpointStateTest, ColumnsThatAreMissing_AreNull) {
  const auto state = State(OneColumn("protocol",
                                     arrow::struct_({field("minReaderVersion", arrow::int64()),
                                                     field("minWriterVersion", arrow::int8())}),
                                     R"(null,{"minReaderVersion":1,"minWriterVersion":2},null)"));
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->protocol->min_writer_version, 2);
  EXPECT_FALSE(state->protocol->reader_features);
  EXPECT_FALSE(state->metadata);
  EXPECT_THAT(state->app_transactions, IsEmpty());
  const auto metadata =
      State(OneColumn("metaData", arrow::struct_({field("id", arrow::utf8())}), R"({"id":"i"})"));
  EXPECT_EQ(metadata->metadata->id, "i");
  EXPECT_FALSE(metadata->metadata->format_provider || metadata->metadata->schema_string);
}

TEST(CheckpointStateTest, NullsInsideOfLists_AreEmptyTexts) {
  const auto state = State(
      OneColumn("protocol",
                arrow::struct_({field("minReaderVersion", arrow::int32()),
                                field("minWriterVersion", arrow::int32()),
                                field("readerFeatures", arrow::large_list(arrow::large_utf8()))}),
                R"({"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["a",null]})"));
  EXPECT_THAT(*state->protocol->reader_features, ElementsAre("a", ""));
}

// An action beyond the first batch must not be missed.
TEST(CheckpointStateTest, StateActionsInAnyRowGroup_AreRead) {
  std::string rows;
  for (int i = 0; i < 3000; ++i) {
    rows += R"({"add":{"path":"x","size":1,"modificationTime":1,"dataChange":true}},)";
  }
  rows += R"({"txn":{"appId":"last","version":1,"lastUpdated":null}})";
  const auto state = State(WriteParquet(MakeTable(CheckpointSchema(), rows), 700));
  ASSERT_EQ(state->app_transactions.size(), 1U);
  EXPECT_EQ(state->app_transactions[0].app_id, "last");
}

TEST(CheckpointStateTest, StateOfWrongTypes_IsCorruptByName) {
  const auto& text = arrow::utf8();
  ExpectCorruptState(OneColumn("protocol", arrow::struct_({field("minReaderVersion", text)}),
                               R"({"minReaderVersion":"1"})"),
                     "protocol.minReaderVersion");
  ExpectCorruptState(
      OneColumn("protocol", arrow::struct_({field("minReaderVersion", arrow::float64())}),
                R"({"minReaderVersion":1.0})"),
      "protocol.minReaderVersion");
  ExpectCorruptState(
      OneColumn("protocol", arrow::struct_({field("minReaderVersion", arrow::int64())}),
                R"({"minReaderVersion":4294967297})"),
      "protocol.minReaderVersion is out of range");
  ExpectCorruptState(
      OneColumn("protocol", arrow::struct_({field("minReaderVersion", arrow::int32())}),
                R"({"minReaderVersion":1})"),
      "protocol.minWriterVersion is missing");
  ExpectCorruptState(OneColumn("protocol",
                               arrow::struct_({field("minReaderVersion", arrow::int32()),
                                               field("readerFeatures", text)}),
                               R"({"minReaderVersion":1,"readerFeatures":"a"})"),
                     "protocol.readerFeatures");
  ExpectCorruptState(
      OneColumn("metaData", arrow::struct_({field("id", arrow::int32())}), R"({"id":1})"),
      "metaData.id");
  ExpectCorruptState(
      OneColumn("metaData", arrow::struct_({field("configuration", arrow::list(text))}),
                R"({"configuration":["a"]})"),
      "metaData.configuration");
  ExpectCorruptState(
      OneColumn("metaData",
                arrow::struct_({field("configuration", arrow::map(text, arrow::int32()))}),
                R"({"configuration":[["a",1]]})"),
      "metaData.configuration");
  ExpectCorruptState(
      OneColumn("metaData", arrow::struct_({field("format", text)}), R"({"format":"parquet"})"),
      "metaData.format");
  ExpectCorruptState(
      OneColumn("txn", arrow::struct_({field("version", arrow::int64())}), R"({"version":1})"),
      "txn.appId is missing");
  ExpectCorruptState(OneColumn("txn", text, R"("a")"), "txn");
  ExpectCorruptState(
      OneColumn("domainMetadata",
                arrow::struct_({field("domain", text), field("removed", arrow::int32())}),
                R"({"domain":"d","removed":1})"),
      "domainMetadata.removed");
  ExpectCorruptState(OneColumn("checkpointMetadata", arrow::struct_({field("version", text)}),
                               R"({"version":"1"})"),
                     "checkpointMetadata.version");
  ExpectCorruptState(OneColumn("sidecar", arrow::struct_({field("sizeInBytes", arrow::int64())}),
                               R"({"sizeInBytes":1})"),
                     "sidecar.path is missing");
}

}  // namespace
}  // namespace deltalakedb::storage
