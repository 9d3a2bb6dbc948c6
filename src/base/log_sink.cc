#include "deltalakedb/log_sink.h"

namespace deltalakedb {

LogSink& NullLogSink() {
  class Null final : public LogSink {
    void Write(LogLevel, std::string_view) override {}
  };
  static Null sink;
  return sink;
}

LogSink& SinkOrNull(LogSink* sink) { return sink == nullptr ? NullLogSink() : *sink; }

}  // namespace deltalakedb
