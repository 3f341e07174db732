// Packed weights on CUDA, run by the emulator, against loops in double and the packed weights of the CPU.
#include <algorithm>

#include "kernels/matmul.h"
#include "kernels/operands.h"
#include "kernels/quantize.h"
#include "support/catch.h"

namespace adlib::kernels {
namespace {

using namespace adlib::test;
using cuda::host::Arrival;

struct Format {
  PackedType type;
  std::int64_t group = 0;
};
std::ostream& operator<<(std::ostream& out, const Format& f) {
  return out << (f.type == PackedType::i8 ? "int8:" : "int4:") << f.group;
}

template <class T>
constexpr PackedType packed_type = std::is_same_v<T, float>     ? PackedType::f32
                                   : std::is_same_v<T, float16> ? PackedType::f16
                                                                : PackedType::bf16;

template <class T, class From>
std::vector<T> rounded_to(const std::vector<From>& values) {
  std::vector<T> out;
  for (const From& x : values) out.push_back(T(static_cast<float>(x)));
  return out;
}

// Codes and scales of random weights (n, k), and the weights that they stand for.
struct Codes {
  std::vector<std::uint8_t> codes;
  std::vector<bfloat16> scales;
  std::vector<double> weights;

  Codes(const Format& format, std::int64_t n, std::int64_t k) {
    CpuContext context;
    const QuantizeShape shape{.n = n,
                              .k = k,
                              .group = format.group > 0 ? format.group : k,
                              .bits = format.type == PackedType::i8 ? 8 : 4};
    const std::vector<float> w = normal_values<float>(n * k, 11);
    codes.resize(static_cast<std::size_t>(n * quantize_row_bytes(shape)));
    scales.resize(static_cast<std::size_t>(n * quantize_groups(shape)));
    quantize(context, codes.data(), scales.data(), w.data(), k, false, shape);
    std::vector<float> exact(w.size());
    dequantize(context, exact.data(), codes.data(), scales.data(), shape);
    weights = doubles_of(exact);
  }
};

std::vector<std::uint8_t> pack(const PackedShape& shape, const Codes& codes) {
  CudaContext context;
  Guarded<std::uint8_t> packed(packed_bytes(context, shape));
  pack_codes(context, packed.data(), codes.codes.data(), codes.scales.data(), shape);
  CHECK(packed.intact());
  return packed.values();
}

struct Extent {
  std::int64_t m, n, k;
};
std::ostream& operator<<(std::ostream& out, const Extent& e) {
  return out << e.m << " x " << e.n << " x " << e.k;
}

// a (m, k) by rows of k + gap.
template <class T>
std::vector<T> multiply(const std::vector<T>& a, const std::vector<std::uint8_t>& packed_bytes_,
                        const PackedShape& shape, std::int64_t m, const std::vector<T>& bias,
                        std::int64_t gap = 0) {
  CudaContext context{.deterministic = true};
  std::vector<T> spaced(static_cast<std::size_t>(m * (shape.k + gap)), T(std::nanf("")));
  for (std::int64_t i = 0; i < m; ++i)
    std::copy_n(a.begin() + i * shape.k, shape.k, spaced.begin() + i * (shape.k + gap));
  Guarded<T> left(spaced), out(m * shape.n);
  Guarded<std::uint8_t> packed(packed_bytes_);
  const MatmulEpilogue<T> epilogue{.bias = bias.data()};
  matmul_packed(context, out.data(), left.data(), shape.k + gap, m, packed.data(), shape, epilogue);
  CHECK((out.intact() && packed.intact()));
  return out.values();
}

// Checks bias + a w^T.
template <class T>
void compare(const std::vector<T>& out, const std::vector<double>& a, const std::vector<double>& w,
             const std::vector<T>& bias, const Extent& e) {
  std::vector<double> expected;
  double most = 0;
  for (std::int64_t i = 0; i < e.m; ++i) {
    for (std::int64_t j = 0; j < e.n; ++j) {
      double sum = static_cast<double>(static_cast<float>(bias[static_cast<std::size_t>(j)])), magnitudes = 1;
      for (std::int64_t p = 0; p < e.k; ++p) {
        const double term =
            a[static_cast<std::size_t>(i * e.k + p)] * w[static_cast<std::size_t>(j * e.k + p)];
        sum += term;
        magnitudes += std::fabs(term);
      }
      expected.push_back(sum);
      most = std::max(most, magnitudes);
    }
  }
  CHECK(difference(out, expected, most * 0x1p-20) == "");
}

}  // namespace

TEMPLATE_TEST_CASE("a packed matrix on CUDA has its numbers and the products of matmul", "[kernels][packed]",
                   float, float16, bfloat16) {
  using T = TestType;
  const bool transpose_b = GENERATE(false, true);
  const auto e = GENERATE(values<Extent>({{1, 1, 1}, {2, 33, 31}, {16, 40, 64}, {17, 65, 129}, {3, 9, 520}}));
  CAPTURE(e, transpose_b);
  CudaContext context{.deterministic = true};
  const PackedShape shape{.type = packed_type<T>, .k = e.k, .n = e.n};
  const std::int64_t stride = (transpose_b ? e.k : e.n) + 3;
  const std::vector<T> b = normal_values<T>((transpose_b ? e.n : e.k) * stride, 1);
  Guarded<std::uint8_t> packed(packed_bytes(context, shape));
  pack(context, packed.data(), b.data(), stride, transpose_b, shape);
  CHECK(packed.intact());

  std::vector<T> back = b;
  for (std::int64_t r = 0; r < (transpose_b ? e.n : e.k); ++r)
    std::fill_n(back.begin() + r * stride, stride - 3, T(std::nanf("")));
  unpack(context, back.data(), stride, transpose_b, packed.data(), shape);
  CHECK(same_bits(back, b));

  const std::vector<T> a = normal_values<T>(e.m * e.k, 2), bias = normal_values<T>(e.n, 3);
  const std::vector<T> out = multiply(a, packed.values(), shape, e.m, bias, 5);
  std::vector<T> expected(out.size());
  matmul(context, expected.data(), a.data(), b.data(),
         {.m = e.m, .n = e.n, .k = e.k, .a_stride = e.k, .b_stride = stride, .transpose_b = transpose_b},
         MatmulEpilogue<T>{.bias = bias.data()});
  CHECK(same_bits(out, expected));
}

TEMPLATE_TEST_CASE("bfloat16 weights multiply other types on CUDA", "[kernels][packed]", float, float16) {
  using T = TestType;
  const auto e =
      GENERATE(values<Extent>({{1, 1, 1}, {3, 33, 31}, {2, 130, 300}, {18, 66, 129}, {130, 140, 40}}));
  CAPTURE(e);
  CudaContext context;
  const PackedShape shape{.type = PackedType::bf16, .k = e.k, .n = e.n};
  const std::vector<bfloat16> w = normal_values<bfloat16>(e.n * e.k, 1);
  Guarded<std::uint8_t> packed(packed_bytes(context, shape));
  pack(context, packed.data(), rounded_to<float>(w).data(), e.k, true, shape);
  const std::vector<T> a = normal_values<T>(e.m * e.k, 2), bias = normal_values<T>(e.n, 3);
  const std::vector<T> out = multiply(a, packed.values(), shape, e.m, bias, 1);
  compare(out, doubles_of(rounded_to<bfloat16>(a)), doubles_of(w), bias, e);
}

TEMPLATE_TEST_CASE("codes on CUDA multiply as the weights they stand for", "[kernels][packed]", float,
                   float16, bfloat16) {
  using T = TestType;
  using Half = std::conditional_t<std::is_same_v<T, float16>, float16, bfloat16>;
  const auto format = GENERATE(values<Format>({{PackedType::i8, 0},
                                               {PackedType::i8, 32},
                                               {PackedType::i8, 64},
                                               {PackedType::i8, 128},
                                               {PackedType::i4, 32},
                                               {PackedType::i4, 64},
                                               {PackedType::i4, 128}}));
  const auto e = GENERATE(values<Extent>(
      {{1, 1, 1}, {1, 130, 300}, {2, 9, 2400}, {3, 33, 31}, {16, 129, 96}, {17, 31, 65}, {40, 66, 520}}));
  // Every extent with one type at least, every type with one format of each kind.
  if (!std::is_same_v<T, bfloat16> && (format.group == 64 || e.m == 40)) return;
  CAPTURE(format, e);
  const WithSchedule schedule(
      {static_cast<std::uint64_t>(e.n), e.m % 2 == 0 ? Arrival::lazy : Arrival::eager});
  const Codes codes(format, e.n, e.k);
  const PackedShape shape{.type = format.type, .k = e.k, .n = e.n, .group = format.group};
  const std::vector<T> a = normal_values<T>(e.m * e.k, 2), bias = normal_values<T>(e.n, 3);
  const std::vector<T> out = multiply(a, pack(shape, codes), shape, e.m, bias, e.k % 8 == 0 ? 8 : 1);
  compare(out, doubles_of(rounded_to<Half>(a)), codes.weights, bias, e);
}

TEST_CASE("a row of codes' products on CUDA has the same bits in every batch", "[kernels][packed]") {
  using T = bfloat16;
  const auto format = GENERATE(values<Format>(
      {{PackedType::i8, 0}, {PackedType::i8, 64}, {PackedType::i4, 32}, {PackedType::i4, 128}}));
  CAPTURE(format);
  const std::int64_t n = 130, k = 1100, most = 33;
  const Codes codes(format, n, k);
  const PackedShape shape{.type = format.type, .k = k, .n = n, .group = format.group};
  const std::vector<std::uint8_t> packed = pack(shape, codes);
  const std::vector<T> a = normal_values<T>(most * k, 2), bias = normal_values<T>(n, 3);
  const std::vector<T> all = multiply(a, packed, shape, most, bias);
  for (const auto& [first, m] : std::vector<std::array<std::int64_t, 2>>{{0, 1}, {32, 1}, {7, 16}, {3, 17}}) {
    CAPTURE(first, m);
    const std::vector<T> part(a.begin() + first * k, a.begin() + (first + m) * k);
    const std::vector<T> some = multiply(part, packed, shape, m, bias);
    CHECK(same_bits(some, std::vector<T>(all.begin() + first * n, all.begin() + (first + m) * n)));
    // Few columns: eight a block.
    const PackedShape narrow{.type = format.type, .k = k, .n = 65, .group = format.group};
    Codes fewer = codes;
    fewer.codes.resize(fewer.codes.size() / 2);
    fewer.scales.resize(fewer.scales.size() / 2);
    const std::vector<T> left = multiply(part, pack(narrow, fewer), narrow, m, bias);
    for (std::int64_t i = 0; i < m; ++i)
      CHECK(std::memcmp(&left[static_cast<std::size_t>(i * 65)], &some[static_cast<std::size_t>(i * n)],
                        65 * sizeof(T)) == 0);
  }
}

TEST_CASE("packed codes on CUDA can be had back", "[kernels][packed]") {
  const auto format =
      GENERATE(values<Format>({{PackedType::i8, 0}, {PackedType::i8, 32}, {PackedType::i4, 64}}));
  const std::int64_t n = 9, k = GENERATE(1, 31, 64, 129);
  CAPTURE(format, k);
  CudaContext context;
  const Codes codes(format, n, k);
  const PackedShape shape{.type = format.type, .k = k, .n = n, .group = format.group};
  const std::vector<std::uint8_t> packed = pack(shape, codes);
  Guarded<std::uint8_t> back(static_cast<std::int64_t>(codes.codes.size()));
  Guarded<bfloat16> scales(static_cast<std::int64_t>(codes.scales.size()));
  unpack_codes(context, back.data(), scales.data(), packed.data(), shape);
  CHECK((back.intact() && scales.intact()));
  CHECK(same_bits(back.values(), codes.codes));
  CHECK(same_bits(scales.values(), codes.scales));
}

TEMPLATE_TEST_CASE("embedding_packed on CUDA has the bits of the CPU's", "[kernels][packed]", float, float16,
                   bfloat16) {
  using T = TestType;
  const std::int64_t n = 70, k = GENERATE(1, 33, 64, 300);
  const auto format = GENERATE(values<Format>({{packed_type<T>},
                                               {PackedType::bf16},
                                               {PackedType::i8, 0},
                                               {PackedType::i8, 128},
                                               {PackedType::i4, 32}}));
  CpuContext cpu;
  CudaContext cuda;
  const PackedShape shape{.type = format.type, .k = k, .n = n, .group = format.group};
  const bool numbers = format.type != PackedType::i8 && format.type != PackedType::i4;
  std::vector<std::uint8_t> on_cpu(static_cast<std::size_t>(packed_bytes(cpu, shape)));
  std::vector<std::uint8_t> on_cuda(static_cast<std::size_t>(packed_bytes(cuda, shape)));
  const auto fill = [&](auto& context, std::vector<std::uint8_t>& packed) {
    if (!numbers) {
      const Codes codes(format, n, k);
      pack_codes(context, packed.data(), codes.codes.data(), codes.scales.data(), shape);
    } else if (format.type == packed_type<T>) {
      pack(context, packed.data(), normal_values<T>(n * k, 4).data(), k, true, shape);
    } else {
      pack(context, packed.data(), normal_values<float>(n * k, 4).data(), k, true, shape);
    }
  };
  fill(cpu, on_cpu);
  fill(cuda, on_cuda);
  const std::vector<std::int32_t> ids = {0, 69, 3, 3, 41};
  const auto rows = static_cast<std::int64_t>(ids.size());
  std::vector<T> expected(static_cast<std::size_t>(rows * k));
  embedding_packed(cpu, expected.data(), on_cpu.data(), shape, ids.data(), rows);
  Guarded<T> out(rows * k, 1);
  embedding_packed(cuda, out.data(), on_cuda.data(), shape, ids.data(), rows);
  CHECK(out.intact());
  CHECK(same_bits(out.values(), expected));
}

}  // namespace adlib::kernels
