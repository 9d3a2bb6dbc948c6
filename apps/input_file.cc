#include "apps/input_file.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "apps/user_text.h"
#include "base/try.h"

namespace deltalakedb::cli {
namespace {

constexpr std::string_view kStandardInput = "-";
constexpr std::size_t kPieceBytes = 64 * 1024;

ErrorCode CodeOf(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:  // something above it is a file
      return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
      return ErrorCode::kPermission;
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return ErrorCode::kInvalidArgument;
    default:
      return ErrorCode::kIo;
  }
}

std::string NameOf(const std::string& fact) {
  return fact == kStandardInput ? "standard input" : fact;
}

Error InputError(int error_number, const std::string& fact) {
  const std::string name = NameOf(fact);
  const ErrorCode code = CodeOf(error_number);
  const std::string what =
      code == ErrorCode::kNotFound
          ? fmt::format("there is no file {}", name)
          : fmt::format("{} cannot be read: {}", name,
                        std::error_code(error_number, std::generic_category()).message());
  return Error(code, what).With("file", fact);
}

}  // namespace

std::string InputFile::name() const { return NameOf(fact_); }

void InputFile::Closer::operator()(std::FILE* file) const {
  if (file != stdin) std::fclose(file);  // nothing was written, so that nothing can be lost
}

void InputFile::Deleter::operator()(char* text) const { std::free(text); }

InputFile::InputFile(std::FILE* file, std::string fact) : file_(file), fact_(std::move(fact)) {}

Result<InputFile> InputFile::Open(const std::string& path) {
  if (path == kStandardInput) return InputFile(stdin, path);
  std::FILE* const file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return Fail(InputError(errno, Shown(path)));
  return InputFile(file, Shown(path));
}

Result<bool> InputFile::ReadLine(std::string& line) {
  char* text = line_.release();
  errno = 0;
  const ssize_t length = getline(&text, &line_capacity_, file_.get());
  const int error_number = errno;
  line_.reset(text);
  if (length < 0) {
    if (std::feof(file_.get()) != 0) return false;
    return Fail(InputError(error_number, fact_));
  }
  line.assign(text, static_cast<std::size_t>(length));
  if (line.ends_with('\n')) line.pop_back();
  return true;
}

Result<std::string> InputFile::ReadAll(std::size_t bytes_max) {
  std::string text;
  std::array<char, kPieceBytes> piece{};
  for (;;) {
    errno = 0;
    const std::size_t length = std::fread(piece.data(), 1, piece.size(), file_.get());
    const int error_number = errno;
    text.append(piece.data(), length);
    if (text.size() > bytes_max) {
      return Fail(Error(ErrorCode::kLimitExceeded,
                        fmt::format("{} has more than {} bytes", name(), bytes_max))
                      .With("limit", static_cast<std::int64_t>(bytes_max))
                      .With("file", fact_));
    }
    if (std::ferror(file_.get()) != 0) return Fail(InputError(error_number, fact_));
    if (length < piece.size()) return text;
  }
}

}  // namespace deltalakedb::cli
