#include "deltalakedb/error.h"

#include <algorithm>

namespace deltalakedb {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "InvalidArgument";
    case ErrorCode::kNotFound:
      return "NotFound";
    case ErrorCode::kAlreadyExists:
      return "AlreadyExists";
    case ErrorCode::kConflict:
      return "Conflict";
    case ErrorCode::kInDoubt:
      return "InDoubt";
    case ErrorCode::kUnsupported:
      return "Unsupported";
    case ErrorCode::kCorrupt:
      return "Corrupt";
    case ErrorCode::kPermission:
      return "Permission";
    case ErrorCode::kBusy:
      return "Busy";
    case ErrorCode::kUnavailable:
      return "Unavailable";
    case ErrorCode::kIo:
      return "Io";
    case ErrorCode::kLimitExceeded:
      return "LimitExceeded";
    case ErrorCode::kCancelled:
      return "Cancelled";
    case ErrorCode::kInternal:
      return "Internal";
  }
  return "Internal";
}

RetryAdvice AdviceFor(ErrorCode code) {
  return code == ErrorCode::kBusy || code == ErrorCode::kUnavailable ? RetryAdvice::kLater
                                                                     : RetryAdvice::kNever;
}

const Error::FactValue* Error::FindFact(std::string_view name) const {
  const auto found = std::ranges::find(facts_, name, &Fact::first);
  return found == facts_.end() ? nullptr : &found->second;
}

Error& Error::AddFact(std::string name, FactValue value) {
  if (FindFact(name) == nullptr) facts_.emplace_back(std::move(name), std::move(value));
  return *this;
}

Error& Error::AddContext(std::string_view context) {
  message_.insert(0, ": ");
  message_.insert(0, context);
  return *this;
}

Error&& Error::With(std::string name, FactValue value) && {
  return std::move(AddFact(std::move(name), std::move(value)));
}

Error&& Error::In(std::string_view context) && { return std::move(AddContext(context)); }

}  // namespace deltalakedb
