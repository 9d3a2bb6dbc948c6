// A condition in SQL as far as it can be decided without looking at rows: by what is known of their
// columns (protocol/column_facts.h).
//
// The text is parsed by DuckDB. Comparisons of a column with a constant, IN, BETWEEN, IS NULL, LIKE
// with a fixed beginning, AND, OR, NOT and truth values are understood; whatever is not may hold
// for some rows. Three-valued as SQL: a row counts only where the condition is true. Thread-safety:
// immutable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/result.h"
#include "deltalakedb/schema.h"
#include "protocol/column_facts.h"

namespace deltalakedb::expr {

// For how many rows a condition is true.
enum class Match : std::uint8_t { kNone, kSome, kAll };  // kSome: nobody knows

class Predicate {
 public:
  using ColumnPath = std::vector<std::string>;  // logical names; more than one for a nested field
  using FactsOf = std::function<protocol::ColumnFacts(const ColumnPath&)>;

  // `text` is one SQL expression over the table's columns.
  // Errors: InvalidArgument (not an expression, a subquery, an unknown column, a condition that is
  // no boolean; facts expression, and column where it is about one), Unsupported (DuckDB is not
  // there).
  static Result<Predicate> Parse(std::string_view text, const Schema& schema);

  const std::string& text() const { return text_; }
  // The top-level columns that it names, as the schema spells them.
  const std::set<std::string>& columns() const { return columns_; }
  Match Evaluate(const FactsOf& facts_of) const;

  struct Node;

 private:
  Predicate(std::string text, std::set<std::string> columns, std::shared_ptr<const Node> root)
      : text_(std::move(text)), columns_(std::move(columns)), root_(std::move(root)) {}

  std::string text_;
  std::set<std::string> columns_;
  std::shared_ptr<const Node> root_;
};

}  // namespace deltalakedb::expr
