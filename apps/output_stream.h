// Standard output in few, large writes, with every failure noticed.
//
// Thread-safety: one thread at a time.
#pragma once

#include <rapidjson/stringbuffer.h>

#include <string_view>

#include "deltalakedb/result.h"

namespace deltalakedb::cli {

// Nobody reads standard output any more, which is no failure: leaves as every other tool does.
[[noreturn]] void EndByBrokenPipe();

class OutputStream {
 public:
  // Does not own the descriptor, but Finish closes it.
  explicit OutputStream(int descriptor) : descriptor_(descriptor) {}
  OutputStream(const OutputStream&) = delete;
  OutputStream& operator=(const OutputStream&) = delete;

  // Where text and JSON gather. Nothing is written before the buffer is large, so a command that
  // fails early has printed nothing.
  rapidjson::StringBuffer& buffer() { return buffer_; }
  void Append(std::string_view text);

  // Writes the buffer out when it is large. A reader that has gone away (`| head`) ends the program
  // as the broken pipe signal does. Errors: Io.
  Result<void> FlushWhenLarge();
  // Writes it out now, for whoever reads along. Errors: Io.
  Result<void> Flush();
  // Writes everything out and closes the descriptor, since some failures come only then.
  // Errors: Io.
  Result<void> Finish();
  // Drops what has not been written.
  void Discard() { buffer_.Clear(); }

 private:
  int descriptor_;
  rapidjson::StringBuffer buffer_;
};

}  // namespace deltalakedb::cli
