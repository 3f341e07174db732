// Four floats in the compiler's own vector type, for what every processor has (SSE2, NEON); included inside
// the anonymous namespace of a baseline file, after <cstdint> and <cstring>.

struct Vector {
  using type = float __attribute__((vector_size(16)));
  using integers = std::int32_t __attribute__((vector_size(16)));
  static constexpr std::int64_t width = 4;
  static type zero() { return type{}; }
  static type set1(float x) { return type{x, x, x, x}; }
  static type load(const float* p) {
    type v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  static type load_first(const float* p, std::int64_t n) {
    type v = {};
    std::memcpy(&v, p, static_cast<std::size_t>(n) * sizeof(float));
    return v;
  }
  static void store(float* p, type v) { std::memcpy(p, &v, sizeof v); }
  static void store_first(float* p, type v, std::int64_t n) {
    std::memcpy(p, &v, static_cast<std::size_t>(n) * sizeof(float));
  }
  static type add(type a, type b) { return a + b; }
  static type sub(type a, type b) { return a - b; }
  static type mul(type a, type b) { return a * b; }
  static type div(type a, type b) { return a / b; }
  static type fma(type a, type b, type c) { return a * b + c; }  // two roundings where there is no FMA
  static type min(type a, type b) { return select(a < b, a, b); }
  static type max(type a, type b) { return select(a > b, a, b); }
  static type sqrt(type v) {
    return type{__builtin_sqrtf(v[0]), __builtin_sqrtf(v[1]), __builtin_sqrtf(v[2]), __builtin_sqrtf(v[3])};
  }
  // To nearest even for |v| < 2^22: the sum's last bit is worth 1.
  static type round(type v) {
    const type shift = set1(0x1.8p23f);
    return (v + shift) - shift;
  }
  // In two steps, since 2ⁿ itself may be subnormal or infinite: n = a + b with both halves normal powers.
  static type times_power(type v, type n) {
    const integers whole = __builtin_convertvector(n, integers);
    const integers half = whole >> 1;
    return v * power(half) * power(whole - half);
  }

  static type load(const std::int8_t* p) {
    return type{static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2]),
                static_cast<float>(p[3])};
  }
  static type load_bf16(const std::uint16_t* p) { return as_floats(halves(p) << 16); }
  // The exponent's bias is corrected by an exact multiplication.
  static type load_f16(const std::uint16_t* p) {
    const integers bits = halves(p);
    const integers magnitude = bits & 0x7fff;
    const integers special = (magnitude > 0x7bff) & 0x7f800000;
    const type finite = as_floats(magnitude << 13) * set1(0x1p112f);
    return as_floats(as_integers(finite) | ((bits ^ magnitude) << 16) | special);
  }
  // Lanes 0 … n - 1 of v, the rest of `other`; n may be negative or past the width.
  static type first_of(type v, std::int64_t n, type other) {
    const integers lanes = {0, 1, 2, 3};
    const auto count = static_cast<std::int32_t>(n);
    return select(lanes < integers{count, count, count, count}, v, other);
  }
  // a where the sign of v is set, else b.
  static type where_negative(type v, type a, type b) { return select(as_integers(v) >> 31, a, b); }
  // v where a != b or either is NaN, else 0.
  static type where_different(type a, type b, type v) { return select(a != b, v, zero()); }
  static float max_lane(type v) {
    const float low = v[0] > v[2] ? v[0] : v[2], high = v[1] > v[3] ? v[1] : v[3];
    return low > high ? low : high;
  }
  static float sum_lanes(type v) { return (v[0] + v[2]) + (v[1] + v[3]); }
  static bool all_finite(type v) {
    const type nothing = v - v;  // NaN for NaN and infinities
    const integers same = nothing == nothing;
    return (same[0] & same[1] & same[2] & same[3]) != 0;
  }

 private:
  static type as_floats(integers v) {
    type out;
    std::memcpy(&out, &v, sizeof out);
    return out;
  }
  static integers as_integers(type v) {
    integers out;
    std::memcpy(&out, &v, sizeof out);
    return out;
  }
  static integers halves(const std::uint16_t* p) { return integers{p[0], p[1], p[2], p[3]}; }
  static type select(integers mask, type a, type b) {
    return as_floats((as_integers(a) & mask) | (as_integers(b) & ~mask));
  }
  static type power(integers n) { return as_floats((n + 127) << 23); }
};
