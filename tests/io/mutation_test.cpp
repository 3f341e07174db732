// Thousands of damaged files: every one is read or refused with adlib::Error, never anything else. The
// sanitizer builds run this too; tests/fuzz looks deeper.
#include <algorithm>
#include <random>
#include <sstream>

#include "adlib/io/json.h"
#include "adlib/io/pytorch_bin.h"
#include "adlib/io/safetensors.h"
#include "support/catch.h"
#include "support/files.h"
#include "support/memory_file.h"

using namespace adlib;

namespace {

/// Changes, inserts, deletes, repeats or overwrites with an awkward number, one to four times.
std::string mutate(std::string bytes, std::mt19937& random) {
  const auto below = [&](std::size_t n) {
    return static_cast<std::size_t>(random()) % std::max<std::size_t>(n, 1);
  };
  for (std::size_t round = 1 + below(4); round-- > 0 && !bytes.empty();) {
    const std::size_t at = below(bytes.size());
    const std::size_t length = std::min(1 + below(16), bytes.size() - at);
    switch (below(6)) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 2:
        bytes.insert(at, 1, static_cast<char>(random()));
        break;
      case 3:
        bytes.erase(at, length);
        break;
      case 4:
        bytes.insert(at, bytes.substr(below(bytes.size()), length));
        break;
      case 5:
        for (std::size_t i = 0; i < length; ++i) bytes[at + i] = below(2) == 0 ? '\xff' : '\x7f';
        break;
    }
  }
  return bytes;
}

/// How many of `rounds` mutations `read` accepts; anything thrown but Error fails the test.
template <class Read>
int count_accepted(const std::string& seed, int rounds, Read&& read) {
  std::mt19937 random(20240607);
  int accepted = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::string bytes = mutate(seed, random);
    CAPTURE(round);
    try {
      read(bytes);
      ++accepted;
    } catch (const Error& error) {
      if (std::string_view(error.what()).empty()) FAIL("an error without a message");
    }
  }
  return accepted;
}

}  // namespace

TEST_CASE("mutated safetensors files are read or refused", "[io][safetensors]") {
  test::TempDir dir;
  io::save_safetensors(dir / "seed", {{"a", Tensor::from<float>({1, 2, 3, 4}, {2, 2})},
                                      {"b", Tensor::from<bool>({true, false, true}, {3})},
                                      {"c", Tensor::empty({0, 2}, DType::i64)}});
  const int accepted = count_accepted(test::read_text(dir / "seed"), 3000, [&](const std::string& bytes) {
    const test::MemoryFile memory(bytes.data(), bytes.size());
    const auto file = io::SafetensorsFile::open(memory.path());
    for (const auto& info : file.tensors()) (void)io::count_non_finite(file.tensor(info.name));
  });
  CHECK(accepted > 0);
  CHECK(accepted < 3000);
}

TEST_CASE("mutated torch.save files are read or refused", "[io][pytorch]") {
  const std::string seed =
      test::read_text(test::data_dir() / "io" / GENERATE("torch_small.bin", "torch_protocol4.bin"));
  const int accepted = count_accepted(seed, 2000, [&](const std::string& bytes) {
    const test::MemoryFile memory(bytes.data(), bytes.size());
    const auto file = io::PytorchFile::open(memory.path());
    for (const auto& info : file.tensors()) (void)io::count_non_finite(file.tensor(info.name));
  });
  CHECK(accepted > 0);
  CHECK(accepted < 2000);
}

TEST_CASE("mutated JSON and JSON Lines are read or refused", "[io][json]") {
  const std::string seed =
      "{\"name\": \"é中😀\\u4e2d\", \"list\": [1, -2.5e3, true, null], \"deep\": {\"a\": {\"b\": "
      "[]}}}\n{\"b\": 1}\n";
  const int accepted = count_accepted(seed, 5000, [](const std::string& bytes) {
    std::istringstream in(bytes);
    io::for_each_json_line(in, "x.jsonl", [](io::Json&& object, std::int64_t) { (void)object.dump(); });
  });
  CHECK(accepted > 0);
  CHECK(accepted < 5000);
}
