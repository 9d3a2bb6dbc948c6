#include "protocol/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace deltalakedb::protocol {
namespace {

TEST(ArenaTest, Copies_StayWhereTheyAre) {
  std::mt19937 random(1);
  Arena arena;
  std::vector<std::pair<std::string, std::string_view>> copies;
  for (int i = 0; i < 3000; ++i) {
    const std::size_t size = random() % 100 == 0 ? random() % 700'000 : random() % 300;
    std::string text(size, static_cast<char>('a' + i % 26));
    const std::string_view copy = arena.Copy(text);
    copies.emplace_back(std::move(text), copy);
  }
  for (const auto& [text, copy] : copies) ASSERT_EQ(copy, text);
}

TEST(ArenaTest, Values_AreAligned) {
  Arena arena;
  for (int i = 0; i < 1000; ++i) {
    arena.Copy(std::string(static_cast<std::size_t>(i % 7), 'x'));
    const auto values = arena.Copy(std::vector<std::uint64_t>{1, 2, 3});
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(values.data()) % alignof(std::uint64_t), 0U);
    ASSERT_EQ(values[2], 3U);
  }
}

TEST(ArenaTest, Nothing_TakesNoMemory) {
  Arena arena;
  EXPECT_EQ(arena.Copy(std::string_view()), "");
  EXPECT_TRUE(arena.Copy(std::vector<int>()).empty());
}

TEST(ArenaTest, Reset_ReusesTheFirstBlockOnly) {
  Arena arena;
  arena.Reset();
  const char* const first = arena.Copy("x").data();
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 20; ++i) arena.Copy(std::string(100'000, 'y'));
    arena.Reset();
    ASSERT_EQ(arena.Copy("z").data(), first);
  }
}

TEST(ArenaTest, WhatIsGivenBack_IsUsedAgain) {
  Arena arena;
  char* const room = arena.AllocateChars(100);
  std::copy_n("abc", 3, room);
  arena.ShrinkLast(room + 3);
  EXPECT_EQ(arena.AllocateChars(1), room + 3);
}

}  // namespace
}  // namespace deltalakedb::protocol
