#include "log/state_rows.h"

#include <string_view>

namespace deltalakedb::log {

using store::ToValue;
using store::Value;

void AppendMetadataRows(const Value& table, Version version, const VerbatimFields& metadata,
                        std::vector<Value>& rows) {
  for (const auto& [key, value] : metadata) {
    rows.insert(rows.end(), {table, ToValue(version), key, value});
  }
}

void AppendProtocolRows(const Value& table, Version version, const ProtocolText& protocol,
                        std::vector<Value>& rows) {
  rows.insert(
      rows.end(),
      {table, ToValue(version), std::string_view("reader"),
       std::int64_t{protocol.min_reader_version}, ToValue(protocol.reader_features),
       ToValue(protocol.unknown_fields), table, ToValue(version), std::string_view("writer"),
       std::int64_t{protocol.min_writer_version}, ToValue(protocol.writer_features), Value()});
}

void AppendTransactionRow(const Value& table, Version version, const AppTransaction& transaction,
                          std::vector<Value>& rows) {
  rows.insert(rows.end(), {table, ToValue(version), transaction.app_id, transaction.version,
                           ToValue(transaction.last_updated)});
}

void AppendDomainRow(const Value& table, Version version, const DomainMetadata& domain,
                     std::vector<Value>& rows) {
  rows.insert(rows.end(), {table, ToValue(version), domain.domain, domain.configuration,
                           ToValue(domain.removed)});
}

}  // namespace deltalakedb::log
