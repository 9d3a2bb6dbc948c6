// The JSON of actions, with Delta's field names in the protocol's order and absent fields absent.
//
// Each function writes the object of one action, without the envelope that names the action in a
// commit. Verbatim JSON (unknown fields) comes out as it went in. The texts have to be UTF-8, as
// every reader of the library makes sure.
// Thread-safety: pure but for the writer, which belongs to the caller.
//
//   rapidjson::StringBuffer buffer;
//   protocol::JsonWriter writer(buffer);
//   protocol::WriteAdd(add, writer);
#pragma once

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "deltalakedb/actions.h"

namespace deltalakedb::protocol {

using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer>;

// A field that the protocol does not know: name and verbatim JSON.
struct UnknownFieldView {
  std::string_view name;
  std::string_view json;
};
using UnknownFieldsView = std::span<const UnknownFieldView>;

// Such fields of an action whose struct has no room for them. They are written behind the others.
struct ActionExtras {
  UnknownFieldsView fields;
  UnknownFieldsView nested;  // of its deletionVector, or of a metaData's format
};

void WriteAdd(const AddFile& add, JsonWriter& writer);
void WriteRemove(const RemoveFile& remove, JsonWriter& writer);
void WriteCdc(const CdcFile& cdc, JsonWriter& writer);
void WriteMetadata(const Metadata& metadata, JsonWriter& writer);
void WriteProtocol(const Protocol& protocol, JsonWriter& writer);
void WriteAppTransaction(const AppTransaction& transaction, JsonWriter& writer);
void WriteDomainMetadata(const DomainMetadata& domain, JsonWriter& writer);

// The same with fields that the struct has no room for.
void WriteWithExtras(const AddFile& add, const ActionExtras& extras, JsonWriter& writer);
void WriteWithExtras(const RemoveFile& remove, const ActionExtras& extras, JsonWriter& writer);
void WriteWithExtras(const CdcFile& cdc, const ActionExtras& extras, JsonWriter& writer);
void WriteWithExtras(const Metadata& metadata, const ActionExtras& extras, JsonWriter& writer);
void WriteWithExtras(const AppTransaction& transaction, const ActionExtras& extras,
                     JsonWriter& writer);
void WriteWithExtras(const DomainMetadata& domain, const ActionExtras& extras, JsonWriter& writer);

// The pieces that others need as well: an object's key, a text, JSON text as a value, and objects
// of texts.
void WriteKey(std::string_view key, JsonWriter& writer);
void WriteText(std::string_view text, JsonWriter& writer);
void WriteRaw(std::string_view json, JsonWriter& writer);
void WriteStringMap(const std::map<std::string, std::string>& map, JsonWriter& writer);
void WriteStringMapView(StringMapView map, JsonWriter& writer);

}  // namespace deltalakedb::protocol
