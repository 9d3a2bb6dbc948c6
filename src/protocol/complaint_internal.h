// Errors about an action that a user gave: which one, and which of its fields.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "deltalakedb/result.h"
#include "protocol/excerpt.h"
#include "protocol/staged_actions.h"

namespace deltalakedb::protocol {

// What is wrong with an action, and which.
class Complaint {
 public:
  Complaint(std::string_view action, std::int64_t line) : action_(action), line_(line) {}
  Complaint(std::string_view action, std::int64_t line, std::string_view path)
      : action_(action), line_(line), path_(path) {}

  std::unexpected<Error> Of(std::string_view field, std::string what) const {
    return Fail(Facts(Error(ErrorCode::kInvalidArgument, std::move(what)), field));
  }
  // The same for an error from elsewhere, where a user's input is damage.
  std::unexpected<Error> Of(std::string_view field, Error error) const {
    if (error.code() != ErrorCode::kCorrupt) return Fail(Facts(std::move(error), field));
    Error wrong(ErrorCode::kInvalidArgument, error.message());
    for (const Error::Fact& fact : error.facts()) {
      if (fact.first != "field") wrong.AddFact(fact.first, fact.second);
    }
    return Fail(Facts(std::move(wrong), field));
  }

 private:
  Error Facts(Error error, std::string_view field) const {
    error.AddFact("action", std::string(action_));
    error.AddFact("field", std::string(field));
    if (!path_.empty()) error.AddFact("path", std::string(path_));
    error.AddContext(path_.empty() ? std::string(action_)
                                   : fmt::format("{} of {}", action_, Excerpt(path_)));
    if (line_ > 0) error.AddFact("line", line_).AddContext(fmt::format("line {}", line_));
    return error;
  }

  std::string_view action_;
  std::int64_t line_;
  std::string_view path_;
};

template <typename T>
Complaint About(std::string_view action, const Staged<T>& staged) {
  return Complaint(action, staged.line, staged.action.path);
}

}  // namespace deltalakedb::protocol
