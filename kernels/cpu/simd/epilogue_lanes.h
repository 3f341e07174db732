// The bodies of Epilogue; included by one file a SIMD level, inside its anonymous namespace, after
// math_lanes.h. V as there, and also load_bf16(p).

template <class V>
typename V::type load_bf16_first(const std::uint16_t* p, std::int64_t n) {
  std::uint16_t halves[V::width] = {};
  for (std::int64_t i = 0; i < n; ++i) halves[i] = p[i];
  return V::load_bf16(halves);
}

template <class V>
typename V::type identity_of(typename V::type x) {
  return x;
}

template <class V, typename V::type (*f)(typename V::type)>
void epilogue(const EpilogueRow& row) {
  const auto apply = [&row](std::int64_t j, auto load, auto load_scale, auto store) {
    typename V::type x = load(row.sums + j);
    if (row.scales != nullptr) x = V::mul(x, load_scale(row.scales + j));
    if (row.bias != nullptr) x = V::add(x, load(row.bias + j));
    x = f(x);
    if (row.multiplier != nullptr) x = V::mul(x, load(row.multiplier + j));
    if (row.residual != nullptr) x = V::add(x, load(row.residual + j));
    store(row.out + j, x);
  };
  std::int64_t j = 0;
  for (; j + V::width <= row.n; j += V::width) {
    apply(
        j, [](const float* p) { return V::load(p); }, V::load_bf16,
        [](float* p, typename V::type v) { V::store(p, v); });
  }
  const std::int64_t left = row.n - j;
  if (left > 0) {
    apply(
        j, [left](const float* p) { return V::load_first(p, left); },
        [left](const std::uint16_t* p) { return load_bf16_first<V>(p, left); },
        [left](float* p, typename V::type v) { V::store_first(p, v, left); });
  }
}

template <class V>
constexpr Epilogue epilogue_of() {
  return {.none = epilogue<V, identity_of<V>>,
          .gelu_tanh = epilogue<V, gelu_tanh_of<V>>,
          .silu = epilogue<V, silu_of<V>>};
}
