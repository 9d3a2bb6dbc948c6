// Names that are equal whatever the case of their ASCII letters: columns, properties, levels. Other
// letters are compared as they are.
//
// Pure functions, safe from any thread.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace deltalakedb::base {

inline char FoldCase(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string FoldCase(std::string_view text) {
  std::string folded(text);
  for (char& c : folded) c = FoldCase(c);
  return folded;
}

inline bool IsSameName(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return FoldCase(x) == FoldCase(y); });
}

}  // namespace deltalakedb::base
