#include "store/postgres/postgres_session.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "base/try.h"
#include "store/postgres/postgres_errors.h"

namespace deltalakedb::store {

namespace {

using Clock = std::chrono::steady_clock;

// What a connection attempt is about.
struct Attempt {
  std::string name;  // safe to print
  Secret connection_string;
  // What no message may show.
  std::vector<Secret> hidden;
  std::size_t hosts = 1;
  std::chrono::seconds timeout = kConnectTimeoutDefault;  // for each host
};

// libpq's own variable, which it does not see since we always give it a limit. As libpq has it,
// zero and less stand for no limit, which is not taken here.
std::optional<std::chrono::seconds> ConnectTimeoutOfEnvironment() {
  const char* const text = std::getenv("PGCONNECT_TIMEOUT");
  const std::string_view digits = text == nullptr ? "" : text;
  int seconds = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  const bool is_number = error == std::errc() && end == digits.data() + digits.size();
  if (!is_number || seconds < 1) return std::nullopt;
  return std::chrono::seconds(seconds);
}

Result<Attempt> AttemptFor(const Uri& uri) {
  const PostgresParts& parts = *uri.postgres();
  DELTALAKEDB_ASSIGN(Secret text, uri.ClientConnectionStringWithPassword());
  Attempt attempt{
      uri.ToString(), std::move(text), {}, std::max<std::size_t>(1, parts.hosts.size())};
  if (parts.password) attempt.hidden.push_back(*parts.password);
  if (parts.user && uri.hides_user()) attempt.hidden.emplace_back(*parts.user);
  if (parts.options.connect_timeout_seconds) {
    attempt.timeout = std::chrono::seconds(*parts.options.connect_timeout_seconds);
  } else if (const auto seconds = ConnectTimeoutOfEnvironment()) {
    attempt.timeout = *seconds;
  }
  return attempt;
}

// libpq's parameters: ours first, so that those of the URI count more.
class Parameters {
 public:
  explicit Parameters(const Attempt& attempt)
      : timeout_(std::to_string(attempt.timeout.count())),
        tcp_timeout_(std::to_string(kTcpUserTimeout.count())) {
    Add("fallback_application_name", "deltalakedb");
    Add("client_encoding", "UTF8");
    Add("connect_timeout", timeout_.c_str());
    Add("keepalives_idle", "30");
    Add("keepalives_interval", "10");
    Add("keepalives_count", "3");
    Add("tcp_user_timeout", tcp_timeout_.c_str());
    Add("dbname", attempt.connection_string.reveal().c_str());
    Add(nullptr, nullptr);
  }
  const char* const* keywords() const { return keywords_.data(); }
  const char* const* values() const { return values_.data(); }

 private:
  void Add(const char* keyword, const char* value) {
    keywords_.push_back(keyword);
    values_.push_back(value);
  }
  std::string timeout_;
  std::string tcp_timeout_;
  std::vector<const char*> keywords_;
  std::vector<const char*> values_;
};

// Milliseconds for poll; -1 without a deadline.
int PollTime(std::optional<Clock::time_point> deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000'000));
}

// False when the deadline passed first.
bool PollSocket(int socket, short events, std::optional<Clock::time_point> deadline) {
  pollfd waiting{socket, events, 0};
  for (;;) {
    const int ready = ::poll(&waiting, 1, PollTime(deadline));
    if (ready > 0) return true;
    if (ready < 0 && errno == EINTR) continue;
    return false;
  }
}

void IgnoreNotice(void*, const PGresult*) {}

// Goes through libpq's steps, asking for messages that carry the SQLSTATE. False for no answer in
// time.
bool ConnectInSteps(PGconn* handle, Clock::time_point deadline) {
  PQsetErrorVerbosity(handle, PQERRORS_VERBOSE);
  PQsetNoticeReceiver(handle, IgnoreNotice, nullptr);  // else libpq writes to standard error
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (PQstatus(handle) != CONNECTION_BAD && status != PGRES_POLLING_OK &&
         status != PGRES_POLLING_FAILED) {
    const short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!PollSocket(PQsocket(handle), events, deadline)) return false;
    status = PQconnectPoll(handle);
  }
  return true;
}

Error CannotConnect(const Attempt& attempt, PGconn* handle, bool is_answered) {
  const std::string message = handle == nullptr ? "" : PQerrorMessage(handle);
  std::string state = SqlStateIn(message);
  const std::string words = is_answered
                                ? HideSecrets(WordsOf(message), attempt.hidden)
                                : fmt::format("no answer within {} s", attempt.timeout.count());
  ErrorCode code = CodeForSqlState(state);
  std::string_view advice = AdviceForSqlState(state);
  if (handle != nullptr && PQconnectionNeedsPassword(handle) != 0) {
    code = ErrorCode::kPermission;
    advice = "; give a password in the URI, in PGPASSWORD or in ~/.pgpass";
  }
  if (state.empty()) state = kSqlStateCannotConnect;
  return Error(code == ErrorCode::kInternal ? ErrorCode::kUnavailable : code,
               fmt::format("{}: cannot connect: {}{}", attempt.name,
                           words.empty() ? "out of memory" : words, advice))
      .With("database", attempt.name)
      .With("sqlState", std::move(state));
}

Result<UniqueHandle<PGconn, PQfinish>> Connect(const Attempt& attempt) {
  const Parameters parameters(attempt);
  // Only libpq itself can go on to the next host when one does not answer.
  if (attempt.hosts > 1) {
    UniqueHandle<PGconn, PQfinish> handle(
        PQconnectdbParams(parameters.keywords(), parameters.values(), 1));
    if (handle != nullptr && PQstatus(handle.get()) == CONNECTION_OK) return handle;
  }
  UniqueHandle<PGconn, PQfinish> handle(
      PQconnectStartParams(parameters.keywords(), parameters.values(), 1));
  if (handle == nullptr) return Fail(CannotConnect(attempt, nullptr, true));
  const bool is_answered = ConnectInSteps(handle.get(), Clock::now() + attempt.timeout);
  if (is_answered && PQstatus(handle.get()) == CONNECTION_OK) return handle;
  return Fail(CannotConnect(attempt, handle.get(), is_answered));
}

bool IsFailure(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

}  // namespace

Result<std::unique_ptr<PostgresSession>> PostgresSession::Open(const Uri& uri) {
  DELTALAKEDB_ASSIGN(Attempt attempt, AttemptFor(uri));
  DELTALAKEDB_ASSIGN(auto handle, Connect(attempt));
  PQsetErrorVerbosity(handle.get(), PQERRORS_DEFAULT);
  PQsetNoticeReceiver(handle.get(), IgnoreNotice, nullptr);
  const char* const encoding = PQparameterStatus(handle.get(), "server_encoding");
  if (encoding != nullptr && std::string_view(encoding) != "UTF8") {
    return Fail(Error(ErrorCode::kUnsupported,
                      fmt::format("{}: the database has encoding {}, and a catalog needs UTF8",
                                  attempt.name, encoding))
                    .With("database", attempt.name));
  }
  std::unique_ptr<PostgresSession> session(
      new PostgresSession(std::move(handle), std::move(attempt.name), std::move(attempt.hidden)));
  if (PQsetnonblocking(session->handle(), 1) != 0) return Fail(session->Lost("connecting"));
  return session;
}

bool PostgresSession::IsHealthy() const noexcept {
  if (is_lost() || PQtransactionStatus(handle_.get()) != PQTRANS_IDLE) return false;
  // An idle server that has something to say is ending the session.
  pollfd waiting{PQsocket(handle_.get()), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 0;
}

void PostgresSession::Cancel() noexcept {
  constexpr std::size_t kMessageBytes = 256;
  std::array<char, kMessageBytes> message{};
  is_cancelled_ = true;
  PQcancel(cancel_.get(), message.data(), static_cast<int>(message.size()));
}

Error PostgresSession::Lost(std::string_view what) const {
  return Error(ErrorCode::kUnavailable,
               fmt::format("{}: the connection to the server was lost ({})", name_, what))
      .With("database", name_)
      .With("sqlState", std::string(kSqlStateConnectionFailure));
}

Error PostgresSession::ErrorOf(const PGresult* result, std::string_view what) const {
  const char* const field =
      result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string state = field == nullptr ? "" : field;
  if (state.empty()) return Lost(what);
  const bool is_cancelled = state == kSqlStateQueryCanceled && is_cancelled_;
  const char* const words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string shown = HideSecrets(words == nullptr ? "failed" : words, hidden_);
  return Error(is_cancelled ? ErrorCode::kCancelled : CodeForSqlState(state),
               fmt::format("{}: {} ({}){}", name_, shown, what,
                           is_cancelled ? "" : AdviceForSqlState(state)))
      .With("database", name_)
      .With("sqlState", state);
}

std::optional<Clock::time_point> PostgresSession::Deadline() const {
  return silence_max_ ? std::optional(Clock::now() + *silence_max_) : std::nullopt;
}

Result<void> PostgresSession::Wait(bool for_writing, std::optional<Clock::time_point> deadline) {
  const int socket = PQsocket(handle_.get());
  const auto events = static_cast<short>(for_writing ? POLLIN | POLLOUT : POLLIN);
  if (socket < 0) return Fail(Lost("waiting for it"));
  if (PollSocket(socket, events, deadline)) return {};
  // The answer may come at any time from now on, so the session is of no more use.
  is_lost_ = true;
  return Fail(Error(ErrorCode::kUnavailable,
                    fmt::format("{}: the server has not answered within {} ms", name_,
                                silence_max_.value_or(std::chrono::milliseconds(0)).count()))
                  .With("database", name_)
                  .With("sqlState", std::string(kSqlStateConnectionFailure)));
}

Result<void> PostgresSession::Flush(std::optional<Clock::time_point> deadline) {
  for (;;) {
    const int left = PQflush(handle_.get());
    if (left == 0) return {};
    if (left < 0) return Fail(Lost("sending"));
    // The server may wait for us to read before it reads on.
    DELTALAKEDB_TRY(Wait(/*for_writing=*/true, deadline));
    if (PQconsumeInput(handle_.get()) == 0) return Fail(Lost("sending"));
  }
}

Result<PostgresResult> PostgresSession::NextResult(std::optional<Clock::time_point> deadline,
                                                   const std::optional<Error>& earlier) {
  while (PQisBusy(handle_.get()) != 0) {
    auto waited = Wait(/*for_writing=*/false, deadline);
    if (waited && PQconsumeInput(handle_.get()) == 0) waited = Fail(Lost("reading the answer"));
    if (!waited) return Fail(earlier ? *earlier : std::move(waited).error());
  }
  return PostgresResult(PQgetResult(handle_.get()));
}

Result<void> PostgresSession::StartBatch() {
  if (is_lost()) return Fail(Lost("sending"));
  is_cancelled_ = false;
  return CheckSent(PQenterPipelineMode(handle_.get()));
}

Result<void> PostgresSession::CheckSent(int sent) const {
  if (sent != 0) return {};
  return Fail(Lost("sending"));
}

Result<std::vector<PostgresResult>> PostgresSession::FinishBatch(std::size_t commands,
                                                                 std::string_view what,
                                                                 std::size_t* done, bool* is_sent) {
  const auto deadline = Deadline();
  DELTALAKEDB_TRY(CheckSent(PQpipelineSync(handle_.get())));
  if (is_sent != nullptr) *is_sent = true;
  DELTALAKEDB_TRY(Flush(deadline));
  std::vector<PostgresResult> results;
  std::optional<Error> error;
  while (results.size() < commands) {
    DELTALAKEDB_ASSIGN(PostgresResult result, NextResult(deadline, error));
    if (result == nullptr) {
      if (is_lost()) return Fail(error ? *std::move(error) : Lost(what));
      continue;  // the end of one command's results
    }
    if (IsFailure(result.get()) && !error) {
      error = ErrorOf(result.get(), what);
      if (done != nullptr) *done = results.size();
    }
    if (is_lost()) return Fail(error ? *std::move(error) : Lost(what));
    results.push_back(std::move(result));
  }
  for (;;) {  // to the answer to the synchronization
    DELTALAKEDB_ASSIGN(const PostgresResult result, NextResult(deadline, error));
    if (result != nullptr && PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) break;
    // What goes wrong when an implicit transaction is committed comes only now.
    if (result != nullptr && IsFailure(result.get()) && !error) {
      error = ErrorOf(result.get(), what);
    }
    if (is_lost()) return Fail(error ? *std::move(error) : Lost(what));
  }
  DELTALAKEDB_TRY(CheckSent(PQexitPipelineMode(handle_.get())));
  if (error) return Fail(*std::move(error));
  return results;
}

Result<void> PostgresSession::Send(const std::string& sql,
                                   std::optional<Clock::time_point> deadline) {
  if (is_lost()) return Fail(Lost("sending"));
  is_cancelled_ = false;
  DELTALAKEDB_TRY(CheckSent(PQsendQuery(handle_.get(), sql.c_str())));
  return Flush(deadline);
}

Result<std::int64_t> PostgresSession::FinishResults(std::optional<Clock::time_point> deadline,
                                                    std::string_view what,
                                                    std::optional<Error> error) {
  std::int64_t rows = 0;
  for (;;) {
    DELTALAKEDB_ASSIGN(const PostgresResult result, NextResult(deadline, error));
    if (result == nullptr) break;
    if (IsFailure(result.get()) && !error) error = ErrorOf(result.get(), what);
    rows = std::strtoll(PQcmdTuples(result.get()), nullptr, 10);
  }
  if (error) return Fail(*std::move(error));
  if (is_lost()) return Fail(Lost(what));
  return rows;
}

Result<void> PostgresSession::RunScript(const std::string& sql, std::string_view what) {
  const auto deadline = Deadline();
  DELTALAKEDB_TRY(Send(sql, deadline));
  DELTALAKEDB_TRY(FinishResults(deadline, what));
  return {};
}

Result<void> PostgresSession::StartCopy(const std::string& sql, ExecStatusType direction,
                                        std::string_view what) {
  copy_deadline_ = Deadline();
  DELTALAKEDB_TRY(Send(sql, copy_deadline_));
  DELTALAKEDB_ASSIGN(const PostgresResult result, NextResult(copy_deadline_));
  if (result != nullptr && PQresultStatus(result.get()) == direction) return {};
  DELTALAKEDB_TRY(FinishResults(copy_deadline_, what, ErrorOf(result.get(), what)));
  return {};
}

Result<void> PostgresSession::PutCopy(std::string_view bytes) {
  // More than this is not kept waiting in memory.
  constexpr std::size_t kPieceBytes = 256 * 1024;
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kPieceBytes);
    const int queued = PQputCopyData(handle_.get(), piece.data(), static_cast<int>(piece.size()));
    if (queued < 0) return Fail(Lost("sending rows"));
    DELTALAKEDB_TRY(Flush(copy_deadline_));
    if (queued > 0) bytes.remove_prefix(piece.size());
  }
  return {};
}

Result<std::int64_t> PostgresSession::FinishCopyIn(std::string_view what) {
  while (true) {
    const int ended = PQputCopyEnd(handle_.get(), nullptr);
    if (ended < 0) return Fail(Lost(what));
    DELTALAKEDB_TRY(Flush(copy_deadline_));
    if (ended > 0) break;
  }
  return FinishResults(copy_deadline_, what);
}

Result<std::pair<char*, std::size_t>> PostgresSession::GetCopy(std::string_view what) {
  for (;;) {
    char* message = nullptr;
    const int size = PQgetCopyData(handle_.get(), &message, 1);
    if (size > 0) return std::pair(message, static_cast<std::size_t>(size));
    if (size == 0) {
      DELTALAKEDB_TRY(Wait(/*for_writing=*/false, copy_deadline_));
      if (PQconsumeInput(handle_.get()) == 0) return Fail(Lost(what));
      continue;
    }
    DELTALAKEDB_TRY(FinishResults(copy_deadline_, what));
    return std::pair<char*, std::size_t>(nullptr, 0);
  }
}

}  // namespace deltalakedb::store
