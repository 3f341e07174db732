// Lays out constant right operands for matmul_packed.cpp, back again, and reads single columns of them.
//
// These run once a weight; only embedding_packed runs for every token, one column of a panel a token.
#include <cstring>

#include "kernels/cpu/convert.h"
#include "kernels/cpu/packed_panels.h"
#include "kernels/matmul.h"

namespace adlib::kernels {
namespace {

using cpu::PanelLayout;

std::uint8_t* panel_of(void* packed, const PanelLayout& layout, std::int64_t column) {
  return static_cast<std::uint8_t*>(packed) + column / layout.width * layout.panel_bytes();
}
const std::uint8_t* panel_of(const void* packed, const PanelLayout& layout, std::int64_t column) {
  return static_cast<const std::uint8_t*>(packed) + column / layout.width * layout.panel_bytes();
}

// Bytes from a panel's begin to element (i, column): of numbers, and of int8.
std::int64_t element_offset(const PanelLayout& layout, std::int64_t i, std::int64_t column) {
  const std::int64_t bytes = layout.bits / 8;
  return i / layout.group * layout.scale_bytes + (i / layout.unit * layout.unit * layout.width +
                                                  column % layout.width * layout.unit + i % layout.unit) *
                                                     bytes;
}
// Of int4: the byte, in whose low half it stands unless i % 8 >= 4.
std::int64_t nibble_offset(const PanelLayout& layout, std::int64_t i, std::int64_t column) {
  return i / layout.group * layout.scale_bytes + i / 8 * 4 * layout.width + column % layout.width * 4 + i % 4;
}
bool in_high_half(std::int64_t i) { return i % 8 >= 4; }

// Where the scale of (group, column) stands.
std::int64_t scale_offset(const PackedShape& shape, const PanelLayout& layout, std::int64_t g,
                          std::int64_t column) {
  if (shape.group == 0) return layout.column_scales_offset() + 2 * column;
  return column / layout.width * layout.panel_bytes() + layout.scales_offset(g) + 2 * (column % layout.width);
}
bfloat16 scale_at(const void* packed, const PackedShape& shape, const PanelLayout& layout, std::int64_t g,
                  std::int64_t column) {
  bfloat16 scale;
  std::memcpy(&scale, static_cast<const std::uint8_t*>(packed) + scale_offset(shape, layout, g, column), 2);
  return scale;
}

template <class T>
constexpr PackedType packed_type = std::is_same_v<T, float>     ? PackedType::f32
                                   : std::is_same_v<T, float16> ? PackedType::f16
                                                                : PackedType::bf16;

// The elements of one column as codes, without their zero: code_at(i).
std::int32_t code_at(const std::uint8_t* panel, const PackedShape& shape, const PanelLayout& layout,
                     std::int64_t i, std::int64_t column) {
  if (shape.type == PackedType::i8) return panel[element_offset(layout, i, column)] - 128;
  const std::uint8_t byte = panel[nibble_offset(layout, i, column)];
  return (in_high_half(i) ? byte >> 4 : byte & 15) - 8;
}

// Packs b as elements of type E.
template <class E, class T>
void pack_as(CpuContext& context, void* packed, const T* b, std::int64_t b_stride, bool transpose_b,
             const PackedShape& shape) {
  const PanelLayout layout(shape);
  const std::int64_t width = layout.width, unit = layout.unit;
  parallel_for(context.threads, layout.panels(), [&](std::int64_t p) {
    const std::int64_t column = p * width, inside = std::min(width, shape.n - column);
    E* panel = reinterpret_cast<E*>(panel_of(packed, layout, column));
    if (inside < width || shape.k % unit != 0) {
      std::memset(static_cast<void*>(panel), 0, static_cast<std::size_t>(layout.panel_bytes()));
    }
    // A few rows at a time, so that the part of the panel which columns fill one after the other stays in L1.
    constexpr std::int64_t depth = 64;
    for (std::int64_t first = 0; first < shape.k; first += depth) {
      const std::int64_t end = std::min(shape.k, first + depth);
      for (std::int64_t c = 0; transpose_b && c < inside; ++c) {
        const T* from = b + (column + c) * b_stride;
        for (std::int64_t i = first; i < end; ++i) {
          panel[i / unit * unit * width + c * unit + i % unit] = static_cast<E>(from[i]);
        }
      }
      for (std::int64_t i = first; !transpose_b && i < end; ++i) {
        const T* from = b + i * b_stride + column;
        E* to = panel + i / unit * unit * width + i % unit;
        for (std::int64_t c = 0; c < inside; ++c) to[c * unit] = static_cast<E>(from[c]);
      }
    }
  });
}

// Four codes of int8 at once, made unsigned.
void pack_i8(std::uint8_t* panel, const std::uint8_t* row, const PanelLayout& layout, std::int64_t column) {
  const std::int64_t whole = layout.k / 4 * 4;
  for (std::int64_t i = 0; i < whole; i += 4) {
    std::uint32_t quad;
    std::memcpy(&quad, row + i, sizeof quad);
    quad ^= 0x80808080u;  // + 128
    std::memcpy(panel + element_offset(layout, i, column), &quad, sizeof quad);
  }
  for (std::int64_t i = whole; i < layout.k; ++i) {
    panel[element_offset(layout, i, column)] = static_cast<std::uint8_t>(row[i] ^ 0x80u);
  }
}

// Eight codes of int4 at once: bytes of neighbours (0 1)(2 3)(4 5)(6 7) become (0 4)(1 5)(2 6)(3 7).
void pack_i4(std::uint8_t* panel, const std::uint8_t* row, const PanelLayout& layout, std::int64_t column) {
  const std::int64_t whole = layout.k / 8 * 8;
  for (std::int64_t i = 0; i < whole; i += 8) {
    const std::uint8_t* from = row + i / 2;
    std::uint8_t* to = panel + nibble_offset(layout, i, column);
    to[0] = static_cast<std::uint8_t>((from[0] & 15) | (from[2] & 15) << 4);
    to[1] = static_cast<std::uint8_t>(from[0] >> 4 | (from[2] & 0xf0));
    to[2] = static_cast<std::uint8_t>((from[1] & 15) | (from[3] & 15) << 4);
    to[3] = static_cast<std::uint8_t>(from[1] >> 4 | (from[3] & 0xf0));
  }
  for (std::int64_t i = whole; i < layout.k; ++i) {
    const int code = i % 2 == 0 ? row[i / 2] & 15 : row[i / 2] >> 4;
    std::uint8_t& byte = panel[nibble_offset(layout, i, column)];
    byte = static_cast<std::uint8_t>(byte | (in_high_half(i) ? code << 4 : code));
  }
}

}  // namespace

std::int64_t packed_bytes(CpuContext&, const PackedShape& shape) {
  const PanelLayout layout(shape);
  const bool column_scales = shape.type == PackedType::i8 && shape.group == 0;
  return layout.panels() * layout.panel_bytes() + (column_scales ? layout.panels() * layout.width * 2 : 0);
}

template <class T>
void pack(CpuContext& context, void* packed, const T* b, std::int64_t b_stride, bool transpose_b,
          const PackedShape& shape) {
  if constexpr (std::is_same_v<T, float>) {
    if (shape.type == PackedType::bf16) {
      return pack_as<bfloat16>(context, packed, b, b_stride, transpose_b, shape);
    }
  }
  pack_as<T>(context, packed, b, b_stride, transpose_b, shape);
}

template <class T>
void unpack(CpuContext& context, T* b, std::int64_t b_stride, bool transpose_b, const void* packed,
            const PackedShape& shape) {
  const PanelLayout layout(shape);
  parallel_for(context.threads, shape.n, [&](std::int64_t column) {
    const std::uint8_t* panel = panel_of(packed, layout, column);
    for (std::int64_t i = 0; i < shape.k; ++i) {
      T* to = transpose_b ? b + column * b_stride + i : b + i * b_stride + column;
      std::memcpy(to, panel + element_offset(layout, i, column), sizeof(T));
    }
  });
}

void pack_codes(CpuContext& context, void* packed, const void* codes, const bfloat16* scales,
                const PackedShape& shape) {
  const PanelLayout layout(shape);
  const auto* bytes = static_cast<const std::uint8_t*>(codes);
  if (shape.group == 0) {  // of columns past n, too
    std::memset(static_cast<std::uint8_t*>(packed) + layout.column_scales_offset(), 0,
                static_cast<std::size_t>(layout.panels() * layout.width) * sizeof(bfloat16));
  }
  parallel_for(context.threads, layout.panels(), [&](std::int64_t p) {
    std::memset(panel_of(packed, layout, p * layout.width), 0,
                static_cast<std::size_t>(layout.panel_bytes()));
    for (std::int64_t column = p * layout.width; column < std::min(shape.n, (p + 1) * layout.width);
         ++column) {
      std::uint8_t* panel = panel_of(packed, layout, column);
      if (shape.type == PackedType::i8) {
        pack_i8(panel, bytes + column * shape.k, layout, column);
      } else {
        pack_i4(panel, bytes + column * ((shape.k + 1) / 2), layout, column);
      }
      for (std::int64_t g = 0; g < layout.groups(); ++g) {
        std::memcpy(static_cast<std::uint8_t*>(packed) + scale_offset(shape, layout, g, column),
                    scales + column * layout.groups() + g, sizeof(bfloat16));
      }
    }
  });
}

void unpack_codes(CpuContext& context, void* codes, bfloat16* scales, const void* packed,
                  const PackedShape& shape) {
  const PanelLayout layout(shape);
  auto* bytes = static_cast<std::uint8_t*>(codes);
  parallel_for(context.threads, shape.n, [&](std::int64_t column) {
    const std::uint8_t* panel = panel_of(packed, layout, column);
    if (shape.type == PackedType::i8) {
      for (std::int64_t i = 0; i < shape.k; ++i) {
        bytes[column * shape.k + i] = static_cast<std::uint8_t>(code_at(panel, shape, layout, i, column));
      }
    } else {
      std::uint8_t* row = bytes + column * ((shape.k + 1) / 2);
      std::memset(row, 0x88, static_cast<std::size_t>((shape.k + 1) / 2));  // an odd last half is a 0
      for (std::int64_t i = 0; i < shape.k; ++i) {
        const auto code = static_cast<unsigned>(code_at(panel, shape, layout, i, column) + 8);
        const unsigned kept = i % 2 == 0 ? row[i / 2] & 0xf0u : row[i / 2] & 0x0fu;
        row[i / 2] = static_cast<std::uint8_t>(kept | (i % 2 == 0 ? code : code << 4));
      }
    }
    for (std::int64_t g = 0; g < layout.groups(); ++g) {
      scales[column * layout.groups() + g] = scale_at(packed, shape, layout, g, column);
    }
  });
}

template <class T>
void embedding_packed(CpuContext& context, T* y, const void* packed, const PackedShape& shape,
                      const std::int32_t* ids, std::int64_t rows) {
  const PanelLayout layout(shape);
  const bool codes = shape.type == PackedType::i8 || shape.type == PackedType::i4;
  const int threads = rows * shape.k < cpu::gemm_serial_limit ? 1 : context.threads;
  parallel_for(threads, rows, [&](std::int64_t r) {
    const std::int64_t column = ids[r];
    const std::uint8_t* panel = panel_of(packed, layout, column);
    T* out = y + r * shape.k;
    for (std::int64_t g = 0; g < layout.groups(); ++g) {
      const float scale = codes ? cpu::to_float(scale_at(packed, shape, layout, g, column)) : 1.0f;
      const std::int64_t end = std::min(shape.k, (g + 1) * layout.group);
      for (std::int64_t i = g * layout.group; i < end; ++i) {
        if (codes) {
          out[i] = static_cast<T>(scale * static_cast<float>(code_at(panel, shape, layout, i, column)));
        } else if (shape.type == packed_type<T>) {
          std::memcpy(&out[i], panel + element_offset(layout, i, column), sizeof(T));
        } else {  // bf16 seen by another type
          bfloat16 value;
          std::memcpy(&value, panel + element_offset(layout, i, column), sizeof value);
          out[i] = static_cast<T>(cpu::to_float(value));
        }
      }
    }
  });
}

template void pack(CpuContext&, void*, const float*, std::int64_t, bool, const PackedShape&);
template void pack(CpuContext&, void*, const float16*, std::int64_t, bool, const PackedShape&);
template void pack(CpuContext&, void*, const bfloat16*, std::int64_t, bool, const PackedShape&);
template void unpack(CpuContext&, float*, std::int64_t, bool, const void*, const PackedShape&);
template void unpack(CpuContext&, float16*, std::int64_t, bool, const void*, const PackedShape&);
template void unpack(CpuContext&, bfloat16*, std::int64_t, bool, const void*, const PackedShape&);
template void embedding_packed(CpuContext&, float*, const void*, const PackedShape&, const std::int32_t*,
                               std::int64_t);
template void embedding_packed(CpuContext&, float16*, const void*, const PackedShape&, const std::int32_t*,
                               std::int64_t);
template void embedding_packed(CpuContext&, bfloat16*, const void*, const PackedShape&, const std::int32_t*,
                               std::int64_t);

}  // namespace adlib::kernels
