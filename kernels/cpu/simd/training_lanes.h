// The functions of Training for any vector type; included by one file a SIMD level, inside its anonymous
// namespace. V: as math_lanes.h has it, and sqrt. Each file defines beside it
//   Words: vectors of 64-bit lanes whose lower halves hold 32-bit words, one lane a block of Philox: type,
//   blocks, set1, counters(first), add, high(a) = a >> 32, multiply(a, b) = the lower halves' 64-bit
//   products, exclusive_or, in_order(c, out), which lays the lower halves of four vectors out as two, block
//   after block, and where_at_least(words, threshold, v), which is 0 in the lanes of smaller words; Doubles:
//   type, zero, add_squares(sum, v), sum.

template <class V>
void adamw_of(const AdamwRun& run) {
  using T = typename V::type;
  const T gradient_scale = V::set1(run.gradient_scale), decay = V::set1(run.decay);
  const T share1 = V::set1(run.gradient_share1), beta2 = V::set1(run.beta2);
  const T share2 = V::set1(run.gradient_share2), correction = V::set1(run.root_correction2);
  const T epsilon = V::set1(run.epsilon), step = V::set1(run.step_size);
  const auto apply = [&](std::int64_t i, auto load, auto store) {
    const T g = V::mul(load(run.gradient + i), gradient_scale);
    T m = load(run.m + i), v = load(run.v + i);
    m = V::fma(share1, V::sub(g, m), m);
    v = V::fma(V::mul(share2, g), g, V::mul(v, beta2));
    const T root = V::add(V::div(V::sqrt(v), correction), epsilon);
    const T w = V::sub(V::mul(load(run.w + i), decay), V::div(V::mul(step, m), root));
    store(run.m + i, m);
    store(run.v + i, v);
    store(run.w + i, w);
  };
  std::int64_t i = 0;
  for (; i + V::width <= run.n; i += V::width) {
    apply(
        i, [](const float* p) { return V::load(p); }, [](float* p, T v) { V::store(p, v); });
  }
  const std::int64_t left = run.n - i;
  if (left > 0) {
    apply(
        i, [left](const float* p) { return V::load_first(p, left); },
        [left](float* p, T v) { V::store_first(p, v, left); });
  }
}

// Philox4x32-10 on one block a lane; adlib/core/random.h has it in plain words. The upper halves of the lanes
// become anything: the products do not read them, nor does in_order.
template <class W>
void philox_of(const DropoutRun& run, std::uint64_t first_block, typename W::type (&c)[4]) {
  using T = typename W::type;
  c[0] = W::counters(first_block);
  c[1] = W::high(c[0]);
  c[2] = W::set1(run.stream);
  c[3] = W::set1(run.stream >> 32);
  auto key0 = static_cast<std::uint32_t>(run.seed), key1 = static_cast<std::uint32_t>(run.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const T p0 = W::multiply(c[0], 0xD2511F53u), p1 = W::multiply(c[2], 0xCD9E8D57u);
    c[0] = W::exclusive_or(W::exclusive_or(W::high(p1), c[1]), W::set1(key0));
    c[2] = W::exclusive_or(W::exclusive_or(W::high(p0), c[3]), W::set1(key1));
    c[1] = p1;
    c[3] = p0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

template <class V, class W>
void dropout_of(const DropoutRun& run) {
  static_assert(4 * W::blocks == 2 * V::width);
  using T = typename V::type;
  const T scale = V::set1(run.scale);
  for (std::int64_t i = 0; i < run.n; i += 2 * V::width) {
    typename W::type words[4], ordered[2];
    philox_of<W>(run, run.first_block + static_cast<std::uint64_t>(i / 4), words);
    W::in_order(words, ordered);
    for (int half = 0; half < 2; ++half) {
      const std::int64_t at = i + half * V::width, left = run.n - at;
      if (left <= 0) break;
      const bool whole = left >= V::width;
      const T x = whole ? V::load(run.x + at) : V::load_first(run.x + at, left);
      T y = W::where_at_least(ordered[half], run.threshold, V::mul(x, scale));
      if (run.residual != nullptr) {
        y = V::add(y, whole ? V::load(run.residual + at) : V::load_first(run.residual + at, left));
      }
      whole ? V::store(run.y + at, y) : V::store_first(run.y + at, y, left);
    }
  }
}

// Two sums, so that an addition need not wait for the one before.
template <class V, class D>
double sum_of_squares_of(const float* x, std::int64_t n) {
  typename D::type sums[2] = {D::zero(), D::zero()};
  std::int64_t i = 0;
  for (; i + 2 * V::width <= n; i += 2 * V::width) {
    for (int v = 0; v < 2; ++v) sums[v] = D::add_squares(sums[v], V::load(x + i + v * V::width));
  }
  for (int v = 0; i < n; i += V::width, v = 1) {
    const std::int64_t left = n - i < V::width ? n - i : V::width;
    sums[v] = D::add_squares(sums[v], V::load_first(x + i, left));
  }
  return D::sum(sums[0]) + D::sum(sums[1]);
}

// Without branches, which the compiler turns into the vectors of the level it compiles for.
inline void round_to_bf16_of(std::uint16_t* y, const float* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const auto bits = __builtin_bit_cast(std::uint32_t, x[i]);
    const std::uint32_t nearest = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16, nan = bits >> 16 | 0x40u;
    y[i] = static_cast<std::uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? nan : nearest);
  }
}

template <class V, class W, class D>
constexpr Training training_of() {
  return {.adamw = adamw_of<V>,
          .dropout = dropout_of<V, W>,
          .sum_of_squares = sum_of_squares_of<V, D>,
          .round_to_bf16 = round_to_bf16_of};
}
