// Rows of what a commit says beside its files, in the order of their insert statements.
//
// Rows point into what they are made of, which outlives them.
#pragma once

#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "log/body_rows.h"
#include "store/value.h"

namespace deltalakedb::log {

// `table` is the value that all rows begin with.
void AppendMetadataRows(const store::Value& table, Version version, const VerbatimFields& metadata,
                        std::vector<store::Value>& rows);
void AppendProtocolRows(const store::Value& table, Version version, const ProtocolText& protocol,
                        std::vector<store::Value>& rows);
void AppendTransactionRow(const store::Value& table, Version version,
                          const AppTransaction& transaction, std::vector<store::Value>& rows);
void AppendDomainRow(const store::Value& table, Version version, const DomainMetadata& domain,
                     std::vector<store::Value>& rows);

}  // namespace deltalakedb::log
