// What the base of a CopySource says, for tests.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "log/copy_source.h"
#include "protocol/action_json.h"
#include "protocol/paths.h"

namespace deltalakedb::log::testing_log {

// The whole text of a base that has to be readable; checks that its chunks fit together.
inline std::string BaseText(const CopySource& source) {
  std::string text;
  auto stream = source.OpenBase();
  if (!stream) {
    ADD_FAILURE() << stream.error().message();
    return text;
  }
  for (;;) {
    const auto chunk = (*stream)->Next();
    if (!chunk) {
      ADD_FAILURE() << chunk.error().message();
      return text;
    }
    if (!*chunk) return text;
    EXPECT_EQ((*chunk)->first_line, std::ranges::count(text, '\n'));
    EXPECT_TRUE((*chunk)->text.ends_with('\n'));
    const std::string_view padding((*chunk)->text.end(), protocol::kLinePaddingBytes);
    EXPECT_EQ(padding.find_first_not_of('\0'), std::string_view::npos);
    text += (*chunk)->text;
  }
}

// Its actions as ActionParser takes them. Texts of files live as long as this.
class BaseActions {
 public:
  explicit BaseActions(const CopySource& source) : text_(BaseText(source)) {
    const std::size_t size = text_.size();
    text_.append(protocol::kLinePaddingBytes, '\0');
    std::string_view rest = std::string_view(text_).substr(0, size);
    protocol::ActionParser parser;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(line.size() + 1);
      auto action = parser.Parse(line, protocol::FileDetail::kAll, arena_);
      if (!action) {
        ADD_FAILURE() << action.error().message() << ": " << line;
        continue;
      }
      actions.push_back(*std::move(action));
    }
  }

  template <typename T>
  std::vector<T> All() const {
    std::vector<T> found;
    for (const auto& action : actions) {
      if (const auto* one = std::get_if<T>(&action)) found.push_back(*one);
    }
    return found;
  }

  std::vector<protocol::Action> actions;

 private:
  std::string text_;
  protocol::Arena arena_;
};

template <typename File>
std::string FileName(const File& file, std::string_view table_root) {
  std::string id;
  protocol::AppendCanonicalPath(file.path, table_root, id);
  return id + "|" + (file.deletion_vector ? file.deletion_vector->UniqueId() : "");
}

// "path|vector" of the adds or removes of a base, sorted.
template <typename File>
std::vector<std::string> FileNames(const CopySource& source) {
  std::vector<std::string> ids;
  const BaseActions actions(source);  // owns the texts
  for (const File& file : actions.All<File>()) {
    ids.push_back(FileName(file, source.folder().table_root));
  }
  std::ranges::sort(ids);
  return ids;
}

}  // namespace deltalakedb::log::testing_log
