#include "adlib/io/weights.h"

#include <algorithm>
#include <set>
#include <utility>

#include "adlib/io/json.h"
#include "adlib/io/pytorch_bin.h"
#include "adlib/io/safetensors.h"

namespace adlib {
namespace {

namespace fs = std::filesystem;

struct Entry {
  Shape shape;
  std::function<Tensor()> load;
  bool taken = false;
};
using Entries = std::map<std::string, Entry, std::less<>>;

/// Levenshtein's distance, in one row.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

/// "; the nearest are 'wte.weight', 'wpe.weight'", or what else there is.
std::string nearest_names(const Entries& entries, std::string_view wanted) {
  if (entries.empty()) return "; it holds no tensor at all";
  std::vector<std::pair<std::size_t, std::string_view>> scored;
  for (const auto& [name, entry] : entries) {
    // A prefix that is missing or too much ("transformer.") is the commonest difference.
    std::string_view shorter = name;
    std::string_view longer = wanted;
    if (shorter.size() > longer.size()) std::swap(shorter, longer);
    const bool prefixed = longer.size() > shorter.size() && longer.ends_with(shorter) &&
                          longer[longer.size() - shorter.size() - 1] == '.';
    scored.emplace_back(prefixed ? 1 : edit_distance(name, wanted), name);
  }
  const auto shown = std::min<std::size_t>(3, scored.size());
  std::partial_sort(scored.begin(), scored.begin() + static_cast<std::ptrdiff_t>(shown), scored.end());
  std::string out = "; the nearest of " + std::to_string(scored.size()) + " names: ";
  for (std::size_t i = 0; i < shown; ++i) out += concat(i == 0 ? "'" : ", '", scored[i].second, "'");
  return out;
}

/// Up to ten file names of a directory, for messages.
std::string list_directory(const fs::path& dir) {
  std::set<std::string> names;
  for (const auto& item : fs::directory_iterator(dir)) names.insert(item.path().filename().string());
  if (names.empty()) return "the directory is empty";
  std::string out = "it holds ";
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (count++ == 10) return out + ", … (" + std::to_string(names.size()) + " in all)";
    out += (count == 1 ? "" : ", ") + name;
  }
  return out;
}

// Tensors of files up to this size are copied: norms and biases, whose pages would keep the mapping in
// memory.
constexpr std::size_t copied_bytes = std::size_t{64} << 10;

using Releases = std::vector<std::function<void()>>;  // release_pages() of each file

/// Adds the tensors of an opened file; the closures keep it mapped.
template <class File>
void add_file(Entries& entries, Releases& releases, const File& file) {
  releases.push_back([file] { file.release_pages(); });
  for (const auto& info : file.tensors()) {
    const auto load = [file, name = info.name] {
      const Tensor tensor = file.tensor(name);
      // A page of the file that is touched for a few numbers brings its neighbours with it, and stays.
      const auto bytes = static_cast<std::size_t>(tensor.numel()) * size_of(tensor.dtype());
      return bytes <= copied_bytes ? tensor.clone() : tensor;
    };
    const bool fresh = entries.emplace(info.name, Entry{info.shape, load}).second;
    if (!fresh) {
      fail(ErrorCode::bad_format, file.path().filename().string(), ": tensor '", info.name,
           "' is in an earlier shard too; remove the file that does not belong to this checkpoint");
    }
  }
}

using Shards = std::map<std::string, std::vector<std::string>>;  // file name -> tensors in it

/// Reads "weight_map" of a model.safetensors.index.json or pytorch_model.bin.index.json.
Shards read_shard_index(const fs::path& path) {
  const std::string where = path.filename().string();
  const io::Json index = io::read_json(path);
  const io::JsonFields fields(index, where);
  const io::Json& map = fields.at("weight_map");
  if (!map.is_object() || map.empty()) {
    fail(ErrorCode::bad_format, where, ": 'weight_map' is missing or empty, expected {tensor: file, …}");
  }
  Shards shards;
  for (const auto& [name, value] : map.items()) {
    if (!value.is_string())
      fail(ErrorCode::bad_format, where, ": the shard of '", name, "' is not a file name");
    const auto shard = value.get<std::string>();
    // A downloaded index must not reach outside its own directory.
    if (shard.empty() || shard == "." || shard == ".." || shard.find_first_of("/\\") != shard.npos) {
      fail(ErrorCode::bad_format, where, ": shard '", shard, "' of '", name,
           "' is not a plain file name in this directory");
    }
    shards[shard].push_back(name);
  }
  return shards;
}

/// Opens every shard once, and checks that each tensor is in the shard that the index says.
template <class File>
void add_shards(Entries& entries, Releases& releases, const fs::path& index) {
  const std::string where = index.filename().string();
  for (const auto& [shard, names] : read_shard_index(index)) {
    const fs::path path = index.parent_path() / shard;
    if (!fs::exists(path)) {
      fail(ErrorCode::not_found, where, ": shard '", shard, "' is missing from ",
           index.parent_path().string(), "; the download may be incomplete");
    }
    const File file = File::open(path);
    for (const std::string& name : names) {
      if (file.contains(name)) continue;
      fail(ErrorCode::bad_format, where, ": tensor '", name, "' is said to be in ", shard,
           ", which does not hold it; ",
           "index and shards may be of different versions: download the directory again");
    }
    add_file(entries, releases, file);
  }
}

}  // namespace

struct Weights::Impl {
  std::string origin;
  std::optional<DType> dtype;
  Progress progress;
  Entries entries;
  Releases releases;
  std::int64_t taken = 0;

  Entry& find(const std::string& name) {
    const auto found = entries.find(name);
    if (found == entries.end()) {
      fail(ErrorCode::not_found, origin, ": there is no tensor '", name, "'", nearest_names(entries, name));
    }
    return found->second;
  }
  Entry& find(const std::string& name, const Shape& shape) {
    Entry& entry = find(name);
    if (entry.shape == shape) return entry;
    const bool transposed = shape.rank() == 2 && entry.shape == Shape{shape[1], shape[0]};
    fail(ErrorCode::invalid_argument, origin, ": tensor '", name, "' has shape ", entry.shape, ", expected ",
         shape,
         transposed
             ? "; it fits transposed: GPT-2's Conv1D stores (in, out), torch.nn.Linear stores (out, in)"
             : "; does config.json belong to these weights?");
  }
  void count(Entry& entry) {
    if (std::exchange(entry.taken, true)) return;
    ++taken;
    if (progress) progress(taken, static_cast<std::int64_t>(entries.size()));
  }
};

Weights Weights::open(const fs::path& dir, Device device, std::optional<DType> dtype, Progress progress) {
  require(!dtype || is_floating(*dtype), "Weights::open: dtype ", *dtype,
          " is not one of f32, f16, bf16, f64");
  if (!fs::exists(dir))
    fail(ErrorCode::not_found, "'", dir.string(), "' does not exist, expected a checkpoint directory");
  if (!fs::is_directory(dir)) {
    fail(ErrorCode::invalid_argument, "'", dir.string(), "' is a file, expected the directory that holds it");
  }
  Weights out;
  out.impl_ = std::make_shared<Impl>();
  out.impl_->origin = dir.string();
  out.device_ = device;
  out.impl_->dtype = dtype;
  out.impl_->progress = std::move(progress);
  Entries& entries = out.impl_->entries;
  Releases& releases = out.impl_->releases;
  if (fs::exists(dir / "model.safetensors")) {
    add_file(entries, releases, io::SafetensorsFile::open(dir / "model.safetensors"));
  } else if (fs::exists(dir / "model.safetensors.index.json")) {
    add_shards<io::SafetensorsFile>(entries, releases, dir / "model.safetensors.index.json");
  } else if (fs::exists(dir / "pytorch_model.bin")) {
    add_file(entries, releases, io::PytorchFile::open(dir / "pytorch_model.bin"));
  } else if (fs::exists(dir / "pytorch_model.bin.index.json")) {
    add_shards<io::PytorchFile>(entries, releases, dir / "pytorch_model.bin.index.json");
  } else {
    fail(ErrorCode::not_found, "'", dir.string(), "' holds no weights: expected model.safetensors, ",
         "model.safetensors.index.json with its shards, or pytorch_model.bin; ", list_directory(dir));
  }
  return out;
}

Weights Weights::from(std::map<std::string, Tensor> tensors, std::string origin) {
  Weights out;
  out.impl_ = std::make_shared<Impl>();
  out.impl_->origin = std::move(origin);
  for (auto& [name, tensor] : tensors) {
    require(tensor.defined(), "Weights::from: tensor '", name, "' is undefined");
    out.impl_->entries.emplace(name, Entry{tensor.shape(), [tensor = tensor] { return tensor; }});
  }
  return out;
}

Weights Weights::to(Device device) const {
  Weights out = *this;
  out.device_ = device;
  return out;
}

Weights Weights::scope(std::string_view prefix) const {
  Weights out = *this;
  if (!prefix.empty()) out.prefix_ += concat(prefix, ".");
  return out;
}

Tensor Weights::take(std::string_view name, const Shape& shape) const {
  Entry& entry = impl_->find(full_name(name), shape);
  Tensor tensor = entry.load();
  // Narrow before moving, widen after: fewer bytes cross to the device.
  const bool converts = impl_->dtype && is_floating(tensor.dtype());
  if (converts && size_of(*impl_->dtype) < size_of(tensor.dtype())) tensor = tensor.to(*impl_->dtype);
  if (device_) tensor = tensor.to(*device_);
  if (converts) tensor = tensor.to(*impl_->dtype);
  impl_->count(entry);
  return tensor;
}

Tensor Weights::take_as_stored(std::string_view name, const Shape& shape) const {
  Entry& entry = impl_->find(full_name(name), shape);
  Tensor tensor = entry.load();
  if (device_) tensor = tensor.to(*device_);
  impl_->count(entry);
  return tensor;
}

std::string Weights::full_name(std::string_view name) const { return prefix_ + std::string(name); }

bool Weights::contains(std::string_view name) const { return impl_->entries.contains(full_name(name)); }

Shape Weights::shape_of(std::string_view name) const { return impl_->find(full_name(name)).shape; }

DType Weights::dtype_of(std::string_view name) const {
  const DType dtype = impl_->find(full_name(name)).load().dtype();
  return impl_->dtype && is_floating(dtype) ? *impl_->dtype : dtype;
}

void Weights::release_pages() const {
  for (const auto& release : impl_->releases) release();
}

std::vector<std::string> Weights::untaken() const {
  std::vector<std::string> out;
  for (const auto& [name, entry] : impl_->entries) {
    if (!entry.taken) out.push_back(name);
  }
  return out;
}

void Weights::expect_all_taken(const std::function<bool(std::string_view)>& known_extra) const {
  std::string unexpected;
  int count = 0;
  for (const std::string& name : untaken()) {
    if (known_extra && known_extra(name)) continue;
    if (++count <= 20) unexpected += concat(count == 1 ? "'" : ", '", name, "'");
  }
  if (count == 0) return;
  fail(ErrorCode::bad_format, impl_->origin, ": ", count,
       " tensors that this model does not use: ", unexpected, count > 20 ? ", …" : "",
       "; does config.json belong to these weights?");
}

std::vector<std::string> Weights::names() const {
  std::vector<std::string> out;
  for (const auto& [name, entry] : impl_->entries) out.push_back(name);
  return out;
}

const std::string& Weights::origin() const { return impl_->origin; }

}  // namespace adlib
