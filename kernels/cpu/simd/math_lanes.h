// exp, gelu and silu on one vector; included by one file a SIMD level, inside its anonymous namespace.
// V: type, width, set1, load, load_first(p, n), store, store_first(p, v, n), add, sub, mul, div, fma(a, b, c)
// = ab + c, round, min(a, b), max(a, b) = b when either is NaN, times_power(v, n) = v · 2ⁿ for integral n
// with gradual underflow.

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

template <class V, typename V::type (*f)(typename V::type)>
void for_each(float* x, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + V::width <= n; i += V::width) V::store(x + i, f(V::load(x + i)));
  if (i < n) V::store_first(x + i, f(V::load_first(x + i, n - i)), n - i);
}

template <class V>
constexpr Math math_of() {
  return {.exp = for_each<V, exp_of<V>>,
          .gelu_tanh = for_each<V, gelu_tanh_of<V>>,
          .silu = for_each<V, silu_of<V>>};
}
