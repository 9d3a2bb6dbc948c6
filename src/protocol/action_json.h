// Parsing one line of a commit, of a log compaction or of a JSON checkpoint (PROTOCOL.md, Actions).
//
// Unknown actions and fields are skipped, or kept where the action has room for them; they are
// never an error (PROTOCOL.md, Log files and names).
// Thread-safety: a parser belongs to one thread at a time; reuse it, as it keeps its buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "deltalakedb/actions.h"
#include "deltalakedb/ids.h"
#include "deltalakedb/result.h"
#include "protocol/arena.h"

namespace deltalakedb::protocol {

// A line must be followed by so many readable bytes of any content.
inline constexpr std::size_t kLinePaddingBytes = 64;

// The longest line taken. Unit: bytes. Far above any real action; keeps a broken file from
// claiming all memory.
inline constexpr std::size_t kActionLineBytesMax = 256 * 1024 * 1024;

// `checkpointMetadata` of a V2 checkpoint.
struct CheckpointMetadata {
  Version version;
};

// `sidecar` of a V2 checkpoint.
struct Sidecar {
  std::string path;  // URI-encoded; a bare name is a file of _delta_log/_sidecars
  std::int64_t size_in_bytes = 0;
};

// An action that the protocol does not know; its name.
struct UnknownAction {
  std::string name;
};

using Action =
    std::variant<UnknownAction, AddFile, RemoveFile, CdcFile, Metadata, Protocol, AppTransaction,
                 DomainMetadata, CommitInfo, CheckpointMetadata, Sidecar>;

// How much of a file action is wanted; the rest is skipped, checked for all but the escapes in its
// texts.
enum class FileDetail {
  kIdentity,      // path, deletion vector and size
  kWithoutStats,  // everything but stats
  kAll,
};

// What a writer's own line says beyond its action, or which field of it is wrong.
struct LineNotes {
  std::string action;            // the name of the line's action, as far as one was found
  std::string field;             // after an error: the field, such as `deletionVector.offset`
  UnknownFields unknown_fields;  // of an action whose struct has no room for them
  UnknownFields nested_fields;   // of its deletionVector, or of a metaData's format
};

// Fields of one object of a writer's own line.
inline constexpr std::size_t kFieldsPerObjectMax = 1'000;

class ActionParser {
 public:
  ActionParser();
  ~ActionParser();
  ActionParser(ActionParser&&) noexcept;
  ActionParser& operator=(ActionParser&&) noexcept;

  // Parses a line without its line end. The texts of a file action are copied into `arena`.
  // Errors: Corrupt (not a JSON object, a required field missing or of a wrong type, two actions in
  // one line), LimitExceeded (a line too long).
  Result<Action> Parse(std::string_view line, FileDetail detail, Arena& arena);

  // Parses a line that is to become part of a log, and so has to be as the protocol wants it, while
  // Parse takes what logs have: every field that is required is there, no field comes twice, no
  // text of a map of texts is null where that means nothing, and the line has one member. Unknown
  // fields come out in `notes`, whose fields are set after an error, too.
  // Errors: as Parse, and LimitExceeded (more than kFieldsPerObjectMax fields).
  Result<Action> ParseStrictly(std::string_view line, Arena& arena, LineNotes& notes);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace deltalakedb::protocol
