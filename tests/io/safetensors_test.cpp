#include "adlib/io/safetensors.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "adlib/io/json.h"
#include "error_of.h"
#include "support/catch.h"
#include "support/files.h"
#include "support/memory_file.h"

using namespace adlib;
using io::SafetensorsFile;
using test::read_text;
using test::TempDir;
using test::write_text;

namespace {

float element(const Tensor& tensor, std::size_t index) { return tensor.data<float>()[index]; }

std::string with_length(const std::string& header, const std::string& payload = "") {
  const std::uint64_t length = header.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  return out + header + payload;
}

/// {"<name>": {"dtype": …, "shape": …, "data_offsets": …}} members for with_length().
std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return concat('"', name, R"(":{"dtype":")", dtype, R"(","shape":)", shape, R"(,"data_offsets":)", offsets,
                '}');
}

/// "{" + the entries with commas between + "}".
std::string object(std::initializer_list<std::string> entries) {
  std::string out;
  for (const std::string& item : entries) {
    out += out.empty() ? '{' : ',';
    out += item;
  }
  out += '}';
  return out;
}

/// Opens a file and takes every tensor that adlib can hold.
void open_all(const std::filesystem::path& path) {
  const auto file = SafetensorsFile::open(path);
  for (const auto& info : file.tensors()) {
    try {
      (void)io::count_non_finite(file.tensor(info.name));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unsupported) throw;
    }
  }
}

void open_all(const std::filesystem::path& path, const std::string& bytes) {
  write_text(path, bytes);
  open_all(path);
}

}  // namespace

TEST_CASE("the format's own vectors are accepted and refused as their list says",
          "[io][safetensors][golden]") {
  const auto dir = test::shared_dir() / "vectors/safetensors";
  if (!test::have(dir / "expect.json")) return;
  int accepted = 0;
  int refused = 0;
  for (const auto& item : io::read_json(dir / "expect.json")) {
    const auto name = item.at("file").get<std::string>();
    CAPTURE(name);
    REQUIRE(std::filesystem::file_size(dir / name) == item.at("size").get<std::size_t>());
    if (item.at("expect").get<std::string>().starts_with("OK")) {
      CHECK_NOTHROW(SafetensorsFile::open(dir / name));
      ++accepted;
    } else {
      CHECK_ERROR(SafetensorsFile::open(dir / name), ErrorCode::bad_format, name);
      ++refused;
    }
  }
  CHECK(accepted == 10);
  CHECK(refused == 11);
  CHECK_ERROR(SafetensorsFile::open(dir / "safetensors_abuse_attempt_1.safetensors"), ErrorCode::bad_format,
              "the download may be incomplete");
  const auto file = SafetensorsFile::open(dir / "syoyo_model.safetensors");
  CHECK(file.tensor("weight1").shape() == Shape{8, 8});
  CHECK(file.tensor("weight2").dtype() == DType::f64);
}

TEST_CASE("saved files equal those of the format's reference writer byte for byte",
          "[io][safetensors][golden]") {
  const auto dir = test::shared_dir() / "vectors/safetensors";
  if (!test::have(dir)) return;
  TempDir out;
  std::map<std::string, Tensor> tensors;
  io::save_safetensors(out / "empty", tensors, {});
  CHECK(read_text(out / "empty") == read_text(dir / "serialized_empty_0.safetensors"));
  io::save_safetensors(out / "metadata", tensors, {{"framework", "pt"}});
  CHECK(read_text(out / "metadata") == read_text(dir / "serialized_empty_1.safetensors"));
  tensors["attn.0"] = Tensor::from<float>({0, 1, 2, 3, 4, 5}, {1, 2, 3});
  io::save_safetensors(out / "one", tensors, {});
  CHECK(read_text(out / "one") == read_text(dir / "serialized_serialization_0.safetensors"));
}

TEST_CASE("every dtype survives save and open, with zero-size and scalar tensors", "[io][safetensors]") {
  TempDir dir;
  const std::map<std::string, Tensor> tensors = {
      {"f32", Tensor::from<float>({1.5f, -0.0f, std::numeric_limits<float>::infinity()}, {3})},
      {"f16", Tensor::from<float16>({float16(1.5f), float16(6e-8f)}, {2, 1})},
      {"bf16", Tensor::from<bfloat16>({bfloat16(3e38f)}, {1})},
      {"f64", Tensor::from<double>({1e300, 0.1}, {2})},
      {"i64", Tensor::from<std::int64_t>({INT64_MIN, INT64_MAX}, {2})},
      {"i32", Tensor::from<std::int32_t>({INT32_MIN}, {1})},
      {"i16", Tensor::from<std::int16_t>({-5, 5, 7}, {3})},
      {"i8", Tensor::from<std::int8_t>({-128}, {})},
      {"u8", Tensor::from<std::uint8_t>({255, 0, 1}, {3})},
      {"boolean", Tensor::from<bool>({true, false, true}, {3})},
      {"scalar", Tensor::from<float>({7}, {})},
      {"empty", Tensor::empty({2, 0, 3}, DType::i64)},
      {"名字 \"quoted\"", Tensor::from<float>({7}, {1, 1, 1, 1, 1, 1, 1, 1})},
  };
  io::save_safetensors(dir / "x.safetensors", tensors, {{"format", "pt"}, {"note", "é"}});
  const auto file = SafetensorsFile::open(dir / "x.safetensors");
  CHECK(file.metadata() == std::map<std::string, std::string>{{"format", "pt"}, {"note", "é"}});
  CHECK(file.tensors().size() == tensors.size());
  for (const auto& [name, expected] : tensors) {
    CAPTURE(name);
    REQUIRE(file.contains(name));
    const Tensor got = file.tensor(name);
    CHECK(got.dtype() == expected.dtype());
    REQUIRE(got.shape() == expected.shape());
    const std::size_t bytes = static_cast<std::size_t>(got.numel()) * size_of(got.dtype());
    CHECK((bytes == 0 || std::memcmp(got.raw(), expected.raw(), bytes) == 0));
  }
  // Sorted wide first, so that every tensor is aligned for its type in the mapped file.
  std::size_t width = 8;
  for (const auto& info : file.tensors()) {
    const Tensor tensor = file.tensor(info.name);
    if (tensor.numel() == 0) continue;
    CHECK(size_of(tensor.dtype()) <= width);
    width = size_of(tensor.dtype());
  }
}

TEST_CASE("a view with gaps is saved as what it shows", "[io][safetensors]") {
  TempDir dir;
  const Tensor base = Tensor::from<float>({0, 1, 2, 3, 4, 5}, {2, 3});
  io::save_safetensors(dir / "x", {{"t", base.transpose(0, 1)}, {"c", base.slice(1, 1, 2)}});
  const auto file = SafetensorsFile::open(dir / "x");
  const Tensor t = file.tensor("t");
  CHECK(t.shape() == Shape{3, 2});
  CHECK(std::vector<float>(t.data<float>().begin(), t.data<float>().end()) ==
        std::vector<float>{0, 3, 1, 4, 2, 5});
  const Tensor c = file.tensor("c");
  CHECK(std::vector<float>(c.data<float>().begin(), c.data<float>().end()) == std::vector<float>{1, 4});
}

TEST_CASE("a tensor outlives its file object, and writing to it leaves the file alone", "[io][safetensors]") {
  TempDir dir;
  io::save_safetensors(dir / "x", {{"w", Tensor::from<float>({1, 2, 3}, {3})}});
  const std::string before = read_text(dir / "x");
  Tensor tensor = SafetensorsFile::open(dir / "x").tensor("w");
  tensor.data<float>()[0] = 100;
  CHECK(tensor.data<float>()[0] == 100);
  CHECK(tensor.data<float>()[2] == 3);
  CHECK(read_text(dir / "x") == before);
  // Replacing the file by rename keeps the old bytes under the old tensor.
  io::save_safetensors(dir / "x", {{"w", Tensor::from<float>({9, 9, 9}, {3})}});
  CHECK(tensor.data<float>()[1] == 2);
  CHECK(element(SafetensorsFile::open(dir / "x").tensor("w"), 1) == 9);
}

TEST_CASE("bytes that are not aligned for their type are copied", "[io][safetensors]") {
  TempDir dir;
  const std::string header = object({entry("a", "U8", "[1]", "[0,1]"), entry("b", "F32", "[1]", "[1,5]")});
  const float value = 2.5f;
  std::string payload(5, '\1');
  std::memcpy(payload.data() + 1, &value, 4);
  write_text(dir / "x", with_length(header, payload));
  CHECK(element(SafetensorsFile::open(dir / "x").tensor("b"), 0) == 2.5f);
}

TEST_CASE("headers that lie are refused by tensor and reason", "[io][safetensors]") {
  struct Case {
    std::string header, payload, message;
  };
  const std::string four(4, '\0');
  const auto item = GENERATE_COPY(values<Case>({
      {object({entry("a", "F32", "[1]", "[0,8]")}), four,
       "claims bytes [0, 8) of a payload of 4; the download may be"},
      {object({entry("a", "F32", "[2]", "[0,4]")}), four, "takes 8 bytes, but claims [0, 4), 4 bytes"},
      {object({entry("a", "F32", "[1]", "[4,0]")}), four, "claims bytes [4, 0)"},
      {object({entry("a", "U8", "[2]", "[0,2]"), entry("b", "U8", "[3]", "[1,4]")}), four, "they overlap"},
      {object({entry("a", "U8", "[1]", "[0,1]"), entry("b", "U8", "[2]", "[2,4]")}), four, "there is a gap"},
      {object({entry("a", "U8", "[3]", "[1,4]")}), four, "there is a gap"},
      {object({entry("a", "U8", "[3]", "[0,3]")}), four, "bytes that belong to no tensor"},
      {"{}", four, "bytes that belong to no tensor"},
      {object({entry("a", "F32", "[1]", "[0,4]"), entry("a", "F32", "[1]", "[0,4]")}), four,
       "'a' is there twice"},
      {object({entry("a", "F33", "[1]", "[0,4]")}), four, "unknown dtype \"F33\""},
      {object({entry("a", "F32", "[-1]", "[0,4]")}), four, "expected whole numbers from 0"},
      {object({entry("a", "F32", "[1.0]", "[0,4]")}), four, "expected whole numbers from 0"},
      {object({entry("a", "F32", "[4294967296,4294967296]", "[0,4]")}), four, "overflows"},
      {object({entry("a", "F32", "[0,4294967296,4294967296]", "[0,0]")}), "", "overflows"},
      {object({entry("a", "F32", "[2305843009213693952]", "[0,4]")}), four, "overflows"},
      {object({entry("a", "F4", "[1]", "[0,1]")}), "x", "does not fill whole bytes"},
      {object({entry("a", "F32", "[1]", "[0,4,4]")}), four, "has 3 data_offsets"},
      {object({entry("a", "F32", "7", "[0,4]")}), four, "has no array 'shape'"},
      {R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", four, "has no array 'shape'"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"stride":[1]}})", four,
       "unknown field 'stride'"},
      {R"({"a":7})", "", "something else than an object"},
      {R"({"__metadata__":7})", "", "'__metadata__' is not an object"},
      {R"({"__metadata__":{"a":7}})", "", "not a string"},
      {R"({"__metadata__":{"a":"b","a":"c"}})", "", "'a' is there twice"},
      {"[]", "", "not a JSON object"},
      {"{\"\xff\":1}", "", "not valid UTF-8"},
  }));
  CAPTURE(item.header);
  TempDir dir;
  CHECK_ERROR(open_all(dir / "m.safetensors", with_length(item.header, item.payload)), ErrorCode::bad_format,
              item.message);
  CHECK_ERROR(open_all(dir / "m.safetensors", with_length(item.header, item.payload)), ErrorCode::bad_format,
              "m.safetensors");
}

TEST_CASE("a rank over 8 is unsupported, and so is taking a type that adlib lacks", "[io][safetensors]") {
  TempDir dir;
  CHECK_ERROR(
      open_all(dir / "x", with_length(object({entry("a", "U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]")}), "x")),
      ErrorCode::unsupported, "9 dimensions");
  write_text(dir / "x", with_length(object({entry("a", "F8_E4M3", "[2]", "[0,2]")}), "xx"));
  const auto file = SafetensorsFile::open(dir / "x");
  CHECK(file.tensors().at(0).dtype_name == "F8_E4M3");
  CHECK_ERROR(file.tensor("a"), ErrorCode::unsupported, "is F8_E4M3");
  CHECK_ERROR(file.tensor("b"), ErrorCode::not_found, "no tensor 'b'");
}

TEST_CASE("a boolean that is neither 0 nor 1 is refused", "[io][safetensors]") {
  TempDir dir;
  write_text(dir / "x", with_length(object({entry("a", "BOOL", "[2]", "[0,2]")}), "\1\2"));
  CHECK_ERROR(SafetensorsFile::open(dir / "x").tensor("a"), ErrorCode::bad_format,
              "bytes other than 0 and 1");
}

TEST_CASE("what people put in place of a safetensors file is recognised", "[io][safetensors]") {
  struct Case {
    std::string bytes, message;
  };
  const auto item = GENERATE(values<Case>({
      {"", "the file is empty"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 548105171\n", "run `git lfs pull`"},
      {"\n<!DOCTYPE html><html><head><title>Sign in</title></head></html>", "a web page"},
      {"<HTML><body>403</body></HTML>", "a web page"},
      {std::string("PK\3\4") + std::string(100, 'x'), "name it pytorch_model.bin"},
      {"GGUF" + std::string(100, '\xff'), "GGUF"},
      {"{\"error\": \"Repository not found\"}", "it is a JSON text"},
  }));
  TempDir dir;
  CHECK_ERROR(open_all(dir / "model.safetensors", item.bytes), ErrorCode::bad_format, item.message);
}

TEST_CASE("a file cut at any byte is refused", "[io][safetensors]") {
  TempDir dir;
  io::save_safetensors(dir / "x",
                       {{"a", Tensor::from<float>({1, 2}, {2})}, {"b", Tensor::from<bool>({true}, {1})}});
  const std::string whole = read_text(dir / "x");
  CHECK_NOTHROW(open_all(dir / "y", whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const test::MemoryFile cut(whole.data(), size);
    CHECK_ERROR(open_all(cut.path()), ErrorCode::bad_format, cut.path().filename().string() + ": ");
  }
  CHECK_ERROR(open_all(dir / "y", whole + "x"), ErrorCode::bad_format, "belong to no tensor");
}

TEST_CASE("opening reads the header only: a sparse file of 64 GiB opens at once", "[io][safetensors]") {
  TempDir dir;
  const std::uint64_t bytes = std::uint64_t{64} << 30;
  const std::string header =
      object({entry("big", "F32", concat("[", bytes / 4, "]"), concat("[0,", bytes, "]"))});
  write_text(dir / "x", with_length(header));
  std::error_code error;
  std::filesystem::resize_file(dir / "x", 8 + header.size() + bytes, error);
  if (error) {
    std::cout << "SKIPPED: this file system has no sparse file of 64 GiB\n";
    return;
  }
  const auto file = SafetensorsFile::open(dir / "x");
  CHECK(file.tensors().at(0).shape.numel() == static_cast<std::int64_t>(bytes / 4));
}

TEST_CASE("missing files, directories and unwritable places are named", "[io][safetensors]") {
  TempDir dir;
  CHECK_ERROR(SafetensorsFile::open(dir / "none.safetensors"), ErrorCode::not_found, "none.safetensors");
  CHECK_ERROR(SafetensorsFile::open(dir.path()), ErrorCode::io, "it is a directory");
  CHECK_ERROR(io::save_safetensors(dir / "none/x", {}), ErrorCode::not_found, "its directory exists");
  CHECK_ERROR(io::save_safetensors(dir / "x", {{"w", Tensor()}}), ErrorCode::invalid_argument,
              "'w' is undefined");
  CHECK_ERROR(io::save_safetensors(dir / "x", {{"\xff", Tensor::zeros({1})}}), ErrorCode::invalid_argument,
              "UTF-8");
  CHECK_ERROR(io::save_safetensors(dir / "x", {{"__metadata__", Tensor::zeros({1})}}),
              ErrorCode::invalid_argument, "__metadata__");
  CHECK(std::filesystem::is_empty(dir.path()));
}

TEST_CASE("count_non_finite counts NaN and both infinities of every floating type", "[io][safetensors]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor f32 = Tensor::from<float>({0, nan, inf, -inf, 3e38f, 1e-45f}, {2, 3});
  CHECK(io::count_non_finite(f32) == 3);
  CHECK(io::count_non_finite(f32.slice(1, 0, 1)) == 1);  // a view with gaps: 0, -inf
  CHECK(io::count_non_finite(Tensor::from<double>({nan, 1e308, inf}, {3})) == 2);
  CHECK(io::count_non_finite(Tensor::from<float16>({float16(nan), float16(65504.0f), float16(-inf)}, {3})) ==
        2);
  CHECK(io::count_non_finite(Tensor::from<bfloat16>({bfloat16(nan), bfloat16(3e38f), bfloat16(-inf)}, {3})) ==
        2);
  CHECK(io::count_non_finite(Tensor::from<std::int32_t>({-1, 0x7f800000}, {2})) == 0);
  CHECK(io::count_non_finite(Tensor::empty({0})) == 0);
}
