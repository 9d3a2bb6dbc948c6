#include "protocol/action_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace deltalakedb::protocol {
namespace {

template <typename Write>
std::string Written(Write write) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  write(writer);
  EXPECT_TRUE(writer.IsComplete());
  return {buffer.GetString(), buffer.GetSize()};
}

std::string Written(const AddFile& add) {
  return Written([&](JsonWriter& writer) { WriteAdd(add, writer); });
}

std::string Written(const Metadata& metadata) {
  return Written([&](JsonWriter& writer) { WriteMetadata(metadata, writer); });
}

std::string Written(const Protocol& protocol) {
  return Written([&](JsonWriter& writer) { WriteProtocol(protocol, writer); });
}

TEST(ActionWriterTest, AddWithRequiredFieldsOnly_HasNoOthers) {
  AddFile add;
  add.path = "a.parquet";
  add.size = 7;
  add.modification_time = 1'704'164'645'000;
  add.data_change = true;
  EXPECT_EQ(Written(add), R"({"path":"a.parquet","partitionValues":{},"size":7,)"
                          R"("modificationTime":1704164645000,"dataChange":true})");
}

TEST(ActionWriterTest, AddWithEveryField_HasThemInTheProtocolsOrder) {
  const std::array partition_values{StringMapEntry{"day", "2024-01-02"},
                                    StringMapEntry{"empty", ""},
                                    StringMapEntry{"nothing", std::nullopt}};
  const std::array tags{StringMapEntry{"ZCUBE_ID", "1"}};
  AddFile add;
  add.path = "day=2024-01-02/a%20b.parquet";
  add.partition_values = partition_values;
  add.size = std::numeric_limits<std::int64_t>::max();
  add.modification_time = -1;
  add.stats = R"({"numRecords":3,"minValues":{"x":"\u00e9"}})";
  add.tags = tags;
  add.deletion_vector = DeletionVector{"u", "ab^-aqEH.-t@S}K{vb[*k^", 4, 40, 6};
  add.base_row_id = 0;
  add.default_row_commit_version = 5;
  add.clustering_provider = "liquid";
  EXPECT_EQ(Written(add),
            R"({"path":"day=2024-01-02/a%20b.parquet",)"
            R"("partitionValues":{"day":"2024-01-02","empty":"","nothing":null},)"
            R"("size":9223372036854775807,"modificationTime":-1,"dataChange":false,)"
            R"("stats":"{\"numRecords\":3,\"minValues\":{\"x\":\"\\u00e9\"}}",)"
            R"("tags":{"ZCUBE_ID":"1"},)"
            R"("deletionVector":{"storageType":"u","pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^",)"
            R"("offset":4,"sizeInBytes":40,"cardinality":6},)"
            R"("baseRowId":0,"defaultRowCommitVersion":5,"clusteringProvider":"liquid"})");
}

TEST(ActionWriterTest, EmptyTagsAndInlineVector_KeepWhatIsAbsentAbsent) {
  AddFile add;
  add.tags.emplace();
  add.deletion_vector = DeletionVector{"i", "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L",
                                       std::nullopt, 44, 6};
  const auto parsed = nlohmann::json::parse(Written(add));
  EXPECT_EQ(parsed["tags"], nlohmann::json::object());
  EXPECT_FALSE(parsed["deletionVector"].contains("offset"));
  EXPECT_FALSE(parsed.contains("stats"));
}

TEST(ActionWriterTest, Protocol_TellsAnEmptyFeatureListFromNone) {
  Protocol protocol;
  protocol.min_reader_version = 1;
  protocol.min_writer_version = 2;
  EXPECT_EQ(Written(protocol), R"({"minReaderVersion":1,"minWriterVersion":2})");

  protocol = {.min_reader_version = 3,
              .min_writer_version = 7,
              .reader_features = std::vector<std::string>{},
              .writer_features = std::vector<std::string>{"appendOnly", "v2Checkpoint"},
              .unknown_fields = {{"later", R"({"a": [1.0]})"}}};
  EXPECT_EQ(Written(protocol),
            R"({"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[],)"
            R"("writerFeatures":["appendOnly","v2Checkpoint"],"later":{"a": [1.0]}})");
}

TEST(ActionWriterTest, MetadataThatLacksNearlyEverything_IsWritten) {
  EXPECT_EQ(Written(Metadata{}), R"({"partitionColumns":[],"configuration":{}})");
}

TEST(ActionWriterTest, MetadataWithEveryField_KeepsSchemaAndUnknownFieldsVerbatim) {
  Metadata metadata;
  metadata.id = "5fba94ed-9794-4965-ba6e-6ee3c0d22af9";
  metadata.name = "orders";
  metadata.description = "";
  metadata.format_provider = "parquet";
  metadata.format_options = {{"codec", "zstd"}};
  metadata.schema_string = R"({"type":"struct", "fields":[]})";
  metadata.partition_columns = {"day", "größe"};
  metadata.created_time = 0;
  metadata.configuration = {{"delta.appendOnly", "true"}, {"key", "line\nbreak"}};
  metadata.unknown_fields = {{"later", "1.50"}, {"sooner", "null"}};
  EXPECT_EQ(Written(metadata),
            R"({"id":"5fba94ed-9794-4965-ba6e-6ee3c0d22af9","name":"orders","description":"",)"
            R"("format":{"provider":"parquet","options":{"codec":"zstd"}},)"
            R"("schemaString":"{\"type\":\"struct\", \"fields\":[]}",)"
            R"("partitionColumns":["day","größe"],)"
            R"("configuration":{"delta.appendOnly":"true","key":"line\nbreak"},)"
            R"("createdTime":0,"later":1.50,"sooner":null})");
}

TEST(ActionWriterTest, EveryCharacter_ReadsBackAsItWas) {
  std::string text;
  for (char c = 0; c < 127; ++c) text.push_back(c);
  text += "\x7F ä € 😀 \u2028";
  AddFile add;
  add.path = text;
  EXPECT_EQ(nlohmann::json::parse(Written(add))["path"].get<std::string>(), text);
}

}  // namespace
}  // namespace deltalakedb::protocol
