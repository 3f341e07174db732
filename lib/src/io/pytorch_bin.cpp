#include "adlib/io/pytorch_bin.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "io/mapped_file.h"
#include "io/pickle.h"
#include "io/text.h"
#include "io/zip.h"

namespace adlib::io {
namespace {

/// The one line that makes model.safetensors out of whatever PyTorch itself can read.
std::string conversion_hint(const std::filesystem::path& path) {
  const std::string dir = path.has_parent_path() ? path.parent_path().string() : ".";
  return concat(
      "; convert it where you trust it: python -c \"from transformers import AutoModelForCausalLM as M; "
      "M.from_pretrained('",
      dir, "').save_pretrained('", dir, "', safe_serialization=True)\"");
}

std::string_view safetensors_word(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "F32";
    case DType::f16:
      return "F16";
    case DType::bf16:
      return "BF16";
    case DType::f64:
      return "F64";
    case DType::i64:
      return "I64";
    case DType::i32:
      return "I32";
    case DType::i16:
      return "I16";
    case DType::i8:
      return "I8";
    case DType::u8:
      return "U8";
    case DType::boolean:
      return "BOOL";
  }
  return "";
}

bool is_row_major(const PickledTensor& tensor) {
  std::int64_t step = 1;
  for (std::size_t i = tensor.extents.size(); i-- > 0;) {
    if (tensor.extents[i] != 1 && tensor.strides[i] != step) return false;
    step *= tensor.extents[i];
  }
  return true;
}

/// Gathers the elements of a strided view, row-major. Extents are not 0.
void gather(std::byte* to, const std::byte* from, const PickledTensor& tensor, std::size_t element) {
  const std::size_t rank = tensor.extents.size();
  std::vector<std::int64_t> index(rank, 0);
  std::int64_t offset = 0;
  while (true) {
    std::memcpy(to, from + static_cast<std::size_t>(offset) * element, element);
    to += element;
    std::size_t dim = rank;
    while (dim-- > 0) {
      offset += tensor.strides[dim];
      if (++index[dim] < tensor.extents[dim]) break;
      offset -= tensor.strides[dim] * tensor.extents[dim];
      index[dim] = 0;
    }
    if (dim == static_cast<std::size_t>(-1)) return;  // every dimension has wrapped around
  }
}

/// Checks that every element of the view lies in its storage, and that the view is no larger than it.
Shape checked_shape(const PickledTensor& tensor, const std::string& where, const std::string& cure) {
  const auto damaged = [&](const auto&... problem) {
    fail(ErrorCode::bad_format, where, ": tensor '", tensor.name, "' ", problem...);
  };
  if (tensor.extents.size() != tensor.strides.size())
    damaged("has ", tensor.extents.size(), " extents but ", tensor.strides.size(), " strides");
  Shape shape;
  try {
    shape = Shape(std::span<const std::int64_t>(tensor.extents));
  } catch (const Error& error) {
    damaged("has an impossible shape: ", error.what());
  }
  if (tensor.offset < 0) damaged("has the negative offset ", tensor.offset);
  const auto outside = [&] {
    damaged("of shape ", shape, " reaches outside its storage of ", tensor.storage_elements, " elements");
  };
  if (tensor.offset > tensor.storage_elements) outside();
  std::int64_t room = tensor.storage_elements - tensor.offset - 1;  // the largest step from the first element
  for (std::size_t i = 0; i < tensor.extents.size(); ++i) {
    const std::int64_t steps = tensor.extents[i] - 1;
    const std::int64_t stride = tensor.strides[i];
    if (stride < 0) damaged("has the negative stride ", stride);
    if (shape.numel() == 0 || steps == 0) continue;
    if (stride > 0 && steps > room / stride) outside();
    room -= steps * stride;
  }
  if (shape.numel() > 0 && room < 0) outside();
  // A stride of 0 repeats elements: a file of a hundred bytes could ask for all the memory there is.
  if (shape.numel() > tensor.storage_elements) {
    fail(ErrorCode::unsupported, where, ": tensor '", tensor.name, "' of shape ", shape, " repeats the ",
         tensor.storage_elements, " elements of its storage", cure);
  }
  return shape;
}

}  // namespace

struct PytorchFile::Impl {
  std::filesystem::path path;
  std::shared_ptr<MappedFile> file;
  std::vector<PickledTensor> pickled;
  std::vector<TensorInfo> tensors;
  std::map<std::string, std::size_t, std::less<>> index;
};

PytorchFile PytorchFile::open(const std::filesystem::path& path) {
  auto impl = std::make_shared<Impl>();
  impl->path = path;
  impl->file = std::make_shared<MappedFile>(path);
  const std::string where = path.filename().string();
  const std::string cure = conversion_hint(path);
  const std::string_view bytes = impl->file->text();
  if (bytes.substr(0, 4) != "PK\3\4") {
    if (bytes.substr(0, 1) == "\x80") {
      fail(ErrorCode::unsupported, where, ": it is a bare pickle, as torch.save wrote before PyTorch 1.6",
           cure);
    }
    fail(ErrorCode::bad_format, where, ": not a zip archive, as torch.save writes", guess_content(bytes));
  }

  const auto records = read_zip_directory(bytes, where);
  const auto slice = [&](const ZipRecord& record) { return bytes.substr(record.begin, record.size); };
  constexpr std::string_view pickle_name = "/data.pkl";
  std::string archive;
  const ZipRecord* pickle = nullptr;
  for (const auto& [name, record] : records) {
    // "<archive>/data.pkl"; deeper ones belong to something else.
    if (!name.ends_with(pickle_name) || name.find('/') != name.size() - pickle_name.size()) continue;
    if (pickle != nullptr) fail(ErrorCode::bad_format, where, ": the archive holds two data.pkl");
    pickle = &record;
    archive = name.substr(0, name.size() - pickle_name.size());
  }
  if (pickle == nullptr) {
    fail(ErrorCode::bad_format, where, ": the zip archive holds no data.pkl, so torch.save did not write it");
  }
  if (const auto order = records.find(archive + "/byteorder");
      order != records.end() && slice(order->second) != "little") {
    fail(ErrorCode::unsupported, where, ": it was written on a big-endian machine", cure);
  }

  impl->pickled = read_state_dict(slice(*pickle), where, cure);
  for (const PickledTensor& tensor : impl->pickled) {
    const auto record = records.find(archive + "/data/" + tensor.storage);
    if (record == records.end()) {
      fail(ErrorCode::bad_format, where, ": tensor '", tensor.name, "' uses storage '",
           excerpt(tensor.storage), "', which the archive does not hold");
    }
    const std::uint64_t element = size_of(tensor.dtype);
    if (tensor.storage_elements < 0 || record->second.size % element != 0 ||
        static_cast<std::uint64_t>(tensor.storage_elements) != record->second.size / element) {
      fail(ErrorCode::bad_format, where, ": tensor '", tensor.name, "' has a storage of ",
           tensor.storage_elements, " elements of ", tensor.dtype, ", but its record has ",
           record->second.size, " bytes");
    }
    impl->index.emplace(tensor.name, impl->tensors.size());
    impl->tensors.push_back({tensor.name, std::string(safetensors_word(tensor.dtype)),
                             checked_shape(tensor, where, cure), record->second.begin,
                             record->second.begin + record->second.size});
  }
  PytorchFile out;
  out.impl_ = std::move(impl);
  return out;
}

const std::filesystem::path& PytorchFile::path() const { return impl_->path; }
const std::vector<TensorInfo>& PytorchFile::tensors() const { return impl_->tensors; }
bool PytorchFile::contains(std::string_view name) const { return impl_->index.count(name) > 0; }

void PytorchFile::release_pages() const { impl_->file->release_pages(); }

Tensor PytorchFile::tensor(std::string_view name) const {
  const std::string where = impl_->path.filename().string();
  const auto found = impl_->index.find(name);
  if (found == impl_->index.end()) fail(ErrorCode::not_found, where, ": there is no tensor '", name, "'");
  const TensorInfo& info = impl_->tensors[found->second];
  const PickledTensor& pickled = impl_->pickled[found->second];
  const std::size_t element = size_of(pickled.dtype);
  const std::string what = concat(where, ": tensor '", name, "'");
  std::byte* first = impl_->file->data() + info.begin + static_cast<std::size_t>(pickled.offset) * element;
  if (info.shape.numel() == 0) return Tensor::empty(info.shape, pickled.dtype);
  if (is_row_major(pickled)) return map_tensor(impl_->file, first, info.shape, pickled.dtype, what);
  if (pickled.dtype == DType::boolean) {  // checks the bytes
    map_tensor(impl_->file, impl_->file->data() + info.begin, Shape{pickled.storage_elements}, DType::boolean,
               what);
  }
  Tensor packed = Tensor::empty(info.shape, pickled.dtype);
  gather(static_cast<std::byte*>(packed.raw()), first, pickled, element);
  return packed;
}

}  // namespace adlib::io
