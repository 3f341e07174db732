#include "adlib/io/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <tuple>

#include "adlib/io/atomic_file.h"
#include "adlib/io/json.h"
#include "io/mapped_file.h"

// Payloads are little-endian and are used as they lie in the file.
static_assert(std::endian::native == std::endian::little,
              "adlib reads checkpoints on little-endian machines only");

namespace adlib::io {
namespace {

constexpr std::uint64_t header_limit = 100'000'000;  // the format's own limit
constexpr std::size_t length_bytes = 8;

struct FileType {
  std::string_view name;
  unsigned bits;  // of one element; the sub-byte types are packed
  std::optional<DType> dtype;
};

/// Every dtype of the format, narrow to wide, in the order by which Hugging Face's writer sorts (last first).
constexpr std::array file_types = {
    FileType{"BOOL", 8, DType::boolean},
    FileType{"F4", 4, std::nullopt},
    FileType{"F6_E2M3", 6, std::nullopt},
    FileType{"F6_E3M2", 6, std::nullopt},
    FileType{"U8", 8, DType::u8},
    FileType{"I8", 8, DType::i8},
    FileType{"F8_E5M2", 8, std::nullopt},
    FileType{"F8_E4M3", 8, std::nullopt},
    FileType{"F8_E8M0", 8, std::nullopt},
    FileType{"F8_E4M3FNUZ", 8, std::nullopt},
    FileType{"F8_E5M2FNUZ", 8, std::nullopt},
    FileType{"I16", 16, DType::i16},
    FileType{"U16", 16, std::nullopt},
    FileType{"F16", 16, DType::f16},
    FileType{"BF16", 16, DType::bf16},
    FileType{"I32", 32, DType::i32},
    FileType{"U32", 32, std::nullopt},
    FileType{"F32", 32, DType::f32},
    FileType{"C64", 64, std::nullopt},
    FileType{"F64", 64, DType::f64},
    FileType{"I64", 64, DType::i64},
    FileType{"U64", 64, std::nullopt},
};

const FileType* find_type(std::string_view name) {
  const auto found =
      std::find_if(file_types.begin(), file_types.end(), [&](auto& t) { return t.name == name; });
  return found == file_types.end() ? nullptr : &*found;
}

const FileType& type_of(DType dtype) {
  return *std::find_if(file_types.begin(), file_types.end(), [&](auto& type) { return type.dtype == dtype; });
}

/// Reads the header of one file; `where` begins every message.
class HeaderReader {
 public:
  HeaderReader(std::string where, std::uint64_t payload) : where_(std::move(where)), payload_(payload) {}

  TensorInfo tensor(const std::string& name, const Json& entry) const {
    if (!entry.is_object()) refuse(name, "is described by something else than an object");
    for (const auto& [key, value] : entry.items()) {
      if (key != "dtype" && key != "shape" && key != "data_offsets")
        refuse(name, "has the unknown field '", key, "'");
    }
    TensorInfo info;
    info.name = name;
    const Json dtype = entry.value("dtype", Json());
    const FileType* type = dtype.is_string() ? find_type(dtype.get_ref<const std::string&>()) : nullptr;
    if (type == nullptr) refuse(name, "has an unknown dtype ", dtype.dump(-1, ' ', true));
    info.dtype_name = type->name;

    const std::uint64_t elements = read_shape(name, entry.value("shape", Json()), info.shape);
    const auto offsets = naturals(name, "data_offsets", entry.value("data_offsets", Json()));
    if (offsets.size() != 2) refuse(name, "has ", offsets.size(), " data_offsets, expected [begin, end]");
    info.begin = offsets[0];
    info.end = offsets[1];
    if (info.begin > info.end || info.end > payload_) {
      refuse(name, "claims bytes [", info.begin, ", ", info.end, ") of a payload of ", payload_,
             info.begin <= info.end ? "; the download may be incomplete" : "");
    }
    if (elements > std::numeric_limits<std::uint64_t>::max() / type->bits) {
      refuse(name, "has a shape whose size in bits overflows 64 bits");
    }
    const std::uint64_t bits = elements * type->bits;
    if (bits % 8 != 0)
      refuse(name, "of ", type->name, " and shape ", info.shape, " does not fill whole bytes");
    if (bits / 8 != info.end - info.begin) {
      refuse(name, "of ", type->name, " and shape ", info.shape, " takes ", bits / 8, " bytes, but claims [",
             info.begin, ", ", info.end, "), ", info.end - info.begin, " bytes");
    }
    return info;
  }

  /// The tensors must tile the payload: bytes that nobody claims could hide another file.
  void check_tiling(std::vector<TensorInfo>& tensors) const {
    std::sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
      return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    std::uint64_t reached = 0;
    for (const TensorInfo& info : tensors) {
      if (info.begin != reached) {
        refuse(info.name, "begins at byte ", info.begin, " of the payload, but the one before it ends at ",
               reached, info.begin < reached ? ": they overlap" : ": there is a gap");
      }
      reached = info.end;
    }
    if (reached != payload_) {
      fail(ErrorCode::bad_format, where_, ": the tensors end at byte ", reached, " of a payload of ",
           payload_, "; the file holds bytes that belong to no tensor");
    }
  }

 private:
  template <class... Args>
  [[noreturn]] void refuse(const std::string& name, const Args&... problem) const {
    fail(ErrorCode::bad_format, where_, ": tensor '", name, "' ", problem...);
  }

  std::vector<std::uint64_t> naturals(const std::string& name, const char* field, const Json& array) const {
    if (!array.is_array()) refuse(name, "has no array '", field, "'");
    std::vector<std::uint64_t> out;
    for (const Json& value : array) {
      if (!value.is_number_unsigned())
        refuse(name, "has ", field, " ", array.dump(), ", expected whole numbers from 0");
      out.push_back(value.get<std::uint64_t>());
    }
    return out;
  }

  /// The product of the extents, multiplied as the format defines it: every step must fit, even if a later
  /// extent is 0.
  std::uint64_t read_shape(const std::string& name, const Json& array, Shape& shape) const {
    const auto extents = naturals(name, "shape", array);
    if (extents.size() > Shape::max_rank) {
      fail(ErrorCode::unsupported, where_, ": tensor '", name, "' has ", extents.size(),
           " dimensions, the limit is ", Shape::max_rank);
    }
    constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();
    std::uint64_t product = 1;
    std::uint64_t nonzero = 1;  // Shape asks this of the extents that are not 0
    std::array<std::int64_t, Shape::max_rank> dims{};
    for (std::size_t i = 0; i < extents.size(); ++i) {
      const std::uint64_t extent = extents[i];
      if (extent > largest || (extent != 0 && nonzero > largest / extent)) {
        refuse(name, "has shape ", array.dump(), ", whose size overflows 64 bits");
      }
      dims[i] = static_cast<std::int64_t>(extent);
      product *= extent;
      if (extent != 0) nonzero *= extent;
    }
    shape = Shape(std::span<const std::int64_t>(dims.data(), extents.size()));
    return product;
  }

  std::string where_;
  std::uint64_t payload_;
};

}  // namespace

struct SafetensorsFile::Impl {
  std::filesystem::path path;
  std::shared_ptr<MappedFile> file;
  std::byte* payload = nullptr;
  std::vector<TensorInfo> tensors;
  std::map<std::string, std::size_t, std::less<>> index;
  std::map<std::string, std::string> metadata;
};

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  auto impl = std::make_shared<Impl>();
  impl->path = path;
  impl->file = std::make_shared<MappedFile>(path);
  const std::string where = path.filename().string();
  const std::string_view text = impl->file->text();
  const auto refuse = [&](const auto&... problem) {
    fail(ErrorCode::bad_format, where, ": not a safetensors file: ", problem..., guess_content(text));
  };

  if (text.size() < length_bytes)
    refuse("it has ", text.size(), " bytes, fewer than the 8 of a header's length");
  std::uint64_t length = 0;
  std::memcpy(&length, text.data(), length_bytes);
  if (length > header_limit) refuse("its header claims ", length, " bytes, the limit is ", header_limit);
  if (length > text.size() - length_bytes) {
    refuse("its header claims ", length, " bytes of a file of ", text.size(),
           "; the download may be incomplete");
  }
  const Json header = parse_json(text.substr(length_bytes, length), where + ": header");
  if (!header.is_object()) refuse("its header is not a JSON object");

  const HeaderReader reader(where, text.size() - length_bytes - length);
  for (const auto& [name, entry] : header.items()) {
    if (name != "__metadata__") {
      impl->tensors.push_back(reader.tensor(name, entry));
      continue;
    }
    if (!entry.is_object()) refuse("'__metadata__' is not an object");
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string()) refuse("'__metadata__' holds a value for '", key, "' that is not a string");
      impl->metadata[key] = value.get<std::string>();
    }
  }
  reader.check_tiling(impl->tensors);
  for (std::size_t i = 0; i < impl->tensors.size(); ++i) impl->index.emplace(impl->tensors[i].name, i);
  impl->payload = impl->file->data() + length_bytes + length;

  SafetensorsFile out;
  out.impl_ = std::move(impl);
  return out;
}

const std::filesystem::path& SafetensorsFile::path() const { return impl_->path; }
const std::vector<TensorInfo>& SafetensorsFile::tensors() const { return impl_->tensors; }
const std::map<std::string, std::string>& SafetensorsFile::metadata() const { return impl_->metadata; }
bool SafetensorsFile::contains(std::string_view name) const { return impl_->index.count(name) > 0; }

void SafetensorsFile::release_pages() const { impl_->file->release_pages(); }

Tensor SafetensorsFile::tensor(std::string_view name) const {
  const std::string where = impl_->path.filename().string();
  const auto found = impl_->index.find(name);
  if (found == impl_->index.end()) fail(ErrorCode::not_found, where, ": there is no tensor '", name, "'");
  const TensorInfo& info = impl_->tensors[found->second];
  const auto dtype = find_type(info.dtype_name)->dtype;
  if (!dtype) {
    fail(ErrorCode::unsupported, where, ": tensor '", name, "' is ", info.dtype_name,
         ", which adlib cannot compute with; convert the checkpoint to F32, F16 or BF16");
  }
  return map_tensor(impl_->file, impl_->payload + info.begin, info.shape, *dtype,
                    concat(where, ": tensor '", name, "'"));
}

std::map<std::string, Tensor> read_safetensors(const std::filesystem::path& path) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  std::map<std::string, Tensor> tensors;
  for (const TensorInfo& info : file.tensors()) tensors[info.name] = file.tensor(info.name);
  return tensors;
}

void save_safetensors(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<const std::pair<const std::string, Tensor>*> order;
  for (const auto& item : tensors) {
    require(item.second.defined(), "save_safetensors: tensor '", item.first, "' is undefined");
    require(item.first != "__metadata__", "save_safetensors: no tensor can be named '__metadata__'");
    order.push_back(&item);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return &type_of(a->second.dtype()) > &type_of(b->second.dtype());
  });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t end = 0;
  for (const auto* item : order) {
    const Tensor& tensor = item->second;
    const std::uint64_t begin = end;
    end += static_cast<std::uint64_t>(tensor.numel()) * size_of(tensor.dtype());
    auto& entry = header[item->first];
    entry["dtype"] = std::string(type_of(tensor.dtype()).name);
    entry["shape"] = std::vector<std::int64_t>(tensor.shape().dims().begin(), tensor.shape().dims().end());
    entry["data_offsets"] = {begin, end};
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::ordered_json::exception&) {
    fail(ErrorCode::invalid_argument, "save_safetensors: '", path.string(),
         "': a tensor's name is not valid UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  require(length <= header_limit, "save_safetensors: the header would take ", length, " bytes, the limit is ",
          header_limit);

  AtomicFile file(path);
  file.write(&length, sizeof length);
  file.write(text);
  for (const auto* item : order) {
    const Tensor packed = item->second.to(Device::cpu).contiguous();
    file.write(packed.raw(), static_cast<std::size_t>(packed.numel()) * size_of(packed.dtype()));
  }
  file.commit();
}

namespace {

/// Counts elements whose exponent bits are all set, which is what NaN and infinity have in common.
template <class Bits>
std::int64_t count_exponent_full(const Tensor& tensor, Bits exponent) {
  const auto* bits = static_cast<const Bits*>(tensor.raw());
  return std::count_if(bits, bits + tensor.numel(), [&](Bits b) { return (b & exponent) == exponent; });
}

}  // namespace

std::int64_t count_non_finite(const Tensor& tensor) {
  const Tensor packed = tensor.to(Device::cpu).contiguous();
  switch (packed.dtype()) {
    case DType::f32:
      return count_exponent_full<std::uint32_t>(packed, 0x7f800000u);
    case DType::f16:
      return count_exponent_full<std::uint16_t>(packed, 0x7c00u);
    case DType::bf16:
      return count_exponent_full<std::uint16_t>(packed, 0x7f80u);
    case DType::f64:
      return count_exponent_full<std::uint64_t>(packed, 0x7ff0000000000000u);
    default:
      return 0;
  }
}

}  // namespace adlib::io
