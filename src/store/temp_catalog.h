// A catalog in a folder of its own, for tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "base/temp_folder.h"
#include "store/database.h"
#include "store/metadata_store.h"
#include "store/migrations.h"
#include "store/sqlite/sqlite_connection.h"
#include "store/table_row_for_tests.h"

namespace deltalakedb::store::testing_store {

class TempCatalog {
 public:
  std::string folder() const { return folder_.path().native(); }
  std::string path() const { return folder() + "/meta.db"; }
  std::string uri_text() const { return "deltasql://sqlite/" + path(); }
  Uri uri(const std::string& options = "") const { return *Uri::Parse(uri_text() + options); }

  // A connection to what is there, or is made.
  std::unique_ptr<Connection> Connect() const {
    auto connection = OpenSqlite({.path = path(), .may_create = true});
    EXPECT_TRUE(connection.has_value()) << connection.error().message();
    return *std::move(connection);
  }
  // The same, with the schema in it.
  std::unique_ptr<Connection> ConnectMigrated() const {
    auto connection = Connect();
    const auto steps = MigrateUp(*connection);
    EXPECT_TRUE(steps.has_value()) << steps.error().message();
    return connection;
  }

 private:
  base::TempFolder folder_;
};

}  // namespace deltalakedb::store::testing_store
