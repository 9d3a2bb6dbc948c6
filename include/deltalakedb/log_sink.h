// Where the library's warnings go. The library itself prints nothing.
//
// Thread-safety: a sink is called from several threads and has to cope with that.
// Ownership: whoever opens a table keeps the sink alive for as long as the table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace deltalakedb {

enum class LogLevel { kDebug, kInfo, kWarning };

class LogSink {
 public:
  virtual ~LogSink() = default;
  // `message` is one sentence without a line end; it never holds a secret.
  virtual void Write(LogLevel level, std::string_view message) = 0;
};

// The sink that drops everything, for callers who want none. Lives as long as the program.
LogSink& NullLogSink();
// `*sink`, or NullLogSink() for null.
LogSink& SinkOrNull(LogSink* sink);

}  // namespace deltalakedb
