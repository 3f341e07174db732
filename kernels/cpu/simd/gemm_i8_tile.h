// The bodies of GemmI8 for any vector type; included by one file a SIMD level, inside its anonymous
// namespace.
//
// V: Ints, Floats, width (lanes), set1_int(x), Bytes, load_bytes(p), low_halves(b), high_halves(b), Quad,
// code_bytes, load_quad(a), dot(sums, bytes, quad), to_floats(ints), set1(x), zero(), load(p), store(p, v),
// mul, fma, load_bf16(p).

// The sums of one tile are in memory, since those of a group already fill the registers; they are touched
// once a group.
template <class V, int Rows, int Bits, bool Scaled>
void tile_of(const TileI8& t) {
  const auto* codes = static_cast<const std::uint8_t*>(t.a);
  const std::uint8_t* panel = t.panel;
  constexpr std::int64_t bytes = 4 * V::width;  // of one vector of codes
  for (std::int64_t g = 0, first = 0; first < t.k; ++g, first += t.group) {
    const std::int64_t depth = t.k - first < t.group ? t.k - first : t.group;
    typename V::Ints left[Rows], right[Rows];
    for (int r = 0; r < Rows; ++r) left[r] = right[r] = V::set1_int(t.a_offsets[r * t.groups_row + g]);
    for (std::int64_t q = 0; q < depth; q += Bits == 8 ? 4 : 8) {
      const typename V::Bytes b_left = V::load_bytes(panel), b_right = V::load_bytes(panel + bytes);
      // As in gemm_f32_tile.h: from 260 to 325 Gop/s at 8 rows. int4 asks for half the bytes, and loses.
      if constexpr (Rows >= 6 && Bits == 8) {
        __builtin_prefetch(panel + t.ahead, 0, 2);
        __builtin_prefetch(panel + t.ahead + bytes, 0, 2);
      }
      panel += 2 * bytes;
      if constexpr (Bits == 8) {
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) {
          const typename V::Quad a = V::load_quad(codes + r * t.a_row);
          left[r] = V::dot(left[r], b_left, a);
          right[r] = V::dot(right[r], b_right, a);
        }
        codes += 4 * V::code_bytes;
      } else {
        const typename V::Bytes low_left = V::low_halves(b_left), high_left = V::high_halves(b_left);
        const typename V::Bytes low_right = V::low_halves(b_right), high_right = V::high_halves(b_right);
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) {
          const typename V::Quad a = V::load_quad(codes + r * t.a_row);
          left[r] = V::dot(left[r], low_left, a);
          right[r] = V::dot(right[r], low_right, a);
          const typename V::Quad next = V::load_quad(codes + r * t.a_row + 4 * V::code_bytes);
          left[r] = V::dot(left[r], high_left, next);
          right[r] = V::dot(right[r], high_right, next);
        }
        codes += 8 * V::code_bytes;
      }
    }
    const bool add = t.add || g > 0;
    typename V::Floats scale_left = V::zero(), scale_right = V::zero();
    if constexpr (Scaled) {
      const auto* scales = reinterpret_cast<const std::uint16_t*>(panel);
      scale_left = V::load_bf16(scales);
      scale_right = V::load_bf16(scales + V::width);
      panel += 4 * V::width;
    }
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const typename V::Floats a_scale = V::set1(t.a_scales[r * t.groups_row + g]);
      float* row = t.sums + r * t.sums_row;
      const typename V::Floats sum_left = add ? V::load(row) : V::zero();
      const typename V::Floats sum_right = add ? V::load(row + V::width) : V::zero();
      if constexpr (Scaled) {
        V::store(row, V::fma(V::mul(V::to_floats(left[r]), a_scale), scale_left, sum_left));
        V::store(row + V::width, V::fma(V::mul(V::to_floats(right[r]), a_scale), scale_right, sum_right));
      } else {
        V::store(row, V::fma(V::to_floats(left[r]), a_scale, sum_left));
        V::store(row + V::width, V::fma(V::to_floats(right[r]), a_scale, sum_right));
      }
    }
  }
}

template <class V, int MaxRows, int Bits, bool Scaled>
void tile_up_to(const TileI8& t) {
  if constexpr (MaxRows > 1) {
    if (t.m < MaxRows) return tile_up_to<V, MaxRows - 1, Bits, Scaled>(t);
  }
  tile_of<V, MaxRows, Bits, Scaled>(t);
}
