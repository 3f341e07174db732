// Products of bfloat16 where the processor has none: both halves of a pair become floats. Included by one
// file a SIMD level, inside its anonymous namespace, after the level's Vector, its Pair of vectors and its
// load_pair(p).

struct Widened : Vector {
  using Sums = type;
  using Pairs = Pair;
  using APair = Pair;

  static Sums load_sums(const float* p) { return load(p); }
  static void store_sums(float* p, Sums v) { store(p, v); }
  static Pairs load_pairs(const std::uint16_t* p) { return load_pair(p); }
  static APair load_a(const void* a, std::int64_t offset) {
    const float* pair = static_cast<const float*>(a) + offset;
    return {set1(pair[0]), set1(pair[1])};
  }
  static Sums multiply_add(Sums sums, const APair& a, const Pairs& b) {
    return fma(a.second, b.second, fma(a.first, b.first, sums));
  }
};
