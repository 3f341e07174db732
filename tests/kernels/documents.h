// tests/kernels/documents.h: attention over documents that lie end to end, its operands, and what double
// precision makes of them.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/attention_backward.h"
#include "kernels/operands.h"
#include "kernels/varlen_attention.h"

namespace adlib::test {

/// What one call is about.
struct Documents {
  std::vector<std::int64_t> lengths;
  std::int64_t heads = 1, kv_heads = 1, head_dim = 64, value_dim = 64;
  bool causal = true;
  float softcap = 0;
  std::int64_t shift = 0;  ///< elements between a multiple of 256 bytes and the operands
  std::int64_t gap = 0;    ///< elements behind each row
  float scale = 0;         ///< 0: 1 / sqrt(head_dim)

  std::vector<std::int64_t> offsets() const {
    std::vector<std::int64_t> out{0};
    for (const std::int64_t length : lengths) out.push_back(out.back() + length);
    return out;
  }
  std::int64_t rows() const { return offsets().back(); }
  float scale_or_default() const { return scale != 0 ? scale : 1 / std::sqrt(static_cast<float>(head_dim)); }
};

/// Rows of heads with a gap behind each row; all NaN at first.
template <class T>
class Rows {
 public:
  Rows(const Documents& d, std::int64_t heads, std::int64_t dim)
      : rows_(d.rows()),
        width_(heads * dim),
        stride_(width_ + d.gap),
        dim_(dim),
        memory_(rows_ * stride_, d.shift) {}
  Rows(const Documents& d, std::int64_t heads, std::int64_t dim, unsigned seed, double scale)
      : Rows(d, heads, dim) {
    const auto values = normal_values<T>(rows_ * width_, seed, scale);
    for (std::int64_t r = 0; r < rows_; ++r)
      for (std::int64_t c = 0; c < width_; ++c)
        memory_.data()[r * stride_ + c] = values[static_cast<std::size_t>(r * width_ + c)];
  }

  kernels::HeadRows<T> view() { return {memory_.data(), stride_, dim_}; }
  kernels::HeadRows<const T> input() { return {memory_.data(), stride_, dim_}; }
  T& at(std::int64_t row, std::int64_t head, std::int64_t c) {
    return memory_.data()[row * stride_ + head * dim_ + c];
  }
  /// (rows, heads, dim) without gaps
  std::vector<T> values() {
    std::vector<T> out;
    for (std::int64_t r = 0; r < rows_; ++r)
      out.insert(out.end(), memory_.data() + r * stride_, memory_.data() + r * stride_ + width_);
    return out;
  }
  std::vector<T> values(std::int64_t begin, std::int64_t end) {
    const auto all = values();
    return {all.begin() + begin * width_, all.begin() + end * width_};
  }
  /// Nobody wrote outside or in the gaps.
  bool intact() {
    bool all = memory_.intact();
    for (std::int64_t r = 0; r < rows_; ++r) {
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(memory_.data() + r * stride_ + width_);
      for (std::size_t i = 0; i < static_cast<std::size_t>(stride_ - width_) * sizeof(T); ++i)
        all = all && bytes[i] == 0xff;
    }
    return all;
  }

 private:
  std::int64_t rows_, width_, stride_, dim_;
  Guarded<T> memory_;
};

/// Operands and results of both passes.
template <class T>
struct DocumentRun {
  explicit DocumentRun(const Documents& d, double size = 1)
      : documents(d),
        offsets(d.offsets()),
        q(d, d.heads, d.head_dim, 1, size),
        k(d, d.kv_heads, d.head_dim, 2, size),
        v(d, d.kv_heads, d.value_dim, 3, size),
        dout(d, d.heads, d.value_dim, 4, size),
        out(d, d.heads, d.value_dim),
        dq(d, d.heads, d.head_dim),
        dk(d, d.kv_heads, d.head_dim),
        dv(d, d.kv_heads, d.value_dim),
        lse(d.rows() * d.heads) {}

  template <class Context>
  void forward() {
    Context context{};
    kernels::varlen_attention<T>(context, offsets,
                                 {.out = out.view(),
                                  .q = q.input(),
                                  .k = k.input(),
                                  .v = v.input(),
                                  .lse = lse.data(),
                                  .heads = documents.heads,
                                  .kv_heads = documents.kv_heads,
                                  .head_dim = documents.head_dim,
                                  .value_dim = documents.value_dim,
                                  .scale = documents.scale_or_default(),
                                  .softcap = documents.softcap,
                                  .causal = documents.causal});
  }
  template <class Context>
  void backward() {
    Context context{};
    kernels::varlen_attention_backward<T>(context, offsets,
                                          {.dq = dq.view(),
                                           .dk = dk.view(),
                                           .dv = dv.view(),
                                           .dout = dout.input(),
                                           .q = q.input(),
                                           .k = k.input(),
                                           .v = v.input(),
                                           .out = out.input(),
                                           .lse = lse.data(),
                                           .heads = documents.heads,
                                           .kv_heads = documents.kv_heads,
                                           .head_dim = documents.head_dim,
                                           .value_dim = documents.value_dim,
                                           .scale = documents.scale_or_default(),
                                           .softcap = documents.softcap});
  }

  Documents documents;
  std::vector<std::int64_t> offsets;
  Rows<T> q, k, v, dout, out, dq, dk, dv;
  Guarded<float> lse;
};

/// A result as a sum of weights times numbers, and how far each element may be from it, because weights are
/// rounded to T.
struct Expected {
  explicit Expected(std::int64_t n) : value(static_cast<std::size_t>(n)), slack(value.size()) {}
  std::vector<double> value, slack;

  struct Rounding {
    double relative, absolute;
  };
  void add(std::size_t i, double weight, double by, const Rounding& rounding) {
    value[i] += weight * by;
    slack[i] += (std::fabs(weight) * rounding.relative + rounding.absolute) * std::fabs(by);
  }
  /// "" or the worst element in words.
  template <class T>
  std::string compare(const std::vector<T>& actual) const {
    if (actual.size() != value.size()) return "the wrong number of elements";
    std::string worst;
    double worst_ratio = 1;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const double got = static_cast<double>(static_cast<float>(actual[i])), want = value[i];
      const double nearest = static_cast<double>(static_cast<float>(T(static_cast<float>(want))));
      const double bound = 2 * std::fabs(nearest - want) + 2 * ulp(dtype_of<T>, want) + slack[i] + 1e-6;
      const double ratio = std::fabs(got - want) / bound;
      if (ratio <= worst_ratio) continue;
      worst_ratio = ratio;  // a NaN ratio also comes here, and stays
      worst = concat("element ", i, " is ", got, ", expected ", want, " within ", bound);
      if (std::isnan(ratio)) break;
    }
    return worst;
  }
};

/// The formulas of both contracts, with the full matrix of each document.
template <class T>
struct DocumentOracle {
  explicit DocumentOracle(DocumentRun<T>& run, bool gradients = false)
      : out(run.documents.rows() * run.documents.heads * run.documents.value_dim),
        lse(run.documents.rows() * run.documents.heads),
        dq(gradients ? run.documents.rows() * run.documents.heads * run.documents.head_dim : 0),
        dk(gradients ? run.documents.rows() * run.documents.kv_heads * run.documents.head_dim : 0),
        dv(gradients ? run.documents.rows() * run.documents.kv_heads * run.documents.value_dim : 0) {
    const Documents& d = run.documents;
    const auto q = doubles_of(run.q.values()), k = doubles_of(run.k.values()), v = doubles_of(run.v.values()),
               dout = doubles_of(run.dout.values()), stored = doubles_of(run.out.values());
    const auto heads = static_cast<std::size_t>(d.heads), kv_heads = static_cast<std::size_t>(d.kv_heads),
               head_dim = static_cast<std::size_t>(d.head_dim),
               value_dim = static_cast<std::size_t>(d.value_dim);
    const double scale = static_cast<double>(d.scale_or_default()), cap = static_cast<double>(d.softcap);
    // Of one weight, and of the sum in float that it is computed from.
    const Expected::Rounding unit{.relative = 2e-6 + (sizeof(T) == 4               ? 0
                                                      : dtype_of<T> == DType::bf16 ? 0x1p-8
                                                                                   : 0x1p-11),
                                  .absolute = dtype_of<T> == DType::f16 ? 0x1p-25 : 0};
    for (std::size_t s = 1; s < run.offsets.size(); ++s) {
      const auto begin = static_cast<std::size_t>(run.offsets[s - 1]),
                 end = static_cast<std::size_t>(run.offsets[s]);
      for (std::size_t i = begin; i < end; ++i) {
        for (std::size_t h = 0; h < heads; ++h) {
          const std::size_t kv = h / (heads / kv_heads), row = i * heads + h, last = d.causal ? i + 1 : end;
          std::vector<double> weights(last - begin), slopes(last - begin, 1.0);
          double greatest = -std::numeric_limits<double>::infinity(), sum = 0;
          for (std::size_t j = begin; j < last; ++j) {
            double score = 0;
            for (std::size_t c = 0; c < head_dim; ++c)
              score += q[row * head_dim + c] * k[(j * kv_heads + kv) * head_dim + c];
            score *= scale;
            if (cap > 0) {
              const double tanh = std::tanh(score / cap);
              score = cap * tanh;
              slopes[j - begin] = 1 - tanh * tanh;
            }
            weights[j - begin] = score;
            greatest = std::max(greatest, score);
          }
          for (double& w : weights) sum += w = std::exp(w - greatest);
          lse.value[row] = greatest + std::log(sum);
          lse.slack[row] = 4e-6;
          for (std::size_t j = begin; j < last; ++j) {
            const double weight = weights[j - begin] / sum;
            const std::size_t key = j * kv_heads + kv;
            double gradient = 0, magnitude = 0;
            for (std::size_t c = 0; c < value_dim; ++c) {
              out.add(row * value_dim + c, weight, v[key * value_dim + c], unit);
              if (!gradients) continue;
              const double by = dout[row * value_dim + c];
              gradient += by * (v[key * value_dim + c] - stored[row * value_dim + c]);
              magnitude += std::fabs(by) *
                           (std::fabs(v[key * value_dim + c]) + std::fabs(stored[row * value_dim + c]));
              dv.add(key * value_dim + c, weight, by, unit);
            }
            if (!gradients) continue;
            // The two sums behind a gradient may cancel each other.
            const double slope = weight * slopes[j - begin] * scale;
            const Expected::Rounding rounding{
                .relative = unit.relative, .absolute = unit.absolute + 1e-6 * magnitude * std::fabs(slope)};
            gradient *= slope;
            for (std::size_t c = 0; c < head_dim; ++c) {
              dq.add(row * head_dim + c, gradient, k[key * head_dim + c], rounding);
              dk.add(key * head_dim + c, gradient, q[row * head_dim + c], rounding);
            }
          }
        }
      }
    }
  }

  Expected out, lse, dq, dk, dv;
};

/// Shapes that go through every path: lengths around the tiles' edges and empty documents, grouped heads,
/// widths that are padded, vectors and single elements.
inline std::vector<Documents> document_cases() {
  return {
      {.lengths = {1, 31, 0, 33, 63}, .heads = 4, .kv_heads = 2},
      {.lengths = {64, 0, 65, 129}, .heads = 1, .kv_heads = 1},
      {.lengths = {200, 0, 127}, .heads = 1, .kv_heads = 1, .head_dim = 8, .value_dim = 8, .gap = 8},
      {.lengths = {66, 2}, .heads = 4, .kv_heads = 1, .head_dim = 40, .value_dim = 40},
      {.lengths = {33, 65}, .heads = 2, .kv_heads = 1, .head_dim = 128, .value_dim = 128},
      {.lengths = {130, 5}, .head_dim = 128, .value_dim = 128},
      {.lengths = {49, 34}, .heads = 2, .kv_heads = 2, .head_dim = 80, .value_dim = 128, .gap = 16},
      {.lengths = {35, 70}, .heads = 3, .kv_heads = 1, .head_dim = 64, .value_dim = 64, .softcap = 1.5f},
      {.lengths = {20, 33}, .heads = 2, .kv_heads = 1, .head_dim = 100, .value_dim = 8, .softcap = 4},
      {.lengths = {3, 66}, .heads = 2, .kv_heads = 1, .head_dim = 20, .value_dim = 33, .shift = 1, .gap = 3},
      {.lengths = {34, 1}, .heads = 2, .kv_heads = 1, .head_dim = 130, .value_dim = 200, .softcap = 3},
      {.lengths = {65}, .head_dim = 256, .value_dim = 256, .shift = 3},
  };
}

}  // namespace adlib::test
