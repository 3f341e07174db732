// The body of GemmF32::tile for any vector type; included by one file a SIMD level, inside its anonymous
// namespace.
//
// A tile keeps Rows x 2 vectors of sums in registers; each k costs 2 loads of the panel and a broadcast a
// row. V: type, width, zero(), load(p), set1(x), fma(a, b, c), add(a, b), store(p, v).

template <class V, int Rows>
void tile_of(float* sums, std::int64_t stride, const float* a, std::int64_t a_stride, const float* panel,
             std::int64_t k, bool add) {
  typename V::type left[Rows], right[Rows];
  for (int r = 0; r < Rows; ++r) left[r] = right[r] = V::zero();
  for (std::int64_t i = 0; i < k; ++i) {
    const typename V::type b_left = V::load(panel);
    const typename V::type b_right = V::load(panel + V::width);
    panel += 2 * V::width;
    const float* column = a + i;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const typename V::type value = V::set1(column[r * a_stride]);
      left[r] = V::fma(value, b_left, left[r]);
      right[r] = V::fma(value, b_right, right[r]);
    }
  }
  for (int r = 0; r < Rows; ++r) {
    float* row = sums + r * stride;
    V::store(row, add ? V::add(V::load(row), left[r]) : left[r]);
    V::store(row + V::width, add ? V::add(V::load(row + V::width), right[r]) : right[r]);
  }
}

template <class V, int MaxRows>
void tile_up_to(float* sums, std::int64_t stride, const float* a, std::int64_t a_stride, const float* panel,
                std::int64_t m, std::int64_t k, bool add) {
  if constexpr (MaxRows > 1) {
    if (m < MaxRows) return tile_up_to<V, MaxRows - 1>(sums, stride, a, a_stride, panel, m, k, add);
  }
  tile_of<V, MaxRows>(sums, stride, a, a_stride, panel, k, add);
}
