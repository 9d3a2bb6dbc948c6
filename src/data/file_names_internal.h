// The names of new data files (PROTOCOL.md, Path encoding).
//
// Thread-safety: belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "data/partition_split_internal.h"
#include "data/table_shape.h"
#include "deltalakedb/actions.h"

namespace deltalakedb::data {

class FileNames {
 public:
  // `folder` as DataWriterOptions, `suffix` is what names end in.
  FileNames(const Metadata& metadata, std::shared_ptr<const TableShape> shape, std::string folder,
            std::string suffix);

  // The path of the next file of a partition below the table, not encoded.
  std::string Next(const PartitionKey& partition);

 private:
  std::string FolderOf(const PartitionKey& partition) const;

  std::shared_ptr<const TableShape> shape_;
  std::string folder_;
  std::string suffix_;
  bool has_random_folders_ = false;
  std::size_t random_length_ = 0;
  std::size_t next_number_ = 0;
};

}  // namespace deltalakedb::data
