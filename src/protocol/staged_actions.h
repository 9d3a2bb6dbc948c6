// The actions of one commit as its writer gives them, before they are a version.
//
// Nothing here knows the table: what an action has to look like in itself is checked on the way in
// and by CheckShape (protocol/action_shape.h), what the table asks of it by CheckAgainst
// (protocol/table_rules.h), and the text is made by CommitBody (protocol/commit_body.h).
// Thread-safety: belongs to one thread at a time. Ownership: all texts are copied; views into them
// live as long as this, also after it was moved.
//
//   protocol::StagedActions staged;
//   DELTALAKEDB_TRY(staged.Append(add));             // typed,
//   DELTALAKEDB_TRY(staged.Take(line, /*line=*/1));  // or a line of a file
//   DELTALAKEDB_TRY(protocol::CheckShape(staged, table_root));
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deltalakedb/actions.h"
#include "deltalakedb/result.h"
#include "protocol/action_json.h"
#include "protocol/action_writer.h"
#include "protocol/arena.h"

namespace deltalakedb::protocol {

// Actions of one commit.
inline constexpr std::size_t kStagedActionsMax = 10'000'000;
// One action: its line, or all its texts together where it is given as a value. Unit: bytes. Room
// for the longest schema that is parsed, escaped as a text.
inline constexpr std::size_t kStagedLineBytesMax = 64 * 1024 * 1024;
// All actions of a commit, counted likewise. Unit: bytes.
inline constexpr std::size_t kStagedBytesMax = 2'000'000'000;

// The limits as parameters, for tests.
struct StagedLimits {
  std::size_t actions_max = kStagedActionsMax;
  std::size_t line_bytes_max = kStagedLineBytesMax;
  std::size_t bytes_max = kStagedBytesMax;
};

// An action and where it comes from.
template <typename T>
struct Staged {
  T action;
  ActionExtras extras;    // fields that the protocol does not know
  std::int64_t line = 0;  // of the file it was read from; 0 where it was given as a value
};

class StagedActions {
 public:
  explicit StagedActions(StagedLimits limits = {});

  // Appends an action, which is copied. After an error nothing was appended.
  // Errors: InvalidArgument (facts action, field: a text that is not UTF-8, JSON that is none, a
  // second metaData, protocol or commitInfo), LimitExceeded (fact limit).
  Result<void> Append(const AddFile& add);
  Result<void> Append(const RemoveFile& remove);
  Result<void> Append(const CdcFile& cdc);
  Result<void> Append(Metadata metadata);
  Result<void> Append(Protocol protocol);
  Result<void> Append(AppTransaction transaction);
  Result<void> Append(DomainMetadata domain);
  // A JSON object of the writer's own, whose fields come behind ours in commitInfo.
  Result<void> AppendCommitInfo(std::string_view json);

  // Takes a line of a file of actions, `line_number` counted from 1; blank lines are passed over.
  // Unlike reading a log, this asks for every field that the protocol requires, of its type, and
  // for one action in a line. Fields and actions that the protocol does not know are kept verbatim,
  // but for line breaks between their tokens; a field that is null is an absent one.
  // Errors: as Append, with the fact line, and InvalidArgument (not JSON, a field missing, twice or
  // of a wrong type, an action that only checkpoints have).
  Result<void> Take(std::string_view line, std::int64_t line_number);

  // The actions, each kind in the order given. What the commit's writer decides (row ids) is
  // set through the mutable ones; texts put there have to outlive this.
  const std::vector<Staged<AddFile>>& adds() const { return adds_; }
  std::vector<Staged<AddFile>>& mutable_adds() { return adds_; }
  const std::vector<Staged<RemoveFile>>& removes() const { return removes_; }
  std::vector<Staged<RemoveFile>>& mutable_removes() { return removes_; }
  const std::vector<Staged<CdcFile>>& cdc() const { return cdc_; }
  const std::optional<Staged<Metadata>>& metadata() const { return metadata_; }
  std::optional<Staged<Metadata>>& mutable_metadata() { return metadata_; }
  const std::optional<Staged<Protocol>>& protocol() const { return protocol_; }
  const std::vector<Staged<AppTransaction>>& app_transactions() const { return transactions_; }
  const std::vector<Staged<DomainMetadata>>& domain_metadata() const { return domains_; }
  // The writer's own commitInfo.
  const std::optional<Staged<CommitInfo>>& commit_info() const { return commit_info_; }
  // Whole lines of actions that the protocol does not know.
  const std::vector<std::string_view>& unknown_lines() const { return unknown_lines_; }

  // A domain that the program itself keeps, such as `delta.rowTracking`: set by value so that a
  // rebase can set it again, written in front of the others, and not the user's, so that CheckShape
  // does not see it. Null takes it away.
  void SetOwnDomain(std::optional<DomainMetadata> domain) { own_domain_ = std::move(domain); }
  const std::optional<DomainMetadata>& own_domain() const { return own_domain_; }

  // How many actions there are, the commitInfo and the own domain not counted.
  std::size_t size() const;
  bool empty() const { return size() == 0; }

 private:
  class Copier;
  Result<void> Count(std::size_t bytes, std::string_view action);
  Result<void> TakeAction(Action action, LineNotes& notes, std::int64_t line_number);
  ActionExtras CopyExtras(const LineNotes& notes);
  UnknownFieldsView CopyFields(const UnknownFields& fields);

  StagedLimits limits_;
  std::size_t bytes_ = 0;
  // Behind pointers, so that a move leaves the texts where they are.
  std::unique_ptr<Arena> arena_;
  std::unique_ptr<ActionParser> parser_;  // made by the first Take
  std::vector<char> line_;                // with the padding that the parser asks for

  std::vector<Staged<AddFile>> adds_;
  std::vector<Staged<RemoveFile>> removes_;
  std::vector<Staged<CdcFile>> cdc_;
  std::optional<Staged<Metadata>> metadata_;
  std::optional<Staged<Protocol>> protocol_;
  std::vector<Staged<AppTransaction>> transactions_;
  std::vector<Staged<DomainMetadata>> domains_;
  std::optional<Staged<CommitInfo>> commit_info_;
  std::vector<std::string_view> unknown_lines_;
  std::optional<DomainMetadata> own_domain_;
};

}  // namespace deltalakedb::protocol
