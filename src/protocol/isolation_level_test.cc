#include <gtest/gtest.h>

#include <string>

#include "deltalakedb/transaction.h"

namespace deltalakedb {
namespace {

TEST(IsolationLevelTest, EveryName_IsReadBackWhateverItsCase) {
  for (const IsolationLevel level :
       {IsolationLevel::kSerializable, IsolationLevel::kWriteSerializable,
        IsolationLevel::kSnapshotIsolation}) {
    EXPECT_EQ(ParseIsolationLevel(IsolationLevelName(level)), level);
  }
  EXPECT_EQ(ParseIsolationLevel("serializable"), IsolationLevel::kSerializable);
  EXPECT_EQ(ParseIsolationLevel("writeSerializable"), IsolationLevel::kWriteSerializable);
  EXPECT_EQ(ParseIsolationLevel("SNAPSHOTISOLATION"), IsolationLevel::kSnapshotIsolation);
}

TEST(IsolationLevelTest, AnotherName_IsRefusedByName) {
  for (const std::string name : {"", "Serializable ", "Snapshot", "READ COMMITTED"}) {
    const auto level = ParseIsolationLevel(name);
    ASSERT_FALSE(level.has_value()) << name;
    EXPECT_EQ(level.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(*level.error().FindFact("isolationLevel"), Error::FactValue(name));
  }
}

}  // namespace
}  // namespace deltalakedb
