#include "protocol/action_writer.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace deltalakedb::protocol {
namespace {

// rapidjson takes a null pointer for a mistake, even when there is nothing to read.
const char* NeverNull(std::string_view text) { return text.empty() ? "" : text.data(); }

rapidjson::SizeType SizeOf(std::string_view text) {
  return static_cast<rapidjson::SizeType>(text.size());
}

template <typename Write>
void WriteObject(JsonWriter& writer, Write write) {
  writer.StartObject();
  write();
  writer.EndObject();
}

void WriteStrings(const std::vector<std::string>& texts, JsonWriter& writer) {
  writer.StartArray();
  for (const std::string& text : texts) WriteText(text, writer);
  writer.EndArray();
}

void WriteUnknownFields(const UnknownFields& fields, JsonWriter& writer) {
  for (const auto& [name, json] : fields) {
    WriteKey(name, writer);
    WriteRaw(json, writer);
  }
}

void WriteUnknownFields(UnknownFieldsView fields, JsonWriter& writer) {
  for (const UnknownFieldView& field : fields) {
    WriteKey(field.name, writer);
    WriteRaw(field.json, writer);
  }
}

template <typename Text>
void WriteOptionalText(std::string_view key, const std::optional<Text>& text, JsonWriter& writer) {
  if (!text) return;
  WriteKey(key, writer);
  WriteText(*text, writer);
}

template <typename Integer>
void WriteOptionalInteger(std::string_view key, const std::optional<Integer>& value,
                          JsonWriter& writer) {
  if (!value) return;
  WriteKey(key, writer);
  writer.Int64(*value);
}

void WriteDeletionVector(const DeletionVector& vector, UnknownFieldsView unknown_fields,
                         JsonWriter& writer) {
  WriteObject(writer, [&] {
    WriteKey("storageType", writer);
    WriteText(vector.storage_type, writer);
    WriteKey("pathOrInlineDv", writer);
    WriteText(vector.path_or_inline_dv, writer);
    WriteOptionalInteger("offset", vector.offset, writer);
    WriteKey("sizeInBytes", writer);
    writer.Int(vector.size_in_bytes);
    WriteKey("cardinality", writer);
    writer.Int64(vector.cardinality);
    WriteUnknownFields(unknown_fields, writer);
  });
}

void WriteOptionalMap(std::string_view key, const std::optional<StringMapView>& map,
                      JsonWriter& writer) {
  if (!map) return;
  WriteKey(key, writer);
  WriteStringMapView(*map, writer);
}

void WriteOptionalVector(const std::optional<DeletionVector>& vector,
                         UnknownFieldsView unknown_fields, JsonWriter& writer) {
  if (!vector) return;
  WriteKey("deletionVector", writer);
  WriteDeletionVector(*vector, unknown_fields, writer);
}

void WriteFormat(const Metadata& metadata, UnknownFieldsView unknown_fields, JsonWriter& writer) {
  WriteObject(writer, [&] {
    WriteOptionalText("provider", metadata.format_provider, writer);
    WriteKey("options", writer);
    WriteStringMap(metadata.format_options, writer);
    WriteUnknownFields(unknown_fields, writer);
  });
}

void WriteFeatures(std::string_view key, const std::optional<std::vector<std::string>>& features,
                   JsonWriter& writer) {
  if (!features) return;
  WriteKey(key, writer);
  WriteStrings(*features, writer);
}

}  // namespace

void WriteKey(std::string_view key, JsonWriter& writer) { writer.Key(NeverNull(key), SizeOf(key)); }

void WriteText(std::string_view text, JsonWriter& writer) {
  writer.String(NeverNull(text), SizeOf(text));
}

void WriteRaw(std::string_view json, JsonWriter& writer) {
  // The type matters only for a key, which this never is.
  writer.RawValue(NeverNull(json), json.size(), rapidjson::kObjectType);
}

void WriteStringMap(const std::map<std::string, std::string>& map, JsonWriter& writer) {
  WriteObject(writer, [&] {
    for (const auto& [key, value] : map) {
      WriteKey(key, writer);
      WriteText(value, writer);
    }
  });
}

void WriteStringMapView(StringMapView map, JsonWriter& writer) {
  WriteObject(writer, [&] {
    for (const StringMapEntry& entry : map) {
      WriteKey(entry.key, writer);
      if (entry.value) {
        WriteText(*entry.value, writer);
      } else {
        writer.Null();
      }
    }
  });
}

void WriteAdd(const AddFile& add, JsonWriter& writer) { WriteWithExtras(add, {}, writer); }

void WriteWithExtras(const AddFile& add, const ActionExtras& extras, JsonWriter& writer) {
  WriteObject(writer, [&] {
    WriteKey("path", writer);
    WriteText(add.path, writer);
    WriteKey("partitionValues", writer);
    WriteStringMapView(add.partition_values, writer);
    WriteKey("size", writer);
    writer.Int64(add.size);
    WriteKey("modificationTime", writer);
    writer.Int64(add.modification_time);
    WriteKey("dataChange", writer);
    writer.Bool(add.data_change);
    WriteOptionalText("stats", add.stats, writer);
    WriteOptionalMap("tags", add.tags, writer);
    WriteOptionalVector(add.deletion_vector, extras.nested, writer);
    WriteOptionalInteger("baseRowId", add.base_row_id, writer);
    WriteOptionalInteger("defaultRowCommitVersion", add.default_row_commit_version, writer);
    WriteOptionalText("clusteringProvider", add.clustering_provider, writer);
    WriteUnknownFields(extras.fields, writer);
  });
}

void WriteRemove(const RemoveFile& remove, JsonWriter& writer) {
  WriteWithExtras(remove, {}, writer);
}

void WriteWithExtras(const RemoveFile& remove, const ActionExtras& extras, JsonWriter& writer) {
  WriteObject(writer, [&] {
    WriteKey("path", writer);
    WriteText(remove.path, writer);
    WriteOptionalInteger("deletionTimestamp", remove.deletion_timestamp, writer);
    WriteKey("dataChange", writer);
    writer.Bool(remove.data_change);
    if (remove.extended_file_metadata) {
      WriteKey("extendedFileMetadata", writer);
      writer.Bool(*remove.extended_file_metadata);
    }
    WriteOptionalMap("partitionValues", remove.partition_values, writer);
    WriteOptionalInteger("size", remove.size, writer);
    WriteOptionalText("stats", remove.stats, writer);
    WriteOptionalMap("tags", remove.tags, writer);
    WriteOptionalVector(remove.deletion_vector, extras.nested, writer);
    WriteOptionalInteger("baseRowId", remove.base_row_id, writer);
    WriteOptionalInteger("defaultRowCommitVersion", remove.default_row_commit_version, writer);
    WriteUnknownFields(extras.fields, writer);
  });
}

void WriteCdc(const CdcFile& cdc, JsonWriter& writer) { WriteWithExtras(cdc, {}, writer); }

void WriteWithExtras(const CdcFile& cdc, const ActionExtras& extras, JsonWriter& writer) {
  WriteObject(writer, [&] {
    WriteKey("path", writer);
    WriteText(cdc.path, writer);
    WriteKey("partitionValues", writer);
    WriteStringMapView(cdc.partition_values, writer);
    WriteKey("size", writer);
    writer.Int64(cdc.size);
    WriteKey("dataChange", writer);
    writer.Bool(cdc.data_change);
    WriteOptionalMap("tags", cdc.tags, writer);
    WriteUnknownFields(extras.fields, writer);
  });
}

void WriteMetadata(const Metadata& metadata, JsonWriter& writer) {
  WriteWithExtras(metadata, {}, writer);
}

void WriteWithExtras(const Metadata& metadata, const ActionExtras& extras, JsonWriter& writer) {
  WriteObject(writer, [&] {
    WriteOptionalText("id", metadata.id, writer);
    WriteOptionalText("name", metadata.name, writer);
    WriteOptionalText("description", metadata.description, writer);
    if (metadata.format_provider || !metadata.format_options.empty() || !extras.nested.empty()) {
      WriteKey("format", writer);
      WriteFormat(metadata, extras.nested, writer);
    }
    WriteOptionalText("schemaString", metadata.schema_string, writer);
    WriteKey("partitionColumns", writer);
    WriteStrings(metadata.partition_columns, writer);
    WriteKey("configuration", writer);
    WriteStringMap(metadata.configuration, writer);
    WriteOptionalInteger("createdTime", metadata.created_time, writer);
    WriteUnknownFields(metadata.unknown_fields, writer);
    WriteUnknownFields(extras.fields, writer);
  });
}

void WriteProtocol(const Protocol& protocol, JsonWriter& writer) {
  WriteObject(writer, [&] {
    WriteKey("minReaderVersion", writer);
    writer.Int(protocol.min_reader_version);
    WriteKey("minWriterVersion", writer);
    writer.Int(protocol.min_writer_version);
    WriteFeatures("readerFeatures", protocol.reader_features, writer);
    WriteFeatures("writerFeatures", protocol.writer_features, writer);
    WriteUnknownFields(protocol.unknown_fields, writer);
  });
}

void WriteAppTransaction(const AppTransaction& transaction, JsonWriter& writer) {
  WriteWithExtras(transaction, {}, writer);
}

void WriteWithExtras(const AppTransaction& transaction, const ActionExtras& extras,
                     JsonWriter& writer) {
  WriteObject(writer, [&] {
    WriteKey("appId", writer);
    WriteText(transaction.app_id, writer);
    WriteKey("version", writer);
    writer.Int64(transaction.version);
    WriteOptionalInteger("lastUpdated", transaction.last_updated, writer);
    WriteUnknownFields(extras.fields, writer);
  });
}

void WriteDomainMetadata(const DomainMetadata& domain, JsonWriter& writer) {
  WriteWithExtras(domain, {}, writer);
}

void WriteWithExtras(const DomainMetadata& domain, const ActionExtras& extras, JsonWriter& writer) {
  WriteObject(writer, [&] {
    WriteKey("domain", writer);
    WriteText(domain.domain, writer);
    WriteKey("configuration", writer);
    WriteText(domain.configuration, writer);
    WriteKey("removed", writer);
    writer.Bool(domain.removed);
    WriteUnknownFields(extras.fields, writer);
  });
}

}  // namespace deltalakedb::protocol
