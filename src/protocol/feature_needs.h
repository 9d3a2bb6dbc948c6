// Which features a metaData stands on (PROTOCOL.md, Table features, activation).
//
// Pure functions, safe from any thread.
#pragma once

#include <compare>
#include <set>
#include <string>
#include <string_view>

#include "deltalakedb/actions.h"
#include "deltalakedb/schema.h"

namespace deltalakedb::protocol {

// A feature that something in a metaData stands on, by the names that it goes by; one of them is
// enough.
struct FeatureNeed {
  std::string what;        // that asks for it
  std::string_view field;  // of metaData that it is in
  std::string_view feature;
  std::string_view other_name;  // empty where there is none

  friend auto operator<=>(const FeatureNeed&, const FeatureNeed&) = default;
};
using FeatureNeeds = std::set<FeatureNeed>;

// `schema` is that of the metaData.
FeatureNeeds NeedsOf(const Metadata& metadata, const Schema& schema);

inline constexpr std::string_view kConstraintPrefix = "delta.constraints.";

// Calls visit(field) for every field of a type, those inside of structs, arrays and maps included,
// each before those inside of it.
template <typename Visit>
void ForEachField(const DataType& type, Visit& visit) {
  switch (type.kind()) {
    case TypeKind::kStruct:
      for (const Field& field : type.fields()) {
        visit(field);
        ForEachField(field.type(), visit);
      }
      return;
    case TypeKind::kArray:
      ForEachField(type.element(), visit);
      return;
    case TypeKind::kMap:
      ForEachField(type.key(), visit);
      ForEachField(type.value(), visit);
      return;
    default:
      return;
  }
}

}  // namespace deltalakedb::protocol
