// The body of GemmF32::tile for any vector type; included by one file a SIMD level, inside its anonymous
// namespace.
//
// A tile keeps Rows x 2 vectors of sums in registers; each k costs 2 loads of the panel and a broadcast a
// row. V: type, width, zero(), load(p), set1(x), fma(a, b, c), add(a, b), store(p, v).

template <class V, int Rows, bool Ahead>
void tile_of(const TileF32& t) {
  typename V::type left[Rows], right[Rows];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) left[r] = right[r] = V::zero();
  const float* panel = t.panel;
  const float* column = t.a;
  const std::int64_t a_row = t.a_row, a_k = t.a_k, panel_row = t.panel_row;
  const char* ahead = static_cast<const char*>(t.ahead);
  for (std::int64_t i = 0; i < t.k; ++i) {
    const typename V::type b_left = V::load(panel);
    const typename V::type b_right = V::load(panel + V::width);
    if constexpr (Ahead) {
      __builtin_prefetch(ahead, 0, 2);
      __builtin_prefetch(ahead + 64, 0, 2);
      ahead += t.ahead_step;
    }
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const typename V::type value = V::set1(column[r * a_row]);
      left[r] = V::fma(value, b_left, left[r]);
      right[r] = V::fma(value, b_right, right[r]);
    }
    panel += panel_row;
    column += a_k;
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    float* row = t.sums + r * t.sums_row;
    V::store(row, t.add ? V::add(V::load(row), left[r]) : left[r]);
    V::store(row + V::width, t.add ? V::add(V::load(row + V::width), right[r]) : right[r]);
  }
}

template <class V, int MaxRows>
void tile_up_to(const TileF32& t) {
  if constexpr (MaxRows > 1) {
    if (t.m < MaxRows) return tile_up_to<V, MaxRows - 1>(t);
  }
  // Few rows are bound by memory, and the processor's own prefetching serves them better; for more,
  // arithmetic leaves time in which the next block can come (from 71 to 94 GFLOP/s at 8 rows).
  if constexpr (MaxRows >= 6) {
    if (t.ahead != nullptr) return tile_of<V, MaxRows, true>(t);
  }
  tile_of<V, MaxRows, false>(t);
}
