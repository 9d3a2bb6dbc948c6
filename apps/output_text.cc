#include "apps/output_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <optional>

namespace deltalakedb::cli {
namespace {

constexpr std::string_view kGap = "  ";

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

struct CodePoint {
  char32_t value;
  std::size_t bytes;
};

// The first character of a text, or nothing when it does not begin with valid UTF-8
// (Unicode Standard, table 3-7).
std::optional<CodePoint> FirstCodePoint(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return CodePoint{lead, 1};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  constexpr std::array<char32_t, 5> kLowest{0, 0, 0x80, 0x800, 0x10000};
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return std::nullopt;
  char32_t value = lead & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if (!IsContinuation(text[i])) return std::nullopt;
    value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kLowest[bytes] || value > 0x10FFFF || surrogate) return std::nullopt;
  return CodePoint{value, bytes};
}

// Controls, line and paragraph separators, and the marks that turn the direction of text around.
bool IsUnsafe(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || c == 0x200E || c == 0x200F ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

void AppendEscaped(char32_t c, std::string& out) {
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04X}", static_cast<std::uint32_t>(c));
  }
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::optional<CodePoint> first = FirstCodePoint(text);
    const std::size_t bytes = first ? first->bytes : 1;
    if (!first) {
      fmt::format_to(std::back_inserter(out), "\\x{:02X}",
                     static_cast<unsigned char>(text.front()));
    } else if (IsUnsafe(first->value)) {
      AppendEscaped(first->value, out);
    } else {
      out += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return out;
}

std::string ValidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::optional<CodePoint> first = FirstCodePoint(text);
    out += first ? text.substr(0, first->bytes) : "\uFFFD";
    text.remove_prefix(first ? first->bytes : 1);
  }
  return out;
}

std::size_t TextColumns(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return !IsContinuation(c); }));
}

std::string Shortened(std::string_view text, std::size_t columns_max) {
  if (TextColumns(text) <= columns_max) return std::string(text);
  std::size_t end = 0;
  for (std::size_t columns = 0; end < text.size(); ++end) {
    if (!IsContinuation(text[end]) && ++columns == columns_max) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string PaddedLeft(std::string_view text, std::size_t columns) {
  const std::size_t taken = TextColumns(text);
  return std::string(columns > taken ? columns - taken : 0, ' ').append(text);
}

std::string PaddedRight(std::string_view text, std::size_t columns) {
  const std::size_t taken = TextColumns(text);
  return std::string(text).append(columns > taken ? columns - taken : 0, ' ');
}

std::string FormatBytes(std::int64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // One step earlier than at 1024, where one decimal would show 1024.0.
  for (; value >= 1023.95 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string FormatCount(std::int64_t count) {
  std::string digits = fmt::format("{}", count);
  const std::size_t first = digits.front() == '-' ? 1 : 0;
  for (std::size_t end = digits.size(); end > first + 3; end -= 3) digits.insert(end - 3, 1, ',');
  return digits;
}

std::string TextTable::Format(std::string_view title_start, std::string_view title_end) const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(TextColumns(column.title));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], TextColumns(row[i]));
    }
  }
  std::string out;
  const auto append_cell = [&](std::size_t i, std::string_view cell) {
    if (i > 0) out += kGap;
    if (columns_[i].align == Align::kRight) {
      out += PaddedLeft(cell, widths[i]);
    } else {
      out += i + 1 < columns_.size() ? PaddedRight(cell, widths[i]) : std::string(cell);
    }
  };
  out += title_start;
  for (std::size_t i = 0; i < columns_.size(); ++i) append_cell(i, columns_[i].title);
  out.append(title_end).append("\n");
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) append_cell(i, row[i]);
    while (out.back() == ' ') out.pop_back();
    out += '\n';
  }
  return out;
}

void FactList::AddLines(std::string_view name, const std::vector<std::string>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) Add(i == 0 ? name : "", values[i]);
}

std::string FactList::Format() const {
  const std::size_t width = std::accumulate(facts_.begin(), facts_.end(), std::size_t{0},
                                            [](std::size_t widest, const auto& fact) {
                                              return std::max(widest, TextColumns(fact.first));
                                            });
  std::string out;
  for (const auto& [name, value] : facts_) {
    out.append(PaddedRight(name, width)).append(kGap).append(value).append("\n");
  }
  return out;
}

}  // namespace deltalakedb::cli
