// exp, gelu, silu and their derivatives on one vector; included by one file a SIMD level, inside its
// anonymous namespace. V: type, width, set1, load, load_first(p, n), store, store_first(p, v, n), add, sub,
// mul, div, fma(a, b, c) = ab + c, round, min(a, b), max(a, b) = b when either is NaN, times_power(v, n) = v
// · 2ⁿ for integral n with gradual underflow, where_negative(v, a, b), first_of(v, n, other), sum_lanes.

// 2ⁿ · e^r with r = x - n ln 2 in [-0.35, 0.35]; ln 2 in two parts, so that n ln 2 is exact. The polynomial
// is the Taylor series to r⁷/7!, whose remainder there is under 2⁻²⁷ of the value.
template <class V>
typename V::type exp_of(typename V::type x) {
  using T = typename V::type;
  x = V::max(V::set1(-104.0f), V::min(V::set1(89.0f), x));
  const T n = V::round(V::mul(x, V::set1(1.44269504088896341f)));
  T r = V::fma(n, V::set1(-0.693145751953125f), x);
  r = V::fma(n, V::set1(-1.42860682030941723212e-6f), r);
  T p = V::set1(1.0f / 5040);
  p = V::fma(p, r, V::set1(1.0f / 720));
  p = V::fma(p, r, V::set1(1.0f / 120));
  p = V::fma(p, r, V::set1(1.0f / 24));
  p = V::fma(p, r, V::set1(1.0f / 6));
  p = V::fma(p, r, V::set1(0.5f));
  p = V::fma(V::mul(p, r), r, r);
  return V::times_power(V::add(p, V::set1(1.0f)), n);
}

template <class V>
typename V::type silu_of(typename V::type x) {
  return V::div(x, V::add(V::set1(1.0f), exp_of<V>(V::sub(V::set1(0.0f), x))));
}

template <class V>
typename V::type gelu_tanh_of(typename V::type x) {
  using T = typename V::type;
  constexpr float minus_two_sqrt_2_over_pi = -1.59576912160573071f;
  const T cubed = V::mul(V::mul(x, x), x);
  const T u = V::mul(V::fma(cubed, V::set1(0.044715f), x), V::set1(minus_two_sqrt_2_over_pi));
  return V::div(x, V::add(V::set1(1.0f), exp_of<V>(u)));
}

// x between -limit and limit; NaN stays.
template <class V>
typename V::type clamp(typename V::type x, float limit) {
  return V::max(V::set1(-limit), V::min(V::set1(limit), x));
}

// Where exp(-x) stays finite, and 1 / (1 + exp(-x)) normal.
constexpr float logistic_limit = 87.0f;

// With s = 1 / (1 + e^-x): (x s)' = s (1 + x (1 - s)), and 1 - s = e^-x s without cancellation.
template <class V>
typename V::type silu_slope_of(typename V::type x) {
  using T = typename V::type;
  const T one = V::set1(1.0f);
  x = clamp<V>(x, logistic_limit);
  const T e = exp_of<V>(V::sub(V::set1(0.0f), x));
  const T s = V::div(one, V::add(one, e));
  return V::mul(s, V::fma(x, V::mul(e, s), one));
}

// As silu's with 2u for x in the logistic function, so that the second term has (2u)' as another factor.
template <class V>
typename V::type gelu_tanh_slope_of(typename V::type x) {
  using T = typename V::type;
  constexpr float two_sqrt_2_over_pi = 1.59576912160573071f;
  const T one = V::set1(1.0f);
  x = clamp<V>(x, 16.0f);  // where the slope is 0 or 1 in float
  const T squared = V::mul(x, x);
  const T u = V::mul(V::fma(V::mul(squared, x), V::set1(0.044715f), x), V::set1(two_sqrt_2_over_pi));
  const T du = V::fma(squared, V::set1(3 * 0.044715f * two_sqrt_2_over_pi), V::set1(two_sqrt_2_over_pi));
  const T e = exp_of<V>(V::sub(V::set1(0.0f), clamp<V>(u, logistic_limit)));
  const T s = V::div(one, V::add(one, e));
  return V::mul(s, V::fma(V::mul(x, du), V::mul(e, s), one));
}

// The standard normal distribution at |x|: its tail 1 - Φ and e^(-x²/2). The tail is that times
// erfcx(|x| / sqrt 2) / 2, which is smooth in s = 0.3 z / (1 + 0.3 z), z = |x| / sqrt 2: a polynomial of
// degree nine that is least in its largest relative error for |x| < 16, 2.2e-8.
template <class V>
struct NormalTail {
  typename V::type magnitude, tail, exponential;
};
template <class V>
NormalTail<V> normal_tail(typename V::type x) {
  using T = typename V::type;
  const T magnitude = V::min(V::set1(16.0f), V::max(x, V::sub(V::set1(0.0f), x)));
  const T z = V::mul(magnitude, V::set1(0.3f * 0.70710678118654752440f));
  const T s = V::div(z, V::add(V::set1(1.0f), z));
  T p = V::set1(0.06409312f);
  p = V::fma(p, s, V::set1(-0.33752835f));
  p = V::fma(p, s, V::set1(0.64119524f));
  p = V::fma(p, s, V::set1(-0.15753946f));
  p = V::fma(p, s, V::set1(-1.6546917f));
  p = V::fma(p, s, V::set1(3.8492765f));
  p = V::fma(p, s, V::set1(-4.6990337f));
  p = V::fma(p, s, V::set1(3.6748571f));
  p = V::fma(p, s, V::set1(-1.8806305f));
  p = V::fma(p, s, V::set1(0.5f));
  const T e = exp_of<V>(V::mul(V::mul(magnitude, magnitude), V::set1(-0.5f)));
  return {magnitude, V::mul(p, e), e};
}

// x Φ(x) = max(x, 0) - |x| (1 - Φ(|x|))
template <class V>
typename V::type gelu_erf_of(typename V::type x) {
  const NormalTail<V> normal = normal_tail<V>(x);
  return V::sub(V::max(x, V::set1(0.0f)), V::mul(normal.magnitude, normal.tail));
}

// Φ(x) + x φ(x): at -|x| the tail less |x| φ(x), at |x| what is left of 1.
template <class V>
typename V::type gelu_erf_slope_of(typename V::type x) {
  using T = typename V::type;
  constexpr float minus_one_over_sqrt_2_pi = -0.39894228040143267794f;
  const NormalTail<V> normal = normal_tail<V>(x);
  const T density = V::mul(normal.exponential, V::set1(minus_one_over_sqrt_2_pi));
  const T below = V::fma(normal.magnitude, density, normal.tail);
  return V::where_negative(x, below, V::sub(V::set1(1.0f), below));
}

template <class V, typename V::type (*f)(typename V::type)>
void for_each(float* x, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + V::width <= n; i += V::width) V::store(x + i, f(V::load(x + i)));
  if (i < n) V::store_first(x + i, f(V::load_first(x + i, n - i)), n - i);
}

template <class V, typename V::type (*slope)(typename V::type)>
void chain(float* dx, const float* dy, const float* x, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + V::width <= n; i += V::width) {
    V::store(dx + i, V::mul(V::load(dy + i), slope(V::load(x + i))));
  }
  const std::int64_t left = n - i;
  if (left > 0) {
    const typename V::type last = V::mul(V::load_first(dy + i, left), slope(V::load_first(x + i, left)));
    V::store_first(dx + i, last, left);
  }
}

template <class V>
void swiglu_backward_of(float* dgate, float* dup, const float* dy, const float* gate, const float* up,
                        std::int64_t n) {
  using T = typename V::type;
  for (std::int64_t i = 0; i < n; i += V::width) {
    const std::int64_t left = n - i;
    const bool whole = left >= V::width;
    const T d = whole ? V::load(dy + i) : V::load_first(dy + i, left);
    const T g = whole ? V::load(gate + i) : V::load_first(gate + i, left);
    const T u = whole ? V::load(up + i) : V::load_first(up + i, left);
    const T c = clamp<V>(g, logistic_limit);  // as silu_slope_of, with its exponential for both
    const T e = exp_of<V>(V::sub(V::set1(0.0f), c));
    const T s = V::div(V::set1(1.0f), V::add(V::set1(1.0f), e));
    const T slope = V::mul(s, V::fma(c, V::mul(e, s), V::set1(1.0f)));
    const T by_gate = V::mul(V::mul(d, u), slope), by_up = V::mul(d, V::mul(g, s));
    whole ? V::store(dgate + i, by_gate) : V::store_first(dgate + i, by_gate, left);
    whole ? V::store(dup + i, by_up) : V::store_first(dup + i, by_up, left);
  }
}

// Two sums, so that an addition need not wait for the one before.
template <class V>
float exp_and_sum_of(float* y, const float* x, float shift, std::int64_t n) {
  using T = typename V::type;
  const T minus = V::set1(shift);
  T sums[2] = {V::zero(), V::zero()};
  std::int64_t i = 0;
  for (; i + 2 * V::width <= n; i += 2 * V::width) {
    for (int v = 0; v < 2; ++v) {
      const T e = exp_of<V>(V::sub(V::load(x + i + v * V::width), minus));
      sums[v] = V::add(sums[v], e);
      V::store(y + i + v * V::width, e);
    }
  }
  for (int v = 0; i < n; i += V::width, v = 1) {
    const std::int64_t left = n - i < V::width ? n - i : V::width;
    const T e = exp_of<V>(V::sub(V::load_first(x + i, left), minus));
    sums[v] = V::add(sums[v], V::first_of(e, left, V::zero()));
    V::store_first(y + i, e, left);
  }
  return V::sum_lanes(V::add(sums[0], sums[1]));
}

template <class V>
constexpr Math math_of() {
  return {.exp = for_each<V, exp_of<V>>,
          .exp_and_sum = exp_and_sum_of<V>,
          .gelu_tanh = for_each<V, gelu_tanh_of<V>>,
          .gelu_erf = for_each<V, gelu_erf_of<V>>,
          .silu = for_each<V, silu_of<V>>,
          .gelu_tanh_backward = chain<V, gelu_tanh_slope_of<V>>,
          .gelu_erf_backward = chain<V, gelu_erf_slope_of<V>>,
          .silu_backward = chain<V, silu_slope_of<V>>,
          .swiglu_backward = swiglu_backward_of<V>};
}
