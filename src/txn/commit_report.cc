#include "txn/commit_report.h"

#include <utility>

namespace deltalakedb::txn {

CommitReport ToReport(CommitOutcome outcome) {
  CommitReport report;
  switch (outcome.kind) {
    case CommitOutcome::Kind::kCommitted:
      report.outcome = CommitReport::Outcome::kCommitted;
      break;
    case CommitOutcome::Kind::kConflicted:
      report.outcome = CommitReport::Outcome::kConflicted;
      break;
    case CommitOutcome::Kind::kInDoubt:
      report.outcome = CommitReport::Outcome::kInDoubt;
      break;
  }
  report.version = outcome.version;
  report.timestamp = outcome.timestamp;
  report.commit_id = std::move(outcome.commit_id);
  report.is_skipped = outcome.is_skipped;
  report.attempts = outcome.attempts;
  report.error = std::move(outcome.error);
  return report;
}

}  // namespace deltalakedb::txn
