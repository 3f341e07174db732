// The body of GemmBf16::tile for any vector type; included by one file a SIMD level, inside its anonymous
// namespace.
//
// V: Sums, width, zero(), load_sums(p), store_sums(p, v), add(a, b), Pairs, load_pairs(panel), APair,
// load_a(a, offset), multiply_add(sums, a, pairs).

template <class V, int Rows, bool Ahead>
void tile_of(const TileBf16& t) {
  typename V::Sums left[Rows], right[Rows];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) left[r] = right[r] = V::zero();
  const std::uint16_t* panel = t.panel;
  const char* ahead = static_cast<const char*>(t.ahead);
  std::int64_t offset = 0;
  for (std::int64_t i = 0; i < t.k; i += 2) {
    const typename V::Pairs b_left = V::load_pairs(panel);
    const typename V::Pairs b_right = V::load_pairs(panel + 2 * V::width);
    if constexpr (Ahead) {
      __builtin_prefetch(ahead, 0, 2);
      __builtin_prefetch(ahead + 64, 0, 2);
      ahead += t.ahead_step;
    }
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const typename V::APair a = V::load_a(t.a, offset + r * t.a_row);
      left[r] = V::multiply_add(left[r], a, b_left);
      right[r] = V::multiply_add(right[r], a, b_right);
    }
    panel += 4 * V::width;
    offset += t.a_pair;
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    float* row = t.sums + r * t.sums_row;
    V::store_sums(row, t.add ? V::add(V::load_sums(row), left[r]) : left[r]);
    V::store_sums(row + V::width, t.add ? V::add(V::load_sums(row + V::width), right[r]) : right[r]);
  }
}

template <class V, int MaxRows>
void tile_up_to(const TileBf16& t) {
  if constexpr (MaxRows > 1) {
    if (t.m < MaxRows) return tile_up_to<V, MaxRows - 1>(t);
  }
  // As in gemm_f32_tile.h: from 115 to 185 GFLOP/s at 8 rows.
  if constexpr (MaxRows >= 6) {
    if (t.ahead != nullptr) return tile_of<V, MaxRows, true>(t);
  }
  tile_of<V, MaxRows, false>(t);
}
