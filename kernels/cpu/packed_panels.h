// kernels/cpu/packed_panels.h: where the elements of a packed matrix lie.
#pragma once

#include <cstdint>

#include "kernels/cpu/gemm.h"
#include "kernels/matmul.h"

namespace adlib::kernels::cpu {

/// Panels of panel_columns() columns, one after the other; each holds its rows k in order, in units of 1
/// (f32, f16), 2 (bf16), 4 (i8) or 8 (i4) rows whose elements stand together for each column. With groups,
/// the scales of a group follow its codes; with one scale a column, the scales follow the last panel.
struct PanelLayout {
  std::int64_t width = panel_columns();
  std::int64_t k, n;
  std::int64_t unit = 1;     ///< rows of k that stand together
  std::int64_t bits = 32;    ///< of an element
  std::int64_t group;        ///< rows of k between scales, k when there are none within the panel
  std::int64_t scale_bytes;  ///< of one group in one panel

  explicit PanelLayout(const PackedShape& shape) : k(shape.k), n(shape.n) {
    const bool grouped = shape.group > 0;
    group = grouped ? shape.group : std::max<std::int64_t>(k, 1);
    scale_bytes = grouped ? width * 2 : 0;
    switch (shape.type) {
      case PackedType::f32:
        unit = 1, bits = 32;
        break;
      case PackedType::f16:
        unit = 1, bits = 16;
        break;
      case PackedType::bf16:
        unit = 2, bits = 16;
        break;
      case PackedType::i8:
        unit = 4, bits = 8;
        break;
      case PackedType::i4:
        unit = 8, bits = 4;
        break;
    }
  }

  std::int64_t panels() const { return (n + width - 1) / width; }
  std::int64_t groups() const { return (k + group - 1) / group; }
  /// Bytes from the panel's begin to row `first`, which begins a unit, and a group where there are groups.
  std::int64_t offset(std::int64_t first) const {
    return first * width * bits / 8 + first / group * scale_bytes;
  }
  std::int64_t panel_bytes() const { return round_up(k, unit) * width * bits / 8 + groups() * scale_bytes; }
  /// Of the scales of group g: they follow its codes.
  std::int64_t scales_offset(std::int64_t g) const {
    const std::int64_t end = std::min(k, (g + 1) * group);
    return round_up(end, unit) * width * bits / 8 + g * scale_bytes;
  }
  std::int64_t column_scales_offset() const { return panels() * panel_bytes(); }
};

}  // namespace adlib::kernels::cpu
