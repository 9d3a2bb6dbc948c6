// A session with a PostgreSQL server: connecting, commands sent together and answered in one round
// trip, COPY both ways, limits of time. No statement and no value of ours is known here.
//
// The socket never blocks: each wait is a poll with a deadline, so that a server that stops
// answering ends in an error.
//
// Thread-safety: one thread at a time, but for Cancel.
#pragma once

#include <libpq-fe.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deltalakedb/result.h"
#include "deltalakedb/uri.h"
#include "store/unique_handle.h"

namespace deltalakedb::store {

using PostgresResult = UniqueHandle<PGresult, PQclear>;

// For each host, unless the URI's option connect_timeout says otherwise.
inline constexpr std::chrono::seconds kConnectTimeoutDefault{10};
// How long the server may be silent after its statement_timeout, before it is given up.
inline constexpr std::chrono::seconds kSilenceAfterTimeoutMax{5};
// How long what was sent may stay without acknowledgement by the server's machine.
inline constexpr std::chrono::milliseconds kTcpUserTimeout{30'000};

class PostgresSession {
 public:
  // Errors: Unavailable (no server there, or it refuses TLS), Permission (user or password),
  // NotFound (no such database), Unsupported (an encoding other than UTF8).
  static Result<std::unique_ptr<PostgresSession>> Open(const Uri& uri);

  PGconn* handle() const { return handle_.get(); }
  // Nothing open, nothing to read, and the server has not hung up.
  bool IsHealthy() const noexcept;
  bool is_lost() const { return is_lost_ || PQstatus(handle_.get()) == CONNECTION_BAD; }
  // From any thread. What is interrupted answers Cancelled.
  void Cancel() noexcept;

  // From here to the end of FinishBatch commands are queued by libpq's PQsend…, and go out
  // together.
  Result<void> StartBatch();
  // Errors of libpq's sending functions, which answer 0 for failure.
  Result<void> CheckSent(int sent) const;
  // The results of all `commands` that were queued, in their order. The first that failed is the
  // error, of `what`; `done` then tells how many came before it. `is_sent` tells whether the server
  // may have got them all.
  Result<std::vector<PostgresResult>> FinishBatch(std::size_t commands, std::string_view what,
                                                  std::size_t* done = nullptr,
                                                  bool* is_sent = nullptr);

  // Several commands without parameters, by their text, which is ours.
  Result<void> RunScript(const std::string& sql, std::string_view what);

  // A COPY command by its text, which is ours; in a transaction that has begun.
  Result<void> StartCopy(const std::string& sql, ExecStatusType direction, std::string_view what);
  Result<void> PutCopy(std::string_view bytes);
  // Answers how many rows came in.
  Result<std::int64_t> FinishCopyIn(std::string_view what);
  // The next message of COPY TO; nullptr at its end. It is the caller's to free with PQfreemem.
  Result<std::pair<char*, std::size_t>> GetCopy(std::string_view what);
  // Gives up a COPY TO that is not at its end, and the session with it: what the server has sent
  // already may be any amount.
  void AbandonCopyOut() noexcept { is_lost_ = true; }

  // Limits each batch and COPY from now on; nullopt for none.
  void SetSilenceMax(std::optional<std::chrono::milliseconds> silence_max) {
    silence_max_ = silence_max;
  }
  // The error of a result, or of the connection when there is no result.
  Error ErrorOf(const PGresult* result, std::string_view what) const;
  // Safe to print.
  const std::string& name() const { return name_; }

 private:
  using Clock = std::chrono::steady_clock;
  PostgresSession(UniqueHandle<PGconn, PQfinish> handle, std::string name,
                  std::vector<Secret> hidden)
      : handle_(std::move(handle)),
        cancel_(PQgetCancel(handle_.get())),
        name_(std::move(name)),
        hidden_(std::move(hidden)) {}

  // Until the socket is readable (and, if wanted, writable), or the deadline passes.
  Result<void> Wait(bool for_writing, std::optional<Clock::time_point> deadline);
  Result<void> Flush(std::optional<Clock::time_point> deadline);
  // The next result of a command, nullptr where there are no more. What an `earlier` result said is
  // the error where the connection is lost after it: the server ends a session with its reason.
  Result<PostgresResult> NextResult(std::optional<Clock::time_point> deadline,
                                    const std::optional<Error>& earlier = std::nullopt);
  // Commands without parameters, outside of batches.
  Result<void> Send(const std::string& sql, std::optional<Clock::time_point> deadline);
  // Reads all that is left of their results. Fails with the first error, which may be an earlier
  // result's; answers how many rows the last command counted.
  Result<std::int64_t> FinishResults(std::optional<Clock::time_point> deadline,
                                     std::string_view what,
                                     std::optional<Error> error = std::nullopt);
  std::optional<Clock::time_point> Deadline() const;
  Error Lost(std::string_view what) const;

  UniqueHandle<PGconn, PQfinish> handle_;
  UniqueHandle<PGcancel, PQfreeCancel> cancel_;
  std::string name_;
  std::vector<Secret> hidden_;  // what no message may show
  std::optional<std::chrono::milliseconds> silence_max_;
  std::optional<Clock::time_point> copy_deadline_;
  bool is_lost_ = false;
  std::atomic<bool> is_cancelled_ = false;
};

}  // namespace deltalakedb::store
