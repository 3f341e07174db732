// The functions of simd::Attention for any vector type; included by one file a SIMD level, inside its
// anonymous namespace, after math_lanes.h. V as there, and also load(int8), load_bf16, load_f16, first_of(v,
// n, other), where_different(a, b, v), max_lane, sum_lanes, all_finite.

constexpr std::int64_t block = 64;  // kernels::attention_block
constexpr float minus_infinity = -__builtin_inff();

// One row. `Full`: it sees the whole block, which spares the masks.
template <class V, bool Full>
void softmax_row(const OnlineSoftmax& t, std::int64_t row) {
  using T = typename V::type;
  constexpr int vectors = block / V::width;
  float* scores = t.scores + row * block;
  const std::int64_t n = t.visible[row];
  const T hidden = V::set1(minus_infinity);
  T s[vectors];
  T largest = hidden;
  for (int v = 0; v < vectors; ++v) {
    s[v] = V::mul(V::load(scores + v * V::width), V::set1(t.scale));
    if (t.key_scales != nullptr) s[v] = V::mul(s[v], V::load(t.key_scales + v * V::width));
    if constexpr (!Full) s[v] = V::first_of(s[v], n - v * V::width, hidden);
    largest = V::max(s[v], largest);  // passes over NaN
  }
  float block_max = V::max_lane(largest);
  if (block_max == minus_infinity) {  // NaN alone must not pass for "sees no key"
    for (std::int64_t j = 0; j < n; ++j) {
      float score = scores[j] * t.scale;
      if (t.key_scales != nullptr) score *= t.key_scales[j];
      if (score != score) block_max = score;
    }
  }
  const float before = t.max[row];
  const float max = block_max > before || block_max != block_max ? block_max : before;
  if (max == minus_infinity) {
    for (int v = 0; v < vectors; ++v) V::store(scores + v * V::width, V::zero());
    return;
  }
  T sum = V::zero();
  for (int v = 0; v < vectors; ++v) {
    T weight = exp_of<V>(V::sub(s[v], V::set1(max)));
    sum = V::add(sum, weight);
    if (t.value_scales != nullptr) {  // a hidden scale may be anything
      weight = V::where_different(s[v], hidden, V::mul(weight, V::load(t.value_scales + v * V::width)));
    }
    V::store(scores + v * V::width, weight);
  }
  if (max != before) {
    float factors[V::width];
    V::store(factors, exp_of<V>(V::set1(before - max)));  // 0 the first time
    t.sum[row] *= factors[0];
    float* out = t.out + row * t.out_row;
    for (std::int64_t c = 0; c < t.columns; c += V::width) {
      V::store(out + c, V::mul(V::load(out + c), V::set1(factors[0])));
    }
    t.max[row] = max;
  }
  t.sum[row] += V::sum_lanes(sum);
}

template <class V>
void softmax_of(const OnlineSoftmax& t) {
  for (std::int64_t row = 0; row < t.m; ++row) {
    t.visible[row] == block ? softmax_row<V, true>(t, row) : softmax_row<V, false>(t, row);
  }
}

template <class V>
void softmax_backward_of(const SoftmaxBackward& t) {
  using T = typename V::type;
  const T scale = V::set1(t.scale);
  for (std::int64_t row = 0; row < t.m; ++row) {
    float* weights = t.weights + row * block;
    float* gradients = t.gradients + row * block;
    const T minus_lse = V::set1(-t.lse[row]), delta = V::set1(t.delta[row]);
    const std::int64_t n = t.visible + row;
    for (std::int64_t c = 0; c < block; c += V::width) {
      if (c >= n) {
        V::store(weights + c, V::zero());
        V::store(gradients + c, V::zero());
        continue;
      }
      T weight = exp_of<V>(V::fma(V::load(weights + c), scale, minus_lse));
      T gradient = V::mul(weight, V::sub(V::load(gradients + c), delta));
      if (t.slopes != nullptr) gradient = V::mul(gradient, V::load(t.slopes + row * block + c));
      if (c + V::width > n) {
        weight = V::first_of(weight, n - c, V::zero());
        gradient = V::first_of(gradient, n - c, V::zero());
      }
      V::store(weights + c, weight);
      V::store(gradients + c, gradient);
    }
  }
}

// How each Stored is read.
template <class V>
struct F32 {
  using element = float;
  static typename V::type load(const float* p) { return V::load(p); }
};
template <class V>
struct F16 {
  using element = std::uint16_t;
  static typename V::type load(const std::uint16_t* p) { return V::load_f16(p); }
};
template <class V>
struct Bf16 {
  using element = std::uint16_t;
  static typename V::type load(const std::uint16_t* p) { return V::load_bf16(p); }
};
template <class V>
struct I8 {
  using element = std::int8_t;
  static typename V::type load(const std::int8_t* p) { return V::load(p); }
};

// Enough independent sums to hide the latency of a multiply-add; fewer than the registers.
template <class V, class E, int Vectors>
void row_columns(const RowProduct& t, std::int64_t first) {
  typename V::type sums[Vectors];
  for (int v = 0; v < Vectors; ++v) sums[v] = V::zero();
  using Element = typename E::element;
  constexpr int row_bytes = Vectors * V::width * static_cast<int>(sizeof(Element));
  const Element* panel = static_cast<const Element*>(t.panel) + first;
  const Element* ahead = static_cast<const Element*>(t.ahead) + first;
  const float* a = t.a;
  const std::int64_t k = t.k, panel_row = t.panel_row;
  for (std::int64_t i = 0; i < k; ++i, panel += panel_row, ahead += panel_row) {
    const typename V::type value = V::set1(a[i]);
#pragma GCC unroll 4
    for (int byte = 0; byte < row_bytes; byte += 64) {
      __builtin_prefetch(reinterpret_cast<const char*>(ahead) + byte, 0, /*to L2*/ 2);
    }
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) sums[v] = V::fma(value, E::load(panel + v * V::width), sums[v]);
  }
  for (int v = 0; v < Vectors; ++v) {
    float* out = t.sums + first + v * V::width;
    V::store(out, t.add ? V::add(V::load(out), sums[v]) : sums[v]);
  }
}

template <class V, class E>
void row_of(const RowProduct& t) {
  constexpr int wide = block / V::width < 8 ? block / V::width : 8;
  std::int64_t c = 0;
  for (; c + wide * V::width <= t.columns; c += wide * V::width) row_columns<V, E, wide>(t, c);
  for (; c < t.columns; c += 2 * V::width) row_columns<V, E, 2>(t, c);
}

template <class V, class E>
void widen_of(float* out, const void* in, std::int64_t n) {
  const auto* from = static_cast<const typename E::element*>(in);
  std::int64_t i = 0;
  for (; i + V::width <= n; i += V::width) V::store(out + i, E::load(from + i));
  if (i == n) return;
  typename E::element rest[V::width] = {};
  for (std::int64_t j = 0; i + j < n; ++j) rest[j] = from[i + j];
  V::store_first(out + i, E::load(rest), n - i);
}

template <class V>
bool all_finite_of(const float* x, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + V::width <= n; i += V::width) {
    if (!V::all_finite(V::load(x + i))) return false;
  }
  return i == n || V::all_finite(V::load_first(x + i, n - i));
}

template <class V>
constexpr Attention attention_of() {
  return {.softmax = softmax_of<V>,
          .softmax_backward = softmax_backward_of<V>,
          .row = {row_of<V, F32<V>>, row_of<V, F16<V>>, row_of<V, Bf16<V>>, row_of<V, I8<V>>},
          .widen = {widen_of<V, F32<V>>, widen_of<V, F16<V>>, widen_of<V, Bf16<V>>, widen_of<V, I8<V>>},
          .all_finite = all_finite_of<V>};
}
