#include "tests/postgres_proxy.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>

namespace deltalakedb::testing {

namespace {

constexpr int kPort = 5432;  // a part of the socket's name
constexpr std::size_t kLengthBytes = 4;
// How soon a session sees that something else than bytes has come.
constexpr int kPollMs = 2;

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) throw std::runtime_error("too long: " + path);
  std::memcpy(&address.sun_path[0], path.data(), path.size());
  return address;
}

int Connect(const std::string& path) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = AddressOf(path);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return socket;
  }
  ::close(socket);
  return -1;
}

// The length of a message, without its type.
std::size_t LengthAt(std::string_view bytes, std::size_t at) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length = length << 8U | static_cast<unsigned char>(bytes[at + i]);
  }
  return length;
}

// The bytes of the first message in `bytes`; 0 where it is not complete.
std::size_t MessageSize(std::string_view bytes, bool has_type) {
  const std::size_t head = has_type ? 1 : 0;
  if (bytes.size() < head + kLengthBytes) return 0;
  const std::size_t size = head + LengthAt(bytes, head);
  return bytes.size() < size ? 0 : size;
}

std::string_view PartOf(std::string_view bytes, double share) {
  return bytes.substr(0, static_cast<std::size_t>(static_cast<double>(bytes.size()) * share));
}

// The text that begins there and ends with a NUL.
std::string_view TextAt(std::string_view bytes, std::size_t at) {
  return bytes.substr(at, bytes.find('\0', at) - at);
}

// The SQLSTATE in an ErrorResponse.
std::string StateIn(std::string_view message) {
  std::size_t at = 1 + kLengthBytes;
  while (at < message.size() && message[at] != '\0') {
    const std::string_view text = TextAt(message, at + 1);
    if (message[at] == 'C') return std::string(text);
    at += text.size() + 2;
  }
  return "unknown";
}

}  // namespace

bool Flight::Runs(std::string_view name, std::string_view part) const {
  return std::ranges::any_of(statements, [&](const std::string& statement) {
    return statement == name || (!part.empty() && statement.find(part) != std::string::npos);
  });
}

// A client's connection and the server's that belongs to it, in a thread of their own.
class PostgresProxy::Session {
 public:
  Session(PostgresProxy& proxy, int client, int server)
      : proxy_(proxy), client_(client), server_(server) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    Close(client_);
    Close(server_);
  }

  void Run() {
    while (!proxy_.is_over_ && server_ >= 0) {
      if (held_at_) TryDelivery();
      std::array<pollfd, 2> waiting = {pollfd{client_, POLLIN, 0}, pollfd{server_, POLLIN, 0}};
      if (::poll(waiting.data(), waiting.size(), kPollMs) <= 0) continue;
      if (waiting[0].revents != 0 && !(Receive(client_, from_client_) && TakeFromClient())) break;
      if (waiting[1].revents != 0 && !(Receive(server_, from_server_) && TakeFromServer())) break;
    }
    if (is_alone_) Answer(held_at_ ? "never sent" : error_.value_or("lost"));
  }

 private:
  static void Close(int& socket) {
    if (socket >= 0) ::close(std::exchange(socket, -1));
  }
  static bool Receive(int socket, std::string& into) {
    std::array<char, 64 * 1024> buffer{};
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (size > 0) into.append(buffer.data(), static_cast<std::size_t>(size));
    return size > 0;
  }
  static bool Send(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t size = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  }

  // Each false where the session is over.
  bool TakeFromClient();
  bool TakeFromServer();
  bool EndFlight();
  void TakeStatement(std::string_view message);
  void TryDelivery();
  void Answer(std::string answer);

  PostgresProxy& proxy_;
  int client_;
  int server_;
  bool has_started_ = false;
  std::string from_client_;
  std::string from_server_;
  Flight flight_;       // as far as it has come
  std::string parsed_;  // the text of the last statement without a name
  // The flight that the server is to answer now, where its answer does not simply pass.
  std::optional<Fate> fate_;
  std::string withheld_;
  bool is_alone_ = false;       // there is no client any more
  std::optional<int> held_at_;  // the number of deliveries when it was held
  std::optional<std::string> error_;
};

void PostgresProxy::Session::TakeStatement(std::string_view message) {
  const std::size_t body = 1 + kLengthBytes;
  const std::string_view first = TextAt(message, body);
  const std::string_view second = TextAt(message, body + first.size() + 1);
  if (message[0] == 'P' && first.empty()) parsed_ = second;
  if (message[0] != 'B') return;
  flight_.statements.emplace_back(second.empty() ? std::string_view(parsed_) : second);
}

bool PostgresProxy::Session::TakeFromClient() {
  for (;;) {
    const std::size_t size = MessageSize(from_client_, has_started_);
    if (size == 0) return true;
    const std::string message = from_client_.substr(0, size);
    from_client_.erase(0, size);
    if (!has_started_) {
      has_started_ = true;
      if (!Send(server_, message)) return false;
      continue;
    }
    flight_.bytes += message;
    ++flight_.messages;
    switch (message[0]) {
      case 'P':
      case 'B':
        TakeStatement(message);
        continue;
      case 'D':
      case 'E':
      case 'C':
        continue;
      case 'S':
        ++flight_.syncs;
        break;
      case 'H':
        ++flight_.flushes;
        break;
      case 'Q':
        ++flight_.queries;
        break;
      default:  // passwords, rows of COPY, the end
        break;
    }
    if (!EndFlight()) return false;
  }
}

bool PostgresProxy::Session::EndFlight() {
  const Flight flight = std::exchange(flight_, {});
  const bool asks = flight.syncs + flight.queries > 0;
  const Fate fate = asks ? proxy_.FateOf(flight) : Fate();
  switch (fate.kind) {
    case Fate::Kind::kPass:
      if (asks) fate_.reset();
      return Send(server_, flight.bytes);
    case Fate::Kind::kCutBefore:
      Send(server_, PartOf(flight.bytes, fate.share));
      return false;
    case Fate::Kind::kCutAfter:
      fate_ = fate;
      return Send(server_, flight.bytes);
    case Fate::Kind::kCutOnDelivery:
    case Fate::Kind::kHold:
      break;
  }
  {
    const std::lock_guard lock(proxy_.mutex_);
    ++proxy_.unanswered_;
    is_alone_ = true;
    withheld_.clear();
    if (fate.kind == Fate::Kind::kHold) {
      held_at_ = proxy_.deliveries_;
      ++proxy_.held_;
    }
  }
  const bool is_sent = held_at_ || Send(server_, flight.bytes);
  if (held_at_) withheld_ = flight.bytes;
  from_client_.clear();
  Close(client_);
  return is_sent;
}

void PostgresProxy::Session::TryDelivery() {
  {
    const std::lock_guard lock(proxy_.mutex_);
    if (proxy_.deliveries_ == *held_at_) return;
  }
  held_at_.reset();
  if (!Send(server_, std::exchange(withheld_, {}))) Close(server_);
}

bool PostgresProxy::Session::TakeFromServer() {
  for (;;) {
    const std::size_t size = MessageSize(from_server_, true);
    if (size == 0) return true;
    const std::string message = from_server_.substr(0, size);
    from_server_.erase(0, size);
    const bool is_end = message[0] == 'Z';
    if (is_alone_) {
      if (message[0] == 'E' && !error_) error_ = StateIn(message);
      if (!is_end) continue;
      if (!error_) error_ = "";
      return false;
    }
    if (fate_) {
      withheld_ += message;
      if (!is_end) continue;
      Send(client_, PartOf(withheld_, fate_->share));
      return false;
    }
    if (is_end) {
      const std::lock_guard lock(proxy_.mutex_);
      ++proxy_.traffic_.ready;
    }
    if (!Send(client_, message)) return false;
  }
}

void PostgresProxy::Session::Answer(std::string answer) {
  const std::lock_guard lock(proxy_.mutex_);
  if (held_at_ && proxy_.deliveries_ == *held_at_) --proxy_.held_;
  --proxy_.unanswered_;
  proxy_.answers_.push_back(std::move(answer));
  proxy_.changed_.notify_all();
}

PostgresProxy::PostgresProxy(const PostgresServer& server, bool is_pooled)
    : server_socket_(fmt::format("{}/.s.PGSQL.{}", server.host(),
                                 is_pooled ? server.pgbouncer_port() : server.port())),
      user_(server.user()),
      database_(server.database()),
      is_pooled_(is_pooled),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_un address =
      AddressOf(fmt::format("{}/.s.PGSQL.{}", folder_.path().native(), kPort));
  constexpr int kWaitingMax = 64;
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener_, kWaitingMax) != 0) {
    throw std::runtime_error("no socket for the proxy");
  }
  accepting_ = std::thread([this] { Accept(); });
}

PostgresProxy::~PostgresProxy() {
  is_over_ = true;
  accepting_.join();
  for (std::thread& session : sessions_) session.join();
  ::close(listener_);
}

void PostgresProxy::Accept() {
  while (!is_over_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, kPollMs) <= 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const int server = Connect(server_socket_);
    sessions_.emplace_back([this, client, server] { Session(*this, client, server).Run(); });
  }
}

std::string PostgresProxy::UriText(std::string_view schema, std::string_view table,
                                   std::string_view options) const {
  std::string text =
      fmt::format("deltasql://postgres/{}@{}:{}/{}/{}/{}", user_, Encoded(folder_.path().native()),
                  kPort, database_, Encoded(schema), Encoded(table));
  if (is_pooled_) text += "?prepare=off";
  if (options.empty()) return text;
  return text.append(is_pooled_ ? "&" : "?").append(options);
}

void PostgresProxy::SetDecide(Decide decide) {
  const std::lock_guard lock(decide_mutex_);
  decide_ = std::move(decide);
}

Fate PostgresProxy::FateOf(const Flight& flight) {
  {
    const std::lock_guard lock(mutex_);
    traffic_.flights.push_back(flight);
  }
  const std::lock_guard lock(decide_mutex_);
  return decide_ ? decide_(flight) : Fate();
}

void PostgresProxy::Deliver() {
  const std::lock_guard lock(mutex_);
  ++deliveries_;
  held_ = 0;  // each session sees it soon
}

std::vector<std::string> PostgresProxy::AwaitAnswers() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return unanswered_ == held_; });
  return std::exchange(answers_, {});
}

PostgresProxy::Traffic PostgresProxy::TakeTraffic() {
  const std::lock_guard lock(mutex_);
  return std::exchange(traffic_, {});
}

}  // namespace deltalakedb::testing
