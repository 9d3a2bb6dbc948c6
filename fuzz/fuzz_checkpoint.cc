// Input: a Parquet file that claims to be a checkpoint, a part of one or a sidecar.
#include <arrow/util/thread_pool.h>
#include <simdjson.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "storage/checkpoint_parquet.h"
#include "storage/file_system.h"

namespace {

using namespace deltalakedb;
using storage::CheckpointColumns;
using storage::ParquetCheckpoint;

// What is compared between two readings of a file.
struct Identity {
  std::string path;
  std::string deletion_vector;
  std::int64_t size = 0;

  friend bool operator==(const Identity&, const Identity&) = default;
};

void CheckError(const Error& error) {
  FUZZ_CHECK(error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kLimitExceeded);
  FUZZ_CHECK(!error.message().empty());
  FUZZ_CHECK(error.FindFact("file") != nullptr);
}

// Whatever comes out goes into JSON and has to be UTF-8, though Parquet does not make sure of it.
void CheckText(std::string_view text) {
  FUZZ_CHECK(simdjson::validate_utf8(text.data(), text.size()));
}
void CheckText(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) CheckText(text);
}
void CheckText(const std::map<std::string, std::string>& texts) {
  for (const auto& [key, value] : texts) {
    CheckText(key);
    CheckText(value);
  }
}
void CheckText(StringMapView texts) {
  for (const StringMapEntry& entry : texts) {
    CheckText(entry.key);
    if (entry.value) CheckText(*entry.value);
  }
}

void CheckState(const storage::CheckpointState& state) {
  if (state.protocol) {
    CheckText(state.protocol->reader_features.value_or(std::vector<std::string>()));
    CheckText(state.protocol->writer_features.value_or(std::vector<std::string>()));
  }
  if (state.metadata) {
    const Metadata& metadata = *state.metadata;
    for (const auto& text : {metadata.id, metadata.name, metadata.description,
                             metadata.format_provider, metadata.schema_string}) {
      CheckText(text.value_or(""));
    }
    CheckText(metadata.format_options);
    CheckText(metadata.partition_columns);
    CheckText(metadata.configuration);
  }
  for (const AppTransaction& transaction : state.app_transactions) CheckText(transaction.app_id);
  for (const DomainMetadata& domain : state.domain_metadata) {
    CheckText(domain.domain);
    CheckText(domain.configuration);
  }
  for (const protocol::Sidecar& sidecar : state.sidecars) CheckText(sidecar.path);
}

void CheckAdd(const AddFile& add) {
  CheckText(add.path);
  CheckText(add.partition_values);
  CheckText(add.stats.value_or(""));
  CheckText(add.tags.value_or(StringMapView()));
  CheckText(add.clustering_provider.value_or(""));
  if (add.deletion_vector) {
    CheckText(add.deletion_vector->storage_type);
    CheckText(add.deletion_vector->path_or_inline_dv);
  }
}

// The files of the checkpoint; nothing when they cannot all be read.
std::optional<std::vector<Identity>> ReadAdds(const ParquetCheckpoint& checkpoint,
                                              CheckpointColumns columns) {
  std::vector<Identity> identities;
  auto stream = checkpoint.OpenAdds(columns);
  if (!stream) {
    CheckError(stream.error());
    return std::nullopt;
  }
  for (;;) {
    const auto decoder = (*stream)->Next();
    if (!decoder) {
      CheckError(decoder.error());
      return std::nullopt;
    }
    if (!*decoder) return identities;
    const auto batch = (**decoder)();
    if (!batch) {
      CheckError(batch.error());
      return std::nullopt;
    }
    FUZZ_CHECK(batch->files().size() <= static_cast<std::size_t>(ParquetCheckpoint::kBatchRows));
    for (const AddFile& add : batch->files()) {
      CheckAdd(add);
      identities.push_back(
          {.path = std::string(add.path),
           .deletion_vector = add.deletion_vector ? add.deletion_vector->UniqueId() : "",
           .size = add.size});
    }
  }
}

// Any choice of columns is safe to read, and reading again gives the same. Two choices may
// disagree: in a damaged file the columns of one struct differ in which of its rows are null.
// Beside all columns each input has one of these, so that there is time for more inputs.
void CheckAdds(const ParquetCheckpoint& checkpoint, std::string_view input) {
  constexpr std::array kEveryChoice = {CheckpointColumns::kSize, CheckpointColumns::kIdentity,
                                       CheckpointColumns::kWithoutStats, CheckpointColumns::kAll};
  const auto choice = kEveryChoice.at(std::hash<std::string_view>()(input) % kEveryChoice.size());
  const auto all = ReadAdds(checkpoint, CheckpointColumns::kAll);
  const auto other = ReadAdds(checkpoint, choice);
  FUZZ_CHECK(choice != CheckpointColumns::kAll || other == all);
}

// Arrow would spread the columns over all processors; on rows as few as these that only costs.
void UseOneArrowThread() {
  static const bool is_set = arrow::SetCpuThreadPoolCapacity(1).ok();
  FUZZ_CHECK(is_set);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  UseOneArrowThread();
  const std::string_view input = fuzz::AsText(data, size);
  const auto checkpoint =
      ParquetCheckpoint::Open(storage::MakeMemoryFile("/log/input.parquet", std::string(input)));
  if (!checkpoint) {
    CheckError(checkpoint.error());
    return 0;
  }
  const auto state = (*checkpoint)->LoadState();
  if (state) {
    CheckState(*state);
  } else {
    CheckError(state.error());
  }
  CheckAdds(**checkpoint, input);
  return 0;
}
