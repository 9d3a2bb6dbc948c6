// A proxy before a PostgreSQL server that understands its messages, so that it can lose an answer,
// hold a commit back, or deliver it when nobody expects it any more.
//
// It takes what a client sends in flights: all messages up to the one that asks for an answer. A
// flight goes on as a whole, so a client that waited for an answer within one would wait for ever.
// Thread-safety: all members may be called from several threads at once.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/temp_folder.h"
#include "tests/test_database.h"

namespace deltalakedb::testing {

struct Flight {
  std::string bytes;
  // What it runs, in order: the names of prepared statements, or texts of those without one.
  std::vector<std::string> statements;
  int messages = 0;
  int syncs = 0;    // each is answered by one ReadyForQuery
  int flushes = 0;  // asks for answers without an end of the transaction
  int queries = 0;  // of the simple protocol

  // Whether it runs a statement of that name, or one whose text has `part` in it, unless that is
  // empty.
  bool Runs(std::string_view name, std::string_view part) const;
  // A commit: whatever writes versions.
  bool IsUnit() const {
    return Runs("commit_version", "INSERT INTO dl_table_versions") ||
           Runs("commit_append_version", "") || Runs("commit_appends", "");
  }
  // Finding out what became of a commit.
  bool IsSettling() const { return Runs("commit_settle", "INSERT INTO dl_commit_fences"); }
};

// What becomes of a flight. To cut is to close both ends' connections.
struct Fate {
  enum class Kind {
    kPass,
    kCutBefore,      // only a part of it reaches the server
    kCutAfter,       // the server has done it; only a part of the answer reaches the client
    kCutOnDelivery,  // goes to the server, which keeps its connection, while the client loses its
    kHold,           // the client loses its connection; the flight waits for Deliver
  } kind = Kind::kPass;
  double share = 0;  // that part, less than 1
};

class PostgresProxy {
 public:
  using Decide = std::function<Fate(const Flight&)>;

  // Before the server's socket, or that of its pgbouncer.
  explicit PostgresProxy(const PostgresServer& server, bool is_pooled = false);
  PostgresProxy(const PostgresProxy&) = delete;
  PostgresProxy& operator=(const PostgresProxy&) = delete;
  ~PostgresProxy();

  std::string UriText(std::string_view schema, std::string_view table,
                      std::string_view options = "") const;

  // Says what becomes of each flight, also before Deliver. Called from the proxy's threads, one
  // call at a time; without one, all pass.
  void SetDecide(Decide decide);
  // Sends on the flights that are held, if any. May be called by a Decide.
  void Deliver();
  // Waits until all that were delivered without a client have been answered, and gives the answers:
  // an SQLSTATE, "" where all went well, "lost" where the server ended the session.
  std::vector<std::string> AwaitAnswers();

  // What has passed since the last call: flights in order, and how many ReadyForQuery came back.
  struct Traffic {
    std::vector<Flight> flights;
    int ready = 0;
  };
  Traffic TakeTraffic();

 private:
  class Session;

  void Accept();
  Fate FateOf(const Flight& flight);

  base::TempFolder folder_;
  std::string server_socket_;
  std::string user_;
  std::string database_;
  bool is_pooled_;
  int listener_ = -1;
  std::atomic<bool> is_over_ = false;

  std::mutex decide_mutex_;
  Decide decide_;

  std::mutex mutex_;
  std::condition_variable changed_;
  int held_ = 0;        // flights that wait for Deliver
  int deliveries_ = 0;  // calls of Deliver
  int unanswered_ = 0;  // flights without a client, held ones among them
  std::vector<std::string> answers_;
  Traffic traffic_;

  std::list<std::thread> sessions_;
  std::thread accepting_;
};

}  // namespace deltalakedb::testing
