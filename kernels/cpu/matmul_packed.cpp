// The products with a packed right operand: its panels are read where they lie.
#include <cstring>

#include "kernels/cpu/gemm_operands.h"
#include "kernels/cpu/packed_panels.h"
#include "kernels/matmul.h"

namespace adlib::kernels {
namespace {

using cpu::gemm_block_k;
using cpu::panel_columns;
using cpu::PanelLayout;

constexpr std::int64_t max_columns = cpu::GemmTuning::max_block_n;  // of a task
constexpr std::int64_t default_group = 128;  // the contract of matmul_packed() for b without groups

// The panels of one task.
template <class E>
class PanelsInPlace {
 public:
  PanelsInPlace(const void* packed, const PanelLayout& layout, std::int64_t column)
      : begin_(static_cast<const std::uint8_t*>(packed) + column / layout.width * layout.panel_bytes()),
        layout_(layout) {}

  void open(std::int64_t first, std::int64_t depth) {
    offset_ = layout_.offset(first);
    ahead_ = layout_.offset(first + depth) - offset_;
  }
  const E* panel(std::int64_t j) const {
    return reinterpret_cast<const E*>(begin_ + j / layout_.width * layout_.panel_bytes() + offset_);
  }
  /// Bytes of the block that open() announced: what follows it in the panel, or the next panel, comes next.
  std::int64_t ahead() const { return ahead_; }

 private:
  const std::uint8_t* begin_;
  PanelLayout layout_;
  std::int64_t offset_ = 0, ahead_ = 0;
};

// float16 panels become floats, a block at a time.
class Float16Panels {
 public:
  Float16Panels(const void* packed, const PanelLayout& layout, std::int64_t column, std::int64_t columns)
      : packed_(packed, layout, column),
        columns_(columns),
        panels_(cpu::scratch<struct GemmPanels>(max_columns * gemm_block_k)) {}

  void open(std::int64_t first, std::int64_t depth) {
    packed_.open(first, depth);
    for (std::int64_t j = 0; j < columns_; j += panel_columns()) {
      cpu::to_float(panels_ + j * gemm_block_k, packed_.panel(j), depth * panel_columns());
    }
  }
  const float* panel(std::int64_t j) const { return panels_ + j * gemm_block_k; }
  static std::int64_t ahead() { return 0; }

 private:
  PanelsInPlace<float16> packed_;
  std::int64_t columns_;
  float* panels_;
};

// The rows of a as codes.
struct QuantizedRows {
  const std::uint8_t* codes;
  const float* scales;
  const std::int32_t* offsets;
  std::int64_t row_bytes, groups, group;
};

template <class T>
QuantizedRows quantize_rows(CpuContext& context, const T* a, std::int64_t a_stride, std::int64_t m,
                            std::int64_t k, std::int64_t group, std::int32_t zero) {
  const simd::GemmI8& gemm = cpu::gemm_i8();
  const std::int64_t groups = (k + group - 1) / group;
  // Whole lines and one more: rows must not share the sets of L1.
  const std::int64_t row_bytes = cpu::round_up(k * (gemm.wide ? 2 : 1), 64) + 64;
  auto* codes = reinterpret_cast<std::uint8_t*>(cpu::scratch<struct GemmCodes>(m * row_bytes / 4));
  float* scales = cpu::scratch<struct GemmScales>(m * groups);
  auto* offsets = reinterpret_cast<std::int32_t*>(cpu::scratch<struct GemmOffsets>(m * groups));
  parallel_for(m * k < cpu::gemm_serial_limit ? 1 : context.threads, m, [&](std::int64_t i) {
    float* buffer = std::is_same_v<T, float> ? nullptr : cpu::scratch<struct GemmRow>(k);
    gemm.quantize(codes + i * row_bytes, scales + i * groups, offsets + i * groups,
                  cpu::as_float(a + i * a_stride, k, buffer), k, group, zero);
  });
  return {codes, scales, offsets, row_bytes, groups, group};
}

class CodeOperands {
 public:
  CodeOperands(const QuantizedRows& rows, std::int64_t first_row, PanelsInPlace<std::uint8_t> panels,
               void (*kernel)(const simd::TileI8&))
      : rows_(rows), first_row_(first_row), panels_(panels), kernel_(kernel) {}

  void open(std::int64_t first, std::int64_t depth) {
    panels_.open(first, depth);
    first_ = first, depth_ = depth;
  }
  void stage(std::int64_t i, std::int64_t m) {
    row_ = first_row_ + i, m_ = m;
    ahead_ = i == 0 ? panels_.ahead() : 0;
  }
  void tile(float* sums, std::int64_t sums_row, std::int64_t j, bool add) const {
    const std::int64_t at = row_ * rows_.groups + first_ / rows_.group;
    kernel_({.sums = sums,
             .sums_row = sums_row,
             .a = rows_.codes + row_ * rows_.row_bytes + first_ * (cpu::gemm_i8().wide ? 2 : 1),
             .a_row = rows_.row_bytes,
             .a_scales = rows_.scales + at,
             .a_offsets = rows_.offsets + at,
             .groups_row = rows_.groups,
             .panel = panels_.panel(j),
             .m = m_,
             .k = depth_,
             .group = rows_.group,
             .add = add,
             .ahead = ahead_});
  }

 private:
  QuantizedRows rows_;
  std::int64_t first_row_;
  PanelsInPlace<std::uint8_t> panels_;
  void (*kernel_)(const simd::TileI8&);
  std::int64_t first_ = 0, depth_ = 0, row_ = 0, m_ = 0, ahead_ = 0;
};

template <class T>
void multiply_codes(CpuContext& context, T* out, const T* a, std::int64_t a_stride, std::int64_t m,
                    const void* packed, const PackedShape& shape, const MatmulEpilogue<T>& epilogue) {
  const simd::GemmI8& gemm = cpu::gemm_i8();
  const PanelLayout layout(shape);
  const bool by_column = shape.group == 0;
  const bool int4 = shape.type == PackedType::i4;
  const QuantizedRows rows = quantize_rows(context, a, a_stride, m, shape.k,
                                           by_column ? default_group : shape.group, int4 ? 8 : 128);
  const auto tile = int4 ? gemm.i4_grouped : by_column ? gemm.i8 : gemm.i8_grouped;
  const auto* scales = reinterpret_cast<const bfloat16*>(static_cast<const std::uint8_t*>(packed) +
                                                         layout.column_scales_offset());
  cpu::gemm(
      context, {m, shape.n, shape.k, cpu::GemmKind::i8, /*panel_by_panel=*/true},
      [&](std::int64_t row, std::int64_t, std::int64_t column, std::int64_t) {
        return CodeOperands(rows, row, PanelsInPlace<std::uint8_t>(packed, layout, column), tile);
      },
      cpu::finish(out, shape.n, epilogue, by_column ? scales : nullptr));
}

template <class E, class T>
void multiply_bf16(CpuContext& context, T* out, const T* a, const MatmulShape& shape, const void* packed,
                   const PanelLayout& layout, const MatmulEpilogue<T>& epilogue) {
  const cpu::Rows<E> rows = cpu::rows_as<E, 2>(context, a, shape);
  cpu::gemm(
      context, {shape.m, shape.n, shape.k, cpu::GemmKind::bf16, /*panel_by_panel=*/true},
      [&](std::int64_t row, std::int64_t, std::int64_t column, std::int64_t) {
        return cpu::Bf16Operands<E, PanelsInPlace<std::uint16_t>>(
            rows, row, PanelsInPlace<std::uint16_t>(packed, layout, column));
      },
      cpu::finish(out, shape.n, epilogue));
}

}  // namespace

template <class T>
void matmul_packed(CpuContext& context, T* out, const T* a, std::int64_t a_stride, std::int64_t m,
                   const void* packed, const PackedShape& shape, const MatmulEpilogue<T>& epilogue) {
  const PanelLayout layout(shape);
  const MatmulShape whole{.m = m, .n = shape.n, .k = shape.k, .a_stride = a_stride};
  const auto multiply_floats = [&](bool panel_by_panel, auto&& panels) {
    const cpu::Rows<float> rows = cpu::rows_as<float, 1>(context, a, whole);
    cpu::gemm(
        context, {m, shape.n, shape.k, cpu::GemmKind::f32, panel_by_panel},
        [&](std::int64_t row, std::int64_t, std::int64_t column, std::int64_t columns) {
          using Panels = decltype(panels(column, columns));
          return cpu::F32Operands<Panels>(rows, row, panels(column, columns));
        },
        cpu::finish(out, shape.n, epilogue));
  };
  switch (shape.type) {
    case PackedType::f32:
      return multiply_floats(/*panel_by_panel=*/true, [&](std::int64_t column, std::int64_t) {
        return PanelsInPlace<float>(packed, layout, column);
      });
    case PackedType::f16:
      return multiply_floats(/*panel_by_panel=*/false, [&](std::int64_t column, std::int64_t columns) {
        return Float16Panels(packed, layout, column, columns);
      });
    case PackedType::bf16:
      return cpu::gemm_bf16().a_is_bf16
                 ? multiply_bf16<std::uint16_t>(context, out, a, whole, packed, layout, epilogue)
                 : multiply_bf16<float>(context, out, a, whole, packed, layout, epilogue);
    case PackedType::i8:
    case PackedType::i4:
      return multiply_codes(context, out, a, a_stride, m, packed, shape, epilogue);
  }
}

template void matmul_packed(CpuContext&, float*, const float*, std::int64_t, std::int64_t, const void*,
                            const PackedShape&, const MatmulEpilogue<float>&);
template void matmul_packed(CpuContext&, float16*, const float16*, std::int64_t, std::int64_t, const void*,
                            const PackedShape&, const MatmulEpilogue<float16>&);
template void matmul_packed(CpuContext&, bfloat16*, const bfloat16*, std::int64_t, std::int64_t, const void*,
                            const PackedShape&, const MatmulEpilogue<bfloat16>&);

}  // namespace adlib::kernels
