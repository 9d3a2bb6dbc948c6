// What people read: sizes, counts, tables, and texts of others made safe for a terminal.
//
// Pure functions, safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deltalakedb::cli {

// Text as it may be shown: control characters, those that reorder text, and bytes that are not
// UTF-8 become visible escapes (\n, \u001B, \xFF). A log's writer chooses its texts; they must not
// be able to steer the terminal.
std::string Printable(std::string_view text);
// Text in which every byte that is not UTF-8 became U+FFFD, for JSON.
std::string ValidUtf8(std::string_view text);

// The number of characters of UTF-8 text, which is the columns it takes but for wide scripts.
std::size_t TextColumns(std::string_view text);
// The text if it takes so many columns at most, else its beginning and "…".
std::string Shortened(std::string_view text, std::size_t columns_max);
// The text with spaces up to a width; longer text stays as it is.
std::string PaddedLeft(std::string_view text, std::size_t columns);
std::string PaddedRight(std::string_view text, std::size_t columns);

std::string FormatBytes(std::int64_t bytes);  // "17 B", "1.5 KiB", "2.0 TiB"
std::string FormatCount(std::int64_t count);  // "1,234,567"

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
};

// Rows under titles, as wide as the widest cell; the last column is not padded. Cells have to be
// printable. `title_start` and `title_end` go around the titles (colour).
class TextTable {
 public:
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as columns.
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string Format(std::string_view title_start, std::string_view title_end) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Names and what they are, one below the other:
//
//   version  12
//   files    1,234
class FactList {
 public:
  void Add(std::string_view name, std::string value) {
    facts_.emplace_back(name, std::move(value));
  }
  // One name with several values, each on its line. Leaves the name out when there are none.
  void AddLines(std::string_view name, const std::vector<std::string>& values);
  std::string Format() const;

 private:
  std::vector<std::pair<std::string, std::string>> facts_;
};

}  // namespace deltalakedb::cli
