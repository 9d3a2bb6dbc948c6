#include "mirror/owner.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

namespace deltalakedb::mirror {
namespace {

TEST(OwnerTest, NamesDifferAndThisProcessIsThere) {
  const std::string owner = MakeOwner();
  EXPECT_NE(owner, MakeOwner());
  EXPECT_FALSE(IsOwnerGone(owner));
}

TEST(OwnerTest, ProcessThatEnded_IsGone) {
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe(pipe_ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string owner = MakeOwner();
    _exit(write(pipe_ends[1], owner.data(), owner.size()) == std::ssize(owner) ? 0 : 1);
  }
  close(pipe_ends[1]);
  std::string owner(1024, '\0');
  const ssize_t bytes = read(pipe_ends[0], owner.data(), owner.size());
  close(pipe_ends[0]);
  ASSERT_GT(bytes, 0);
  owner.resize(static_cast<std::size_t>(bytes));
  int status = 1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_TRUE(IsOwnerGone(owner));
}

TEST(OwnerTest, AnotherMachinesOrAWrongName_IsNotCalledGone) {
  EXPECT_FALSE(IsOwnerGone(""));
  EXPECT_FALSE(IsOwnerGone("another machine|1|2|3"));
  const std::string owner = MakeOwner();
  EXPECT_FALSE(IsOwnerGone(owner.substr(0, owner.find('|'))));
  EXPECT_FALSE(IsOwnerGone(owner.substr(0, owner.find('|') + 1) + "x|1|2"));
}

TEST(OwnerTest, NumberThatAnotherProcessHasByNow_IsGone) {
  std::string owner = MakeOwner();
  const std::size_t start = owner.find('|', owner.find('|') + 1) + 1;
  owner.replace(start, owner.find('|', start) - start, "1");
  EXPECT_TRUE(IsOwnerGone(owner));
}

}  // namespace
}  // namespace deltalakedb::mirror
