// The list of assignments that UPDATE … SET takes, cut at the commas and equals signs that belong
// to no text, name, comment or bracket.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/ascii_case.h"
#include "base/try.h"
#include "expr/evaluator.h"
#include "expr/expression.h"
#include "expr/session.h"

namespace deltalakedb::expr {

namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool IsNamePart(char c) { return IsNameStart(c) || (c >= '0' && c <= '9') || c == '$'; }

// Goes through a text by what cannot be cut: a text, a quoted name, a comment, a word or a
// character.
class Cutter {
 public:
  explicit Cutter(std::string_view text) : text_(text) {}

  bool is_at_end() const { return place_ >= text_.size(); }
  char front() const { return text_[place_]; }
  std::size_t place() const { return place_; }

  // What is next; past the end where something is not closed.
  std::string_view Take() {
    const std::size_t begin = place_;
    place_ = std::min(End(begin), text_.size());
    return text_.substr(begin, place_ - begin);
  }
  void SkipSpace() {
    while (!is_at_end() && (IsSpace(front()) || IsComment(place_))) Take();
  }

 private:
  bool IsComment(std::size_t at) const {
    const std::string_view two = text_.substr(at, 2);
    return two == "--" || two == "/*";
  }
  std::size_t End(std::size_t at) const;
  std::size_t EndOfQuoted(std::size_t at, bool has_escapes) const;
  std::size_t EndOfComment(std::size_t at) const;
  // `$tag$ … $tag$`; the sign alone where there is no such thing.
  std::size_t EndOfDollars(std::size_t at) const;

  std::string_view text_;
  std::size_t place_ = 0;
};

std::size_t Cutter::EndOfQuoted(std::size_t at, bool has_escapes) const {
  const char quote = text_[at];
  for (std::size_t i = at + 1; i < text_.size(); ++i) {
    if (has_escapes && text_[i] == '\\') {
      ++i;
    } else if (text_[i] == quote) {
      if (i + 1 >= text_.size() || text_[i + 1] != quote) return i + 1;
      ++i;
    }
  }
  return text_.size();
}

std::size_t Cutter::EndOfComment(std::size_t at) const {
  if (text_[at] == '-') return std::min(text_.find('\n', at), text_.size());
  int depth = 0;
  for (std::size_t i = at; i + 1 < text_.size(); ++i) {
    const std::string_view two = text_.substr(i, 2);
    if (two == "/*") {
      ++depth;
      ++i;
    } else if (two == "*/") {
      ++i;
      if (--depth == 0) return i + 1;
    }
  }
  return text_.size();
}

std::size_t Cutter::EndOfDollars(std::size_t at) const {
  std::size_t end = at + 1;
  while (end < text_.size() && IsNamePart(text_[end]) && text_[end] != '$') ++end;
  if (end >= text_.size() || text_[end] != '$') return at + 1;
  const std::string_view tag = text_.substr(at, end + 1 - at);
  const std::size_t close = text_.find(tag, end + 1);
  return close == std::string_view::npos ? text_.size() : close + tag.size();
}

std::size_t Cutter::End(std::size_t at) const {
  const char c = text_[at];
  if (IsComment(at)) return EndOfComment(at);
  if (c == '\'' || c == '"') return EndOfQuoted(at, /*has_escapes=*/false);
  if (c == '$') return EndOfDollars(at);
  if (!IsNamePart(c)) return at + 1;
  const bool is_escaped_text =
      (c == 'e' || c == 'E') && at + 1 < text_.size() && text_[at + 1] == '\'';
  if (is_escaped_text) return EndOfQuoted(at + 1, /*has_escapes=*/true);
  std::size_t end = at + 1;
  while (end < text_.size() && IsNamePart(text_[end])) ++end;
  return end;
}

// The parts between the commas; those that stand in brackets do not count.
std::vector<std::string_view> SplitAtCommas(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  int depth = 0;
  for (Cutter cutter(text); !cutter.is_at_end();) {
    const std::size_t place = cutter.place();
    const std::string_view piece = cutter.Take();
    if (piece == "(" || piece == "[" || piece == "{") ++depth;
    if (piece == ")" || piece == "]" || piece == "}") --depth;
    if (piece != "," || depth != 0) continue;
    parts.push_back(text.substr(begin, place - begin));
    begin = place + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::optional<std::string> TakeName(Cutter& cutter) {
  cutter.SkipSpace();
  if (cutter.is_at_end()) return std::nullopt;
  const char first = cutter.front();
  if (first != '"' && !IsNameStart(first)) return std::nullopt;
  const std::string_view piece = cutter.Take();
  if (first != '"') return piece.ends_with('\'') ? std::nullopt : std::optional(std::string(piece));
  if (piece.size() < 3 || !piece.ends_with('"')) return std::nullopt;
  std::string name;
  for (std::size_t i = 1; i + 1 < piece.size(); ++i) {
    name += piece[i];
    if (piece[i] == '"') ++i;
  }
  return name;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

// `name = expression`, the name perhaps of a field below a column.
std::optional<Assignment> SplitAtEquals(std::string_view text) {
  Cutter cutter(text);
  Assignment assignment;
  for (;;) {
    const auto name = TakeName(cutter);
    if (!name) return std::nullopt;
    assignment.column += *name;
    cutter.SkipSpace();
    if (cutter.is_at_end()) return std::nullopt;
    const std::string_view sign = cutter.Take();
    if (sign == "=") break;
    if (sign != ".") return std::nullopt;
    assignment.column += '.';
  }
  const std::string_view rest = text.substr(cutter.place());
  if (rest.starts_with('=')) return std::nullopt;
  assignment.sql = Trimmed(rest);
  return assignment;
}

}  // namespace

Result<std::vector<Assignment>> ParseAssignments(std::string_view text) {
  DELTALAKEDB_ASSIGN(auto database, Database::Shared());
  DELTALAKEDB_ASSIGN(const auto session, Session::Open(std::move(database)));
  std::vector<Assignment> assignments;
  for (const std::string_view part : SplitAtCommas(text)) {
    auto assignment = SplitAtEquals(part);
    if (!assignment) {
      return Fail(ExpressionError(part,
                                  "it is no assignment such as a = a + 1: a column's name, "
                                  "an equals sign and an expression"));
    }
    DELTALAKEDB_TRY(ParseExpression(*session, assignment->sql));
    const bool is_twice = std::ranges::any_of(assignments, [&](const Assignment& each) {
      return base::IsSameName(each.column, assignment->column);
    });
    if (is_twice) {
      return Fail(ExpressionError(text, fmt::format("it sets {} twice", assignment->column))
                      .With("column", assignment->column));
    }
    assignments.push_back(*std::move(assignment));
  }
  return assignments;
}

}  // namespace deltalakedb::expr
