// Parsing all lines of several files of actions on several threads, in order.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/ordered_pipeline.h"
#include "log/line_chunks.h"
#include "log/log_folder.h"
#include "protocol/action_json.h"

namespace deltalakedb::log {

// One file of JSON lines to read.
struct LinesFile {
  std::string path;
  std::int64_t size_bytes = 0;
};

// Opens a file that was listed. Errors: Unavailable when it is gone or of another size by now, as
// log files are never changed: whoever lists anew may succeed.
Result<std::shared_ptr<const storage::InputFile>> OpenListed(const storage::FileSystem& file_system,
                                                             const LinesFile& listed);

// Whether an error says that the log became another one while it was read, so that whoever lists it
// anew may succeed. A store that does not answer (fact `store`) is no such change.
bool HasLogChanged(const Error& error);

// A source for OrderedPipeline<T>: the chunks of `files`, each turned into a T by
// `work(file_index, chunk)`, which runs on worker threads. A file that fits into one chunk is
// opened and read by its task, so that reading is parallel too.
template <typename T>
class DirectChunkSource {
 public:
  using Task = base::OrderedPipeline<T>::Task;
  using Work = std::function<Result<T>(std::size_t file_index, const LineChunk& chunk)>;

  DirectChunkSource(const storage::FileSystem& file_system, std::vector<LinesFile> files, Work work)
      : state_(std::make_shared<State>(&file_system, std::move(files), std::move(work))) {}

  Result<std::optional<Task>> operator()() {
    State& state = *state_;
    for (;;) {
      if (state.reader) {
        Result<std::optional<LineChunk>> chunk = state.reader->Next();
        if (!chunk) return Fail(std::move(chunk).error());
        if (*chunk) return ChunkTask(state.next - 1, **std::move(chunk));
        state.reader.reset();
      }
      if (state.next == state.files.size()) return std::optional<Task>();
      const std::size_t index = state.next++;
      if (state.files[index].size_bytes <= static_cast<std::int64_t>(kChunkBytes)) {
        return FileTask(index);
      }
      auto file = OpenListed(*state.file_system, state.files[index]);
      if (!file) return Fail(std::move(file).error());
      state.reader.emplace(*std::move(file));
    }
  }

 private:
  struct State {
    State(const storage::FileSystem* fs, std::vector<LinesFile> fs_files, Work fs_work)
        : file_system(fs), files(std::move(fs_files)), work(std::move(fs_work)) {}
    const storage::FileSystem* file_system;
    std::vector<LinesFile> files;
    Work work;
    std::size_t next = 0;
    std::optional<LineChunkReader> reader;  // of the file before `next`
  };

  std::optional<Task> ChunkTask(std::size_t index, LineChunk chunk) const {
    return Task(
        [state = state_, index, chunk = std::move(chunk)] { return state->work(index, chunk); });
  }

  std::optional<Task> FileTask(std::size_t index) const {
    return Task([state = state_, index] -> Result<T> {
      auto file = OpenListed(*state->file_system, state->files[index]);
      if (!file) return Fail(std::move(file).error());
      LineChunkReader reader(*std::move(file));
      Result<std::optional<LineChunk>> chunk = reader.Next();
      if (!chunk) return Fail(std::move(chunk).error());
      return state->work(index, *chunk ? **chunk : LineChunk{});
    });
  }

  std::shared_ptr<State> state_;
};

// A chunk and the file it is of.
struct ReadChunk {
  std::size_t file_index = 0;
  LineChunk chunk;
};

// The same wherever the files are: where each read waits for a server, they are read ahead by more
// threads than there are for the work.
template <typename T>
class ChunkSource {
 public:
  using Task = base::OrderedPipeline<T>::Task;
  using Work = DirectChunkSource<T>::Work;

  ChunkSource(const storage::FileSystem& file_system, std::vector<LinesFile> files, Work work) {
    const std::size_t threads = file_system.reads_ahead();
    if (threads == 0) {
      next_ = DirectChunkSource<T>(file_system, std::move(files), std::move(work));
      return;
    }
    DirectChunkSource<ReadChunk> chunks(file_system, std::move(files),
                                        [](std::size_t index, const LineChunk& chunk) {
                                          return Result<ReadChunk>({index, chunk});
                                        });
    next_ = [ahead = std::make_shared<base::OrderedPipeline<ReadChunk>>(std::move(chunks), threads),
             work = std::make_shared<const Work>(std::move(work))] { return Next(*ahead, work); };
  }

  Result<std::optional<Task>> operator()() { return next_(); }

 private:
  static Result<std::optional<Task>> Next(base::OrderedPipeline<ReadChunk>& ahead,
                                          std::shared_ptr<const Work> work) {
    Result<std::optional<ReadChunk>> read = ahead.Next();
    if (!read) return Fail(std::move(read).error());
    if (!*read) return std::optional<Task>();
    return std::optional<Task>([work = std::move(work), read = **std::move(read)] {
      return (*work)(read.file_index, read.chunk);
    });
  }

  base::OrderedPipeline<T>::Source next_;
};

}  // namespace deltalakedb::log
