#include "protocol/action_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "protocol/parsed_lines_internal.h"

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

// An action of this name as it was written, and what ActionParser makes of that.
template <typename T>
class ReadBack {
 public:
  ReadBack(std::string_view name, const T& written, void (*write)(const T&, JsonWriter&))
      : text(Written([&](JsonWriter& writer) { write(written, writer); })),
        action(lines_.Get<T>(testing_lines::Envelope(name, text))) {}

 private:
  testing_lines::Lines lines_;

 public:
  std::string text;
  T action;
};

void ExpectEqual(const std::optional<StringMapView>& actual,
                 const std::optional<StringMapView>& expected) {
  ASSERT_EQ(actual.has_value(), expected.has_value());
  if (!actual) return;
  EXPECT_TRUE(std::ranges::equal(*actual, *expected, [](const auto& a, const auto& b) {
    return a.key == b.key && a.value == b.value;
  }));
}

TEST(ActionWriterTest, RemoveWithEveryField_ReadsBackAsItWas) {
  const std::array partition_values{StringMapEntry{"day", "2024-01-02"},
                                    StringMapEntry{"empty", ""},
                                    StringMapEntry{"nothing", std::nullopt}};
  const std::array tags{StringMapEntry{"ZCUBE_ID", "1"}};
  const RemoveFile remove{
      .path = "day=2024-01-02/a%20b.parquet",
      .deletion_timestamp = -5,
      .data_change = true,
      .extended_file_metadata = false,
      .partition_values = partition_values,
      .size = std::numeric_limits<std::int64_t>::max(),
      .stats = R"({"numRecords":3})",
      .tags = tags,
      .deletion_vector = DeletionVector{"u", "ab^-aqEH.-t@S}K{vb[*k^", 4, 40, 6},
      .base_row_id = 0,
      .default_row_commit_version = 5};
  const ReadBack back("remove", remove, WriteRemove);
  EXPECT_EQ(back.text,
            R"({"path":"day=2024-01-02/a%20b.parquet","deletionTimestamp":-5,"dataChange":true,)"
            R"("extendedFileMetadata":false,)"
            R"("partitionValues":{"day":"2024-01-02","empty":"","nothing":null},)"
            R"("size":9223372036854775807,"stats":"{\"numRecords\":3}","tags":{"ZCUBE_ID":"1"},)"
            R"("deletionVector":{"storageType":"u","pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^",)"
            R"("offset":4,"sizeInBytes":40,"cardinality":6},)"
            R"("baseRowId":0,"defaultRowCommitVersion":5})");
  EXPECT_EQ(back.action.path, remove.path);
  EXPECT_EQ(back.action.deletion_timestamp, remove.deletion_timestamp);
  EXPECT_EQ(back.action.data_change, remove.data_change);
  EXPECT_EQ(back.action.extended_file_metadata, remove.extended_file_metadata);
  ExpectEqual(back.action.partition_values, remove.partition_values);
  EXPECT_EQ(back.action.size, remove.size);
  EXPECT_EQ(back.action.stats, remove.stats);
  ExpectEqual(back.action.tags, remove.tags);
  EXPECT_EQ(back.action.deletion_vector->UniqueId(), remove.deletion_vector->UniqueId());
  EXPECT_EQ(back.action.deletion_vector->size_in_bytes, 40);
  EXPECT_EQ(back.action.deletion_vector->cardinality, 6);
  EXPECT_EQ(back.action.base_row_id, remove.base_row_id);
  EXPECT_EQ(back.action.default_row_commit_version, remove.default_row_commit_version);
}

TEST(ActionWriterTest, RemoveWithRequiredFieldsOnly_HasNoOthers) {
  RemoveFile remove;
  remove.path = "a";
  const ReadBack back("remove", remove, WriteRemove);
  EXPECT_EQ(back.text, R"({"path":"a","dataChange":false})");
  EXPECT_EQ(back.action.deletion_timestamp, std::nullopt);
  EXPECT_EQ(back.action.extended_file_metadata, std::nullopt);
  EXPECT_FALSE(back.action.partition_values.has_value());
  EXPECT_FALSE(back.action.deletion_vector.has_value());
}

TEST(ActionWriterTest, ChangeData_ReadsBackAsItWas) {
  const std::array partition_values{StringMapEntry{"p", std::nullopt}};
  CdcFile cdc;
  cdc.path = "_change_data/c";
  cdc.partition_values = partition_values;
  cdc.size = 3;
  const ReadBack plain("cdc", cdc, WriteCdc);
  EXPECT_EQ(plain.text, R"({"path":"_change_data/c","partitionValues":{"p":null},"size":3,)"
                        R"("dataChange":false})");
  EXPECT_EQ(plain.action.path, cdc.path);
  EXPECT_EQ(plain.action.size, 3);
  ExpectEqual(plain.action.partition_values, cdc.partition_values);
  EXPECT_FALSE(plain.action.tags.has_value());

  cdc.data_change = true;
  cdc.tags.emplace();
  const ReadBack tagged("cdc", cdc, WriteCdc);
  EXPECT_TRUE(tagged.action.data_change);
  ExpectEqual(tagged.action.tags, cdc.tags);
}

TEST(ActionWriterTest, AppTransaction_ReadsBackAsItWas) {
  AppTransaction transaction{"an \"app\"", -7, std::nullopt};
  const ReadBack plain("txn", transaction, WriteAppTransaction);
  EXPECT_EQ(plain.text, R"({"appId":"an \"app\"","version":-7})");
  EXPECT_EQ(plain.action.app_id, transaction.app_id);
  EXPECT_EQ(plain.action.version, -7);
  EXPECT_EQ(plain.action.last_updated, std::nullopt);
  transaction.last_updated = 0;
  EXPECT_EQ(ReadBack("txn", transaction, WriteAppTransaction).action.last_updated, 0);
}

TEST(ActionWriterTest, DomainMetadata_ReadsBackAsItWas) {
  const DomainMetadata domain{"delta.rowTracking", R"({"rowIdHighWaterMark":9})", true};
  const ReadBack back("domainMetadata", domain, WriteDomainMetadata);
  EXPECT_EQ(back.text, R"({"domain":"delta.rowTracking",)"
                       R"("configuration":"{\"rowIdHighWaterMark\":9}","removed":true})");
  EXPECT_EQ(back.action.domain, domain.domain);
  EXPECT_EQ(back.action.configuration, domain.configuration);
  EXPECT_TRUE(back.action.removed);
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
