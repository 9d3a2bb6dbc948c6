// Secret: text such as a password, which no log, message or debugger's printer should show.
//
// It guards against printing by accident: it has no way to a stream, and reading it takes a call
// that stands out in a review. Not a vault: its memory is ordinary memory.
// Thread-safety: a value type; distinct objects may be used from distinct threads.
//
//   const deltalakedb::Secret password("open sesame");
//   Login(user, password.reveal());
#pragma once

#include <iosfwd>
#include <string>
#include <utility>

namespace deltalakedb {

class Secret {
 public:
  explicit Secret(std::string text) : text_(std::move(text)) {}

  // The text itself, for the client that asks for it and nobody else.
  const std::string& reveal() const { return text_; }

  friend bool operator==(const Secret&, const Secret&) = default;
  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  std::string text_;
};

}  // namespace deltalakedb
