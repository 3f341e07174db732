#include "support/onnx.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include "support/files.h"

namespace adlib::test::onnx {
namespace {

// One field of a protobuf message: a number for varints and fixed widths, bytes for everything else.
struct Field {
  std::uint32_t number = 0;
  std::uint64_t value = 0;
  std::string_view bytes;
};

// Walks the fields of a message: https://protobuf.dev/programming-guides/encoding
class Reader {
 public:
  explicit Reader(std::string_view message) : rest_(message) {}

  std::optional<Field> next() {
    if (rest_.empty()) return std::nullopt;
    const std::uint64_t tag = varint();
    Field field{.number = static_cast<std::uint32_t>(tag >> 3), .value = 0, .bytes = {}};
    switch (tag & 7u) {
      case 0:
        field.value = varint();
        break;
      case 1:
        field.bytes = take(8);
        break;
      case 2:
        field.bytes = take(varint());
        break;
      case 5:
        field.bytes = take(4);
        break;
      default:
        throw std::runtime_error("protobuf: wire type " + std::to_string(tag & 7u));
    }
    return field;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= static_cast<std::uint64_t>(byte & 0x7fu) << shift;
      if (byte < 0x80u) return value;
    }
    throw std::runtime_error("protobuf: a varint is too long");
  }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view take(std::uint64_t n) {
    if (n > rest_.size()) throw std::runtime_error("protobuf: the message is cut short");
    const std::string_view out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }
  std::string_view rest_;
};

template <class F>
void for_each_field(std::string_view message, F&& f) {
  Reader reader(message);
  while (const auto field = reader.next()) f(*field);
}

// A repeated integer: one varint a field, or packed into one field.
void append_integers(std::vector<std::int64_t>& out, const Field& field) {
  if (field.bytes.empty()) {
    out.push_back(static_cast<std::int64_t>(field.value));
    return;
  }
  Reader packed(field.bytes);
  while (!packed.done()) out.push_back(static_cast<std::int64_t>(packed.varint()));
}

float read_float(std::string_view bytes) {
  float value = 0;
  if (bytes.size() != sizeof value) throw std::runtime_error("protobuf: a float of another size");
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

DType dtype_of_element(std::uint64_t data_type) {
  switch (data_type) {
    case 1:
      return DType::f32;
    case 6:
      return DType::i32;
    case 7:
    case 13:
      return DType::i64;
    case 9:
      return DType::boolean;
    case 10:
      return DType::f16;
    case 11:
      return DType::f64;
    case 16:
      return DType::bf16;
    default:
      throw std::runtime_error("TensorProto: data_type " + std::to_string(data_type));
  }
}

void read_node(Case& out, std::string_view node) {
  for_each_field(node, [&](const Field& field) {
    if (field.number == 1) out.input_names.emplace_back(field.bytes);
    if (field.number == 2) out.output_names.emplace_back(field.bytes);
    if (field.number == 4) out.op_type = field.bytes;
    if (field.number != 5) return;
    std::string name;
    Attribute attribute;
    for_each_field(field.bytes, [&](const Field& part) {
      if (part.number == 1) name = part.bytes;
      if (part.number == 2) attribute.f = read_float(part.bytes);
      if (part.number == 3) attribute.i = static_cast<std::int64_t>(part.value);
      if (part.number == 4) attribute.s = part.bytes;
    });
    out.attributes[name] = attribute;
  });
}

Tensor find(const Case& from, const std::vector<std::string>& names, std::size_t index) {
  if (index >= names.size() || names[index].empty()) return {};
  const auto found = from.tensors.find(names[index]);
  if (found == from.tensors.end())
    throw std::runtime_error(from.name + ": no tensor for '" + names[index] + "'");
  return found->second;
}

}  // namespace

Tensor Case::input(std::size_t index) const { return find(*this, input_names, index); }
Tensor Case::output(std::size_t index) const { return find(*this, output_names, index); }

std::int64_t Case::integer(const std::string& attribute, std::int64_t otherwise) const {
  const auto found = attributes.find(attribute);
  return found == attributes.end() ? otherwise : found->second.i;
}

std::string Case::text(const std::string& attribute, const std::string& otherwise) const {
  const auto found = attributes.find(attribute);
  return found == attributes.end() ? otherwise : found->second.s;
}

float Case::real(const std::string& attribute, float otherwise) const {
  const auto found = attributes.find(attribute);
  return found == attributes.end() ? otherwise : found->second.f;
}

NamedTensor read_tensor(const std::string& bytes) {
  std::vector<std::int64_t> dims, integers;
  std::vector<float> floats;
  std::string_view raw;
  std::uint64_t data_type = 0;
  NamedTensor out;
  for_each_field(bytes, [&](const Field& field) {
    switch (field.number) {
      case 1:
        append_integers(dims, field);
        break;
      case 2:
        data_type = field.value;
        break;
      case 4:
        for (std::size_t i = 0; i < field.bytes.size(); i += 4)
          floats.push_back(read_float(field.bytes.substr(i, 4)));
        break;
      case 5:
      case 7:
        append_integers(integers, field);
        break;
      case 8:
        out.name = field.bytes;
        break;
      case 9:
        raw = field.bytes;
        break;
      default:
        break;
    }
  });
  const Shape shape{std::span<const std::int64_t>(dims)};
  const DType dtype = dtype_of_element(data_type);
  if (!raw.empty() || shape.numel() == 0) {
    out.tensor = Tensor::empty(shape, dtype);
    if (raw.size() != static_cast<std::size_t>(shape.numel()) * size_of(dtype)) {
      throw std::runtime_error("TensorProto: '" + out.name + "' has raw data of another size");
    }
    if (!raw.empty()) std::memcpy(out.tensor.raw(), raw.data(), raw.size());
  } else if (!floats.empty()) {
    out.tensor = Tensor::from(std::span<const float>(floats), shape).to(dtype);
  } else if (dtype == DType::f16) {  // int32_data holds the bits
    out.tensor = Tensor::empty(shape, dtype);
    std::transform(integers.begin(), integers.end(), out.tensor.data<float16>().begin(),
                   [](std::int64_t bits) { return float16::from_bits(static_cast<std::uint16_t>(bits)); });
  } else {
    out.tensor = Tensor::from(std::span<const std::int64_t>(integers), shape).to(dtype);
  }
  return out;
}

Case read_case(const std::filesystem::path& folder) {
  try {
    Case out;
    out.name = folder.filename().string();
    const std::string model = read_text(folder / "model.onnx");
    for_each_field(model, [&](const Field& field) {
      if (field.number != 7) return;  // ModelProto.graph
      for_each_field(field.bytes, [&](const Field& part) {
        if (part.number != 1) return;  // GraphProto.node
        if (!out.op_type.empty()) throw std::runtime_error("a graph of more than one node");
        read_node(out, part.bytes);
      });
    });
    if (out.op_type.empty()) throw std::runtime_error("a graph without a node");
    for (const auto& entry : std::filesystem::directory_iterator(folder / "test_data_set_0")) {
      NamedTensor named = read_tensor(read_text(entry.path()));
      out.tensors[named.name] = named.tensor;
    }
    return out;
  } catch (const std::exception& error) {
    throw std::runtime_error(folder.string() + ": " + error.what());
  }
}

}  // namespace adlib::test::onnx
