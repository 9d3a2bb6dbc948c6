#include "mirror/engines.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "base/try.h"
#include "mirror/delta_engine.h"
#include "mirror/duckdb_engine.h"

namespace deltalakedb {

namespace {

constexpr std::size_t kNameBytesMax = 64;

class Registry {
 public:
  static Registry& Get() {
    static Registry registry;
    return registry;
  }

  Result<void> Register(std::unique_ptr<MirrorEngine> engine) {
    const std::string name(engine->name());
    const bool is_name =
        !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        });
    if (!is_name) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("an engine's name has up to {} lower-case letters, digits and -, and "
                              "'{}' is none",
                              kNameBytesMax, name));
    }
    const std::lock_guard lock(mutex_);
    if (aliases_.contains(name) || !engines_.try_emplace(name, std::move(engine)).second) {
      return Fail(ErrorCode::kAlreadyExists,
                  fmt::format("there is an engine named {} already", name));
    }
    return {};
  }

  const MirrorEngine* Find(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto alias = aliases_.find(name);
    const auto found = engines_.find(alias == aliases_.end() ? name : alias->second);
    return found == engines_.end() ? nullptr : found->second.get();
  }

  std::vector<std::string> List() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, engine] : engines_) names.push_back(name);
    return names;
  }

 private:
  Registry() {
    engines_.emplace(mirror::kDeltaEngine, mirror::MakeDeltaEngine());
    auto duckdb = mirror::MakeDuckdbEngine();
    engines_.emplace(duckdb->name(), std::move(duckdb));
  }

  mutable std::mutex mutex_;  // guards what follows; engines are never taken out
  std::map<std::string, std::unique_ptr<MirrorEngine>, std::less<>> engines_;
  std::map<std::string, std::string, std::less<>> aliases_ = {{"spark", "delta"}};
};

}  // namespace

Result<void> RegisterMirrorEngine(std::unique_ptr<MirrorEngine> engine) {
  return Registry::Get().Register(std::move(engine));
}

Result<std::string> FindMirrorEngineName(std::string_view name) {
  DELTALAKEDB_ASSIGN(const MirrorEngine* const engine, mirror::FindEngine(name));
  return std::string(engine->name());
}

std::vector<std::string> ListMirrorEngines() { return Registry::Get().List(); }

namespace mirror {

Result<const MirrorEngine*> FindEngine(std::string_view name) {
  if (const MirrorEngine* const engine = Registry::Get().Find(name)) return engine;
  return Fail(ErrorCode::kInvalidArgument, fmt::format("there is no engine '{}': there are {}",
                                                       name, fmt::join(ListMirrorEngines(), ", ")));
}

}  // namespace mirror

}  // namespace deltalakedb
