// Owns a file descriptor and closes it.
#pragma once

#include <unistd.h>

#include <utility>

namespace deltalakedb::storage {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() {
    if (fd_ >= 0) ::close(fd_);
  }

  // -1 when it owns none.
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

}  // namespace deltalakedb::storage
