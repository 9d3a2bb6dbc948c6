// Runs a fuzz target without libFuzzer: every file of its corpus, then seeded mutations of them.
//
//   fuzz_schema CORPUS [-runs=N] [-seed=S] [-first=K]
//
// Mutation K of seed S depends on nothing else but the corpus, so a failure is seen again with
// -seed=S -first=K -runs=1. The failing input is written to fuzz-failure.bin as well; a FILE in
// place of the folder runs that one input.
// With DELTALAKEDB_SOAK=1 in the environment there are more runs, from a seed that differs each
// time.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"

// Sanitizers call it when they end the process.
// NOLINTNEXTLINE(bugprone-reserved-identifier): theirs
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

constexpr std::uint64_t kDefaultRuns = 2'000;
constexpr std::uint64_t kSoakRuns = 1'000'000;
constexpr std::uint64_t kDefaultSeed = 20'240'102;
constexpr std::size_t kMutatedBytesMax = 64 * 1024;
constexpr unsigned kInputSecondsMax = 60;  // an input that takes longer hangs

using Input = std::string;

struct Options {
  std::string corpus;
  std::uint64_t runs = kDefaultRuns;
  std::uint64_t seed = kDefaultSeed;
  std::uint64_t first = 0;
};

// The input being run, for the handlers below: they may only use what is safe in a signal.
struct Current {
  const char* data = nullptr;
  std::size_t size = 0;
  char name[256] = "";
};
Current current;

void WriteAll(int file, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = write(file, data, size);
    if (written <= 0) return;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

void ReportInput() {
  static bool reported = false;
  if (reported || current.data == nullptr) return;
  reported = true;
  constexpr std::string_view kBefore = "\nfailing input, also in fuzz-failure.bin: ";
  WriteAll(STDERR_FILENO, kBefore.data(), kBefore.size());
  WriteAll(STDERR_FILENO, current.name, std::char_traits<char>::length(current.name));
  WriteAll(STDERR_FILENO, "\n", 1);
  const int file = open("fuzz-failure.bin", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return;
  WriteAll(file, current.data, current.size);
  close(file);
}

extern "C" void OnSignal(int signal) {
  ReportInput();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void InstallHandlers() {
  std::signal(SIGABRT, OnSignal);
  std::signal(SIGALRM, OnSignal);
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(ReportInput);
  } else {
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, OnSignal);
  }
}

void RunOne(const Input& input, const std::string& name) {
  // Copied to a block of exactly its size, so that reading past its end is seen.
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  current.data = input.data();
  current.size = input.size();
  std::snprintf(current.name, sizeof current.name, "%s", name.c_str());
  alarm(kInputSecondsMax);
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  alarm(0);
  current.data = nullptr;
}

// Draws from a generator whose results are the same on every platform, unlike those of the standard
// distributions.
class Dice {
 public:
  Dice(std::uint64_t seed, std::uint64_t run)
      : engine_(seed * 0x9E37'79B9'7F4A'7C15U + run * 0xD1B5'4A32'D192'ED03U) {}

  // In 0..limit - 1.
  std::size_t Below(std::size_t limit) { return static_cast<std::size_t>(engine_() % limit); }
  char Byte() { return static_cast<char>(engine_() & 0xFF); }

 private:
  std::mt19937_64 engine_;
};

struct Slice {
  std::size_t offset;
  std::size_t length;
};

// A part of a text that is not empty, mostly a short one.
Slice PickSlice(std::size_t size, Dice& dice) {
  const std::size_t offset = dice.Below(size);
  const std::size_t rest = size - offset;
  const std::size_t most = dice.Below(4) == 0 ? rest : std::min<std::size_t>(rest, 16);
  return {offset, 1 + dice.Below(most)};
}

// Values at which parsers tend to go wrong, as text and as bytes of a number.
// clang-format off
constexpr std::string_view kTexts[] = {
    "0", "-1", "1e999", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "2147483647", "2147483648", "4294967295", "0.1", "null", "true", "false", "\"\"", "{}", "[]",
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "\n", "%", "%00", "%25", "/",
    "../", "$", "${", "}", "@", "é", "\xF0\x9F\x98\x80", "\xFF", "\xC0\x80", " ", "\t",
};
// clang-format on
constexpr auto kFills = std::to_array<char>({'\x00', '\xFF', '\x7F', '\x80', '\x01'});

std::string_view InterestingText(Dice& dice) { return kTexts[dice.Below(std::size(kTexts))]; }

// Changes a number of 1, 2, 4 or 8 bytes in place, as lengths and offsets of binary formats are.
void ChangeNumber(Input& input, Dice& dice) {
  const std::size_t width = std::size_t{1} << dice.Below(4);
  if (input.size() < width) return;
  const std::size_t offset = dice.Below(input.size() - width + 1);
  const std::size_t kind = dice.Below(kFills.size() + 1);
  for (std::size_t i = 0; i < width; ++i) {
    input[offset + i] = kind < kFills.size() ? kFills[kind] : dice.Byte();
  }
}

void Mutate(Input& input, const std::vector<Input>& corpus, Dice& dice) {
  if (input.empty()) {
    input += InterestingText(dice);
    return;
  }
  const std::size_t place = dice.Below(input.size());
  switch (dice.Below(9)) {
    case 0:
      input[place] = static_cast<char>(input[place] ^ (1 << dice.Below(8)));
      break;
    case 1:
      input[place] = dice.Byte();
      break;
    case 2:
      ChangeNumber(input, dice);
      break;
    case 3:
      input.insert(place, InterestingText(dice));
      break;
    case 4:
      input.insert(place, 1, dice.Byte());
      break;
    case 5: {
      const Slice removed = PickSlice(input.size(), dice);
      input.erase(removed.offset, removed.length);
      break;
    }
    case 6: {
      const Slice doubled = PickSlice(input.size(), dice);
      input.insert(place, input.substr(doubled.offset, doubled.length));
      break;
    }
    case 7: {
      const Slice replaced = PickSlice(input.size(), dice);
      input.replace(replaced.offset, replaced.length, InterestingText(dice));
      break;
    }
    default: {
      const Input& other = corpus[dice.Below(corpus.size())];
      if (other.empty()) break;
      const Slice taken = PickSlice(other.size(), dice);
      const std::size_t replaced = dice.Below(2) == 0 ? 0 : taken.length;
      input.replace(place, replaced, other, taken.offset, taken.length);
    }
  }
}

Input MakeMutation(const std::vector<Input>& corpus, std::uint64_t seed, std::uint64_t run) {
  Dice dice(seed, run);
  Input input = corpus[dice.Below(corpus.size())];
  const std::size_t steps = 1 + dice.Below(dice.Below(2) == 0 ? 2 : 8);
  for (std::size_t i = 0; i < steps; ++i) Mutate(input, corpus, dice);
  if (input.size() > kMutatedBytesMax) input.resize(kMutatedBytesMax);
  return input;
}

std::optional<std::uint64_t> ReadNumber(std::string_view argument, std::string_view name) {
  if (!argument.starts_with(name)) return std::nullopt;
  argument.remove_prefix(name.size());
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(argument.data(), argument.data() + argument.size(), value);
  if (error != std::errc() || end != argument.data() + argument.size()) return std::nullopt;
  return value;
}

std::optional<Options> ReadOptions(int argc, char** argv) {
  Options options;
  const char* const soak = std::getenv("DELTALAKEDB_SOAK");
  if (soak != nullptr && std::string_view(soak) == "1") {
    options.runs = kSoakRuns;
    options.seed = std::random_device()();
  }
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (const auto runs = ReadNumber(argument, "-runs=")) {
      options.runs = *runs;
    } else if (const auto seed = ReadNumber(argument, "-seed=")) {
      options.seed = *seed;
    } else if (const auto first = ReadNumber(argument, "-first=")) {
      options.first = *first;
    } else if (!argument.starts_with('-') && options.corpus.empty()) {
      options.corpus = argument;
    } else {
      return std::nullopt;
    }
  }
  if (options.corpus.empty()) return std::nullopt;
  return options;
}

// The files of a folder by name, or one file.
std::vector<std::filesystem::path> ListInputs(const std::string& corpus) {
  if (!std::filesystem::is_directory(corpus)) return {corpus};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Options> options = ReadOptions(argc, argv);
  if (!options) {
    std::fprintf(stderr, "usage: %s CORPUS|FILE [-runs=N] [-seed=S] [-first=K]\n", argv[0]);
    return 2;
  }
  InstallHandlers();
  std::vector<Input> corpus;
  for (const auto& path : ListInputs(options->corpus)) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    if (!file) {
      std::fprintf(stderr, "cannot read %s\n", path.c_str());
      return 1;
    }
    RunOne(corpus.back(), path.string());
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "%s holds no files\n", options->corpus.c_str());
    return 1;
  }
  const bool is_folder = std::filesystem::is_directory(options->corpus);
  const std::uint64_t runs = is_folder ? options->runs : 0;
  std::printf("%zu inputs of the corpus, then %llu mutations from -seed=%llu -first=%llu\n",
              corpus.size(), static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(options->seed),
              static_cast<unsigned long long>(options->first));
  std::fflush(stdout);
  for (std::uint64_t run = options->first; run < options->first + runs; ++run) {
    RunOne(
        MakeMutation(corpus, options->seed, run),
        "-seed=" + std::to_string(options->seed) + " -first=" + std::to_string(run) + " -runs=1");
  }
  std::puts("done");
  return 0;
}
