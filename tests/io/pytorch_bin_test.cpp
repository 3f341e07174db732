#include "adlib/io/pytorch_bin.h"

#include "adlib/io/json.h"
#include "error_of.h"
#include "support/catch.h"
#include "support/files.h"
#include "support/memory_file.h"

using namespace adlib;
using io::PytorchFile;
using test::TempDir;

namespace {

const std::filesystem::path& data() {
  static const auto dir = test::data_dir() / "io";
  return dir;
}

/// The elements as doubles, which hold every value of the goldens exactly.
std::vector<double> doubles(const Tensor& tensor) {
  std::vector<double> out;
  const auto add = [&]<class T>(T) {
    for (const T& value : tensor.data<T>()) {
      if constexpr (std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>) {
        out.push_back(static_cast<float>(value));
      } else {
        out.push_back(static_cast<double>(value));
      }
    }
  };
  switch (tensor.dtype()) {
    case DType::f32:
      add(float{});
      break;
    case DType::f16:
      add(float16{});
      break;
    case DType::bf16:
      add(bfloat16{});
      break;
    case DType::f64:
      add(double{});
      break;
    case DType::i64:
      add(std::int64_t{});
      break;
    case DType::i32:
      add(std::int32_t{});
      break;
    case DType::i16:
      add(std::int16_t{});
      break;
    case DType::i8:
      add(std::int8_t{});
      break;
    case DType::u8:
      add(std::uint8_t{});
      break;
    case DType::boolean:
      add(bool{});
      break;
  }
  return out;
}

std::string_view torch_name(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "float32";
    case DType::f16:
      return "float16";
    case DType::bf16:
      return "bfloat16";
    case DType::f64:
      return "float64";
    case DType::i64:
      return "int64";
    case DType::i32:
      return "int32";
    case DType::i16:
      return "int16";
    case DType::i8:
      return "int8";
    case DType::u8:
      return "uint8";
    case DType::boolean:
      return "bool";
  }
  return "";
}

void open_all(const std::filesystem::path& path) {
  const auto file = PytorchFile::open(path);
  for (const auto& info : file.tensors()) (void)io::count_non_finite(file.tensor(info.name));
}

}  // namespace

TEST_CASE("files of torch.save give the shapes, types and values that torch gave", "[io][pytorch]") {
  const std::string name = GENERATE("torch_good.bin", "torch_protocol4.bin");
  const auto expected = io::read_json(data() / "torch_expected.json");
  const auto file = PytorchFile::open(data() / name);
  CHECK(file.tensors().size() == expected.size());
  for (const auto& [key, value] : expected.items()) {
    CAPTURE(name, key);
    REQUIRE(file.contains(key));
    const Tensor tensor = file.tensor(key);
    const auto dims = value["shape"].get<std::vector<std::int64_t>>();
    CHECK(tensor.shape() == Shape(std::span<const std::int64_t>(dims)));
    CHECK(torch_name(tensor.dtype()) == value["dtype"].get<std::string>());
    CHECK(doubles(tensor) == value["values"].get<std::vector<double>>());
  }
  CHECK(file.tensors().front().name == "base");  // the dict's order
  CHECK_ERROR(file.tensor("none"), ErrorCode::not_found, "no tensor 'none'");
}

TEST_CASE("save_safetensors writes the bytes of the format's own writer", "[io][pytorch][safetensors]") {
  TempDir dir;
  const auto file = PytorchFile::open(data() / "torch_good.bin");
  std::map<std::string, Tensor> tensors;
  for (const auto& info : file.tensors()) tensors[info.name] = file.tensor(info.name);
  io::save_safetensors(dir / "x", tensors);
  CHECK(test::read_text(dir / "x") == test::read_text(data() / "torch_good.safetensors"));
}

TEST_CASE("records beyond 4 GiB are found through the zip64 fields", "[io][pytorch]") {
  CHECK(doubles(PytorchFile::open(data() / "torch_zip64.bin").tensor("w")) ==
        std::vector<double>{1, 2, 3, 4});
}

TEST_CASE("tied tensors share the bytes of the mapped file", "[io][pytorch]") {
  const auto file = PytorchFile::open(data() / "torch_good.bin");
  CHECK(file.tensor("base").raw() == file.tensor("tied").raw());
  CHECK(file.tensor("row").raw() == file.tensor("base").select(0, 2).raw());
}

TEST_CASE("a pickle that names anything but tensors is refused and not executed", "[io][pytorch]") {
  CHECK_ERROR(PytorchFile::open(data() / "torch_evil.bin"), ErrorCode::unsupported, "asks for posix.system");
  CHECK_ERROR(PytorchFile::open(data() / "torch_evil.bin"), ErrorCode::unsupported,
              "safe_serialization=True");
  CHECK_FALSE(std::filesystem::exists("adlib-executed-a-pickle"));
}

TEST_CASE("what torch.save can write and adlib does not read is refused with its cure", "[io][pytorch]") {
  CHECK_ERROR(PytorchFile::open(data() / "torch_before_1_6.bin"), ErrorCode::unsupported,
              "before PyTorch 1.6");
  CHECK_ERROR(PytorchFile::open(data() / "torch_before_1_6.bin"), ErrorCode::unsupported,
              "M.from_pretrained('" + data().string() + "')");
  CHECK_ERROR(PytorchFile::open(data() / "torch_nested.bin"), ErrorCode::unsupported,
              "'state_dict' is a dict");
  CHECK_ERROR(PytorchFile::open(data() / "torch_not_a_dict.bin"), ErrorCode::unsupported, "holds a list");
  CHECK_ERROR(PytorchFile::open(data() / "torch_repeated.bin"), ErrorCode::unsupported,
              "repeats the 1 elements of its storage");
  CHECK_ERROR(PytorchFile::open(data() / "torch_complex.bin"), ErrorCode::unsupported,
              "torch.ComplexFloatStorage");
  CHECK_ERROR(PytorchFile::open(data() / "torch_deflated.bin"), ErrorCode::unsupported, "deflate");
  CHECK_ERROR(PytorchFile::open(data() / "torch_big_endian.bin"), ErrorCode::unsupported, "big-endian");
}

TEST_CASE("pickles that lie about their storages are refused", "[io][pytorch]") {
  const auto code = ErrorCode::bad_format;
  CHECK_ERROR(open_all(data() / "torch_shape_too_large.bin"), code,
              "reaches outside its storage of 4 elements");
  CHECK_ERROR(open_all(data() / "torch_offset_outside.bin"), code,
              "reaches outside its storage of 4 elements");
  CHECK_ERROR(open_all(data() / "torch_negative_stride.bin"), code, "negative stride -2");
  CHECK_ERROR(open_all(data() / "torch_stride_overflow.bin"), code, "reaches outside");
  CHECK_ERROR(open_all(data() / "torch_storage_lies.bin"), code, "its record has 16 bytes");
}

TEST_CASE("what is no zip archive is recognised", "[io][pytorch]") {
  TempDir dir;
  test::write_text(dir / "pytorch_model.bin", "version https://git-lfs.github.com/spec/v1\n");
  CHECK_ERROR(PytorchFile::open(dir / "pytorch_model.bin"), ErrorCode::bad_format, "run `git lfs pull`");
  test::write_text(dir / "pytorch_model.bin", "");
  CHECK_ERROR(PytorchFile::open(dir / "pytorch_model.bin"), ErrorCode::bad_format, "the file is empty");
  test::write_text(dir / "pytorch_model.bin", std::string("PK\3\4") + std::string(40, '\0'));
  CHECK_ERROR(PytorchFile::open(dir / "pytorch_model.bin"), ErrorCode::bad_format,
              "central directory is missing");
  CHECK_ERROR(PytorchFile::open(dir / "none.bin"), ErrorCode::not_found, "none.bin");
}

TEST_CASE("a torch.save file cut at any byte is refused", "[io][pytorch]") {
  const std::string whole = test::read_text(data() / "torch_small.bin");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const test::MemoryFile cut(whole.data(), size);
    CHECK_ERROR(open_all(cut.path()), ErrorCode::bad_format, cut.path().filename().string() + ": ");
  }
}
