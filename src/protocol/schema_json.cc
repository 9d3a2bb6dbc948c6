#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <utility>

#include "protocol/schema_json_internal.h"

namespace deltalakedb::protocol {

namespace {

void AppendString(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

class SchemaPrinter {
 public:
  explicit SchemaPrinter(const MetadataOf& metadata_of) : metadata_of_(metadata_of) {}

  void Append(const DataType& type);
  std::string Take() && { return std::move(out_); }

 private:
  void Append(const Field& field);
  void AppendFlag(std::string_view name, bool value) {
    fmt::format_to(std::back_inserter(out_), R"(,"{}":{})", name, value);
  }

  const MetadataOf& metadata_of_;
  std::string out_;
};

void SchemaPrinter::Append(const Field& field) {
  out_ += R"({"name":)";
  AppendString(field.name(), out_);
  const Field::FieldMetadata metadata = metadata_of_(field);
  out_ += R"(,"type":)";
  Append(field.type());
  AppendFlag("nullable", field.nullable());
  out_ += R"(,"metadata":{)";
  std::string_view separator;
  for (const auto& [key, json] : metadata) {
    out_ += std::exchange(separator, ",");
    AppendString(key, out_);
    out_ += ':';
    out_ += json;
  }
  out_ += "}}";
}

void SchemaPrinter::Append(const DataType& type) {
  switch (type.kind()) {
    case TypeKind::kStruct: {
      out_ += R"({"type":"struct","fields":[)";
      std::string_view separator;
      for (const Field& field : type.fields()) {
        out_ += std::exchange(separator, ",");
        Append(field);
      }
      out_ += "]}";
      return;
    }
    case TypeKind::kArray:
      out_ += R"({"type":"array","elementType":)";
      Append(type.element());
      AppendFlag("containsNull", type.contains_null());
      out_ += '}';
      return;
    case TypeKind::kMap:
      out_ += R"({"type":"map","keyType":)";
      Append(type.key());
      out_ += R"(,"valueType":)";
      Append(type.value());
      AppendFlag("valueContainsNull", type.contains_null());
      out_ += '}';
      return;
    case TypeKind::kOther:
      if (type.other_text().starts_with('{')) {
        out_ += type.other_text();
      } else {
        AppendString(type.other_text(), out_);
      }
      return;
    default:
      out_ += '"';
      out_ += type.ToText();
      out_ += '"';
  }
}

}  // namespace

std::string SchemaJson(const DataType& type, const MetadataOf& metadata_of) {
  SchemaPrinter printer(metadata_of);
  printer.Append(type);
  return std::move(printer).Take();
}

std::string JsonString(std::string_view text) {
  std::string json;
  AppendString(text, json);
  return json;
}

}  // namespace deltalakedb::protocol
