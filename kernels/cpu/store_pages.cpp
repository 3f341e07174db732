// Rows are gathered as floats, up to a page of them, transposed four at a time for the keys, and rounded to
// the pages' type. It is memory bound: one read, one write.
#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <vector>

#include "adlib/core/parallel.h"
#include "kernels/attention.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {
namespace {

// Elements that are not worth waking a thread for; a new key touches as many lines as it has elements.
constexpr std::int64_t serial_limit = 1 << 12;

// Codes of x in place; what one of them counts. Loops that compilers vectorise at the baseline.
float quantise(float* x, std::int64_t n) {
  std::int32_t largest_bits = 0;  // magnitudes are ordered as their bits are, infinity and NaN last
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int32_t bits = std::bit_cast<std::int32_t>(x[i]) & 0x7fffffff;
    largest_bits = bits > largest_bits ? bits : largest_bits;
  }
  const bool finite = largest_bits < 0x7f800000;
  const float scale = std::bit_cast<float>(largest_bits) / 127;  // 0 for zeros and the smallest subnormals
  if (!finite || scale == 0) {
    std::fill_n(x, n, 0.0f);
    return finite ? 0.0f : std::numeric_limits<float>::quiet_NaN();
  }
  for (std::int64_t i = 0; i < n; ++i) {
    const float code =
        (x[i] / scale + 0x1.8p23f) - 0x1.8p23f;  // to nearest even: the sum's last bit is worth 1
    // A subnormal scale is rough, so that codes may leave the range.
    x[i] = code > 127.0f ? 127.0f : code < -127.0f ? -127.0f : code;
  }
  return scale;
}

template <class To>
void narrow(To* out, const float* in, std::int64_t n) {
  if constexpr (std::is_same_v<To, std::int8_t>) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<std::int8_t>(in[i]);
  } else {
    cpu::from_float(out, in, n);
  }
}

// The page of one head: rows of floats (n, dim) for slots [slot, slot + n).
template <class To>
struct Page {
  To* keys;
  To* values;

  void write_keys(const float* rows, std::int64_t dim, std::int64_t slot, std::int64_t n) {
    if (n == 1) {
      for (std::int64_t d = 0; d < dim; ++d) narrow(keys + d * attention_block + slot, rows + d, 1);
      return;
    }
    float* turned = cpu::scratch<struct TurnedKeys>(dim * attention_block);
    for (std::int64_t j = 0; j < n; j += 4) {
      std::array<const float*, 4> four;
      for (std::int64_t r = 0; r < 4; ++r) {
        four[static_cast<std::size_t>(r)] = rows + std::min(j + r, n - 1) * dim;  // lanes past n are not kept
      }
      cpu::transpose_rows4(turned + j, attention_block, four, dim);
    }
    for (std::int64_t d = 0; d < dim; ++d) {
      narrow(keys + d * attention_block + slot, turned + d * attention_block, n);
    }
  }
  void write_values(const float* rows, std::int64_t dim, std::int64_t slot, std::int64_t n) {
    narrow(values + slot * dim, rows, n * dim);
  }
};

// Rows as floats, end to end, quantised when `scales` are given.
template <class T>
float* gather(const T* from, std::int64_t stride, std::int64_t n, std::int64_t dim, float* scales) {
  float* rows = cpu::scratch<struct NewRows>(dim * attention_block);
  for (std::int64_t j = 0; j < n; ++j) {
    cpu::to_float(rows + j * dim, from + j * stride, dim);
    if (scales != nullptr) scales[j] = quantise(rows + j * dim, dim);
  }
  return rows;
}

// Positions [first, first + n) of a segment, all in one page.
struct Task {
  const AttentionSegment* segment;
  std::int64_t first, n;
};

template <class To, class T>
void store(CpuContext& context, const KeyValuePages& pages, std::span<const AttentionSegment> segments,
           const NewKeyValues<T>& rows) {
  std::vector<Task> tasks;
  std::int64_t elements = 0;
  for (const AttentionSegment& segment : segments) {
    const std::int64_t end = segment.position + segment.rows;
    for (std::int64_t first = segment.position; first < end;) {
      const std::int64_t n = std::min(end - first, attention_block - first % attention_block);
      tasks.push_back({&segment, first, n});
      first += n;
    }
    elements += segment.rows * pages.kv_heads * (pages.head_dim + pages.value_dim);
  }
  parallel_for(elements < serial_limit ? 1 : context.threads, std::ssize(tasks) * pages.kv_heads,
               [&](std::int64_t i) {
                 const auto [segment, first, n] = tasks[static_cast<std::size_t>(i / pages.kv_heads)];
                 const std::int64_t head = i % pages.kv_heads, slot = first % attention_block;
                 const std::int64_t at = segment->pages[first / attention_block] * pages.kv_heads + head;
                 const std::int64_t row = segment->begin + first - segment->position;
                 const auto scales = [&](float* of) {
                   return of == nullptr ? nullptr : of + at * attention_block + slot;
                 };
                 Page<To> page{static_cast<To*>(pages.keys) + at * pages.head_dim * attention_block,
                               static_cast<To*>(pages.values) + at * pages.value_dim * attention_block};
                 page.write_keys(gather(rows.keys + row * rows.k_row + head * rows.k_head, rows.k_row, n,
                                        pages.head_dim, scales(pages.key_scales)),
                                 pages.head_dim, slot, n);
                 page.write_values(gather(rows.values + row * rows.v_row + head * rows.v_head, rows.v_row, n,
                                          pages.value_dim, scales(pages.value_scales)),
                                   pages.value_dim, slot, n);
               });
}

}  // namespace

template <class T>
void store_pages(CpuContext& context, const KeyValuePages& pages, std::span<const AttentionSegment> segments,
                 const NewKeyValues<T>& rows) {
  switch (pages.dtype) {
    case DType::f16:
      return store<float16>(context, pages, segments, rows);
    case DType::bf16:
      return store<bfloat16>(context, pages, segments, rows);
    case DType::i8:
      return store<std::int8_t>(context, pages, segments, rows);
    default:
      return store<float>(context, pages, segments, rows);
  }
}

template void store_pages(CpuContext&, const KeyValuePages&, std::span<const AttentionSegment>,
                          const NewKeyValues<float>&);
template void store_pages(CpuContext&, const KeyValuePages&, std::span<const AttentionSegment>,
                          const NewKeyValues<float16>&);
template void store_pages(CpuContext&, const KeyValuePages&, std::span<const AttentionSegment>,
                          const NewKeyValues<bfloat16>&);

}  // namespace adlib::kernels
