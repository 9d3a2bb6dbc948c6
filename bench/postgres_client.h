// What the programs that ask PostgreSQL directly share. Whatever fails ends the program.
#pragma once

#include <libpq-fe.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace deltalakedb::bench {

[[noreturn]] inline void Stop(PGconn* connection, const char* what) {
  std::fprintf(stderr, "PostgreSQL: %s: %s\n", what, PQerrorMessage(connection));
  std::exit(1);
}

inline void Run(PGconn* connection, const std::string& sql) {
  PGresult* const result = PQexec(connection, sql.c_str());
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) Stop(connection, sql.c_str());
  PQclear(result);
}

inline void Prepare(PGconn* connection, const char* name, const std::string& sql) {
  PGresult* const result = PQprepare(connection, name, sql.c_str(), 0, nullptr);
  if (PQresultStatus(result) != PGRES_COMMAND_OK) Stop(connection, sql.c_str());
  PQclear(result);
}

// The first column of all rows, of which there has to be one.
inline std::vector<std::string> Column(PGconn* connection, const std::string& sql) {
  PGresult* const rows = PQexec(connection, sql.c_str());
  if (PQresultStatus(rows) != PGRES_TUPLES_OK || PQntuples(rows) == 0)
    Stop(connection, sql.c_str());
  std::vector<std::string> values;
  for (int i = 0; i < PQntuples(rows); ++i) values.emplace_back(PQgetvalue(rows, i, 0));
  PQclear(rows);
  return values;
}

inline PGconn* Connect(const char* words) {
  PGconn* const connection = PQconnectdb(words);
  if (PQstatus(connection) != CONNECTION_OK) Stop(connection, "connecting");
  Run(connection, "SET client_min_messages = warning");
  return connection;
}

}  // namespace deltalakedb::bench
