// Attention: of a whole prompt (arithmetic) or one new token (reading keys and values), from tensors and from
// the pages of a cache; of documents end to end, forward and backward, as training has it.
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/oracle.h"
#include "support/random.h"

namespace adlib::bench {
namespace {

using namespace adlib::test;

constexpr std::int64_t head_dim = 64;

struct Sequence {
  std::int64_t rows, keys, heads, kv_heads;
};

// The last query, which sees every key, in double precision. out, q: (1, H, rows, D)
std::string check(const Tensor& out, const Tensor& q, const Tensor& keys, const Tensor& values) {
  const std::int64_t last = q.size(2) - 1;
  const oracle::Attention shape{.heads = static_cast<std::size_t>(q.size(1)),
                                .kv_heads = static_cast<std::size_t>(keys.size(1)),
                                .keys = static_cast<std::size_t>(keys.size(2)),
                                .head_dim = head_dim,
                                .value_dim = head_dim,
                                .scale = 1 / std::sqrt(static_cast<double>(head_dim))};
  const auto expected = oracle::attention(doubles(q.slice(2, last, last + 1)), doubles(keys), doubles(values),
                                          shape, oracle::no_mask);
  return difference(out.slice(2, last, last + 1), expected, 4e-6);
}

Work work_of(const Tensor& q, const Tensor& keys) {
  // A causal row i sees position + i + 1 keys: two products of head_dim and one exponential for each.
  const auto rows = static_cast<double>(q.size(2)), heads = static_cast<double>(q.size(1)),
             first = static_cast<double>(keys.size(2) - q.size(2));
  const double pairs = heads * (rows * first + rows * (rows + 1) / 2);
  return {.operations = pairs * (4 * head_dim + exponential), .bytes = 2 * bytes_of(keys) + 2 * bytes_of(q)};
}

// Decoding: `streams` sequences, one new token each after keys - 1 others, from pages in `dtype`.
void add_ragged(DType dtype, std::int64_t streams, const Sequence& s) {
  const Sizes sizes{{"streams", streams}, {"keys", s.keys}, {"heads", s.heads}, {"kv_heads", s.kv_heads}};
  add_kernel("attention_pages", dtype, sizes, [=](Device device) {
    const std::int64_t pages_each =
        (s.keys + ops::KeyValuePages::positions - 1) / ops::KeyValuePages::positions;
    ops::KeyValuePages pages =
        ops::KeyValuePages::empty(streams * pages_each, s.kv_heads, head_dim, head_dim, dtype, device);
    // Pages in an order of their own, as a cache that has run for a while has them.
    Tensor table = Tensor::empty({streams, pages_each}, DType::i32);
    std::int32_t next = 0;
    for (std::int32_t& page : table.data<std::int32_t>()) {
      page = static_cast<std::int32_t>(next++ * 7919LL % (streams * pages_each));
    }
    table = table.to(device);
    const Tensor keys = random_tensor({streams * s.keys, s.kv_heads, head_dim}, DType::f32, 2).to(device);
    const Tensor values = random_tensor({streams * s.keys, s.kv_heads, head_dim}, DType::f32, 3).to(device);
    const Tensor q = random_tensor({streams, s.heads, head_dim}, DType::f32, 1).to(device);
    std::vector<ops::AttentionSegment> filling, decoding;
    for (std::int64_t i = 0; i < streams; ++i) {
      filling.push_back({.begin = i * s.keys, .rows = s.keys, .position = 0, .sequence = i});
      decoding.push_back({.begin = i, .rows = 1, .position = s.keys - 1, .sequence = i});
    }
    ops::store_pages(pages, table, filling, keys, values);
    const auto run = [=] { return ops::ragged_attention(q, pages, table, decoding); };
    const double pairs = static_cast<double>(streams * s.heads * s.keys);
    const double bytes = static_cast<double>(2 * streams * s.keys * s.kv_heads) *
                         (head_dim * static_cast<double>(size_of(dtype)) + (dtype == DType::i8 ? 4 : 0));
    return Task{{.operations = pairs * (4 * head_dim + exponential), .bytes = bytes + 2 * bytes_of(q)},
                [=] { run(); },
                [=]() -> std::string {
                  const Tensor out = run();
                  for (const std::int64_t stream : {std::int64_t{0}, streams - 1}) {
                    const auto held = [&](const Tensor& x) {  // (1, Hkv, keys, D)
                      return x.slice(0, stream * s.keys, (stream + 1) * s.keys).transpose(0, 1).contiguous();
                    };
                    const oracle::Attention shape{.heads = static_cast<std::size_t>(s.heads),
                                                  .kv_heads = static_cast<std::size_t>(s.kv_heads),
                                                  .keys = static_cast<std::size_t>(s.keys),
                                                  .head_dim = head_dim,
                                                  .value_dim = head_dim,
                                                  .scale = 1 / std::sqrt(static_cast<double>(head_dim))};
                    const auto expected = oracle::attention(doubles(q.select(0, stream)), doubles(held(keys)),
                                                            doubles(held(values)), shape, oracle::no_mask);
                    // Pages round elements that lie in [-1, 1) by half a step: bf16's is 2^-8, int8's 1/127.
                    const double rounding = dtype == DType::f32 ? 4e-6 : dtype == DType::bf16 ? 4e-3 : 8e-3;
                    const std::string wrong = difference(out.select(0, stream), expected, rounding);
                    if (!wrong.empty()) return concat("stream ", stream, ": ", wrong);
                  }
                  return "";
                }};
  });
}

// `documents` of `rows` each, in the parts of a fused projection (N, H + 2 Hkv, D).
struct Documents {
  Sequence each;
  std::vector<std::int64_t> offsets{0};
  Tensor fused, gradients, dout, out, lse;

  Documents(std::int64_t documents, const Sequence& s, DType dtype, Device device) : each(s) {
    for (std::int64_t i = 0; i < documents; ++i) offsets.push_back(offsets.back() + s.rows);
    fused = random_tensor({offsets.back(), s.heads + 2 * s.kv_heads, head_dim}, dtype, 1).to(device);
    gradients = Tensor::empty(fused.shape(), dtype, device);
    dout = random_tensor({offsets.back(), s.heads, head_dim}, dtype, 2).to(device);
    forward();
  }

  Tensor q(const Tensor& of) const { return of.slice(1, 0, each.heads); }
  Tensor k(const Tensor& of) const { return of.slice(1, each.heads, each.heads + each.kv_heads); }
  Tensor v(const Tensor& of) const {
    return of.slice(1, each.heads + each.kv_heads, each.heads + 2 * each.kv_heads);
  }
  void forward() { out = ops::varlen_attention(q(fused), k(fused), v(fused), offsets, {.lse = &lse}); }
  void backward() {
    Tensor dq = q(gradients), dk = k(gradients), dv = v(gradients);
    ops::varlen_attention_backward(dq, dk, dv, dout, q(fused), k(fused), v(fused), out, lse, offsets);
  }
  Work work(double operations_a_pair, double bytes) const {
    const auto documents = static_cast<double>(offsets.size() - 1), rows = static_cast<double>(each.rows);
    const double pairs = documents * static_cast<double>(each.heads) * rows * (rows + 1) / 2;
    return {.operations = pairs * (operations_a_pair + exponential), .bytes = bytes};
  }
  // The last document's first key-value head, in double precision.
  std::string check(bool is_forward) const {
    const std::int64_t group = each.heads / each.kv_heads;
    const auto part = [&](const Tensor& x, std::int64_t heads) {
      return x.slice(0, offsets.back() - each.rows, offsets.back()).slice(1, 0, heads);
    };
    const oracle::VarlenAttention shape{.offsets = {0, each.rows},
                                        .heads = static_cast<std::size_t>(group),
                                        .kv_heads = 1,
                                        .head_dim = head_dim,
                                        .value_dim = head_dim,
                                        .scale = 1 / std::sqrt(static_cast<double>(head_dim))};
    const auto queries = doubles(part(q(fused), group)), keys = doubles(part(k(fused), 1)),
               values = doubles(part(v(fused), 1));
    if (is_forward) {
      return difference(part(out, group), oracle::varlen_attention(queries, keys, values, shape), 4e-6);
    }
    const auto want = oracle::varlen_attention_backward(doubles(part(dout, group)), queries, keys, values,
                                                        doubles(part(out, group)), shape);
    return difference(part(q(gradients), group), want.dq, 1e-5) +
           difference(part(k(gradients), 1), want.dk, 4e-5) +
           difference(part(v(gradients), 1), want.dv, 4e-5);
  }
};

void add_documents(DType dtype, std::int64_t documents, const Sequence& s) {
  const Sizes sizes{{"documents", documents}, {"rows", s.rows}, {"heads", s.heads}, {"kv_heads", s.kv_heads}};
  for (const bool is_forward : {true, false}) {
    const char* name = is_forward ? "varlen_attention" : "varlen_attention_backward";
    add_kernel(name, dtype, sizes, [=](Device device) {
      const auto operands = std::make_shared<Documents>(documents, s, dtype, device);
      const auto run = [=] { is_forward ? operands->forward() : operands->backward(); };
      // Two products of head_dim a pair forward, five backward; q, k, v, out, lse are read or written, and
      // backward dout and the gradients.
      const double inputs = bytes_of(operands->fused), rows = bytes_of(operands->out);
      return Task{is_forward ? operands->work(4 * head_dim, inputs + rows + bytes_of(operands->lse))
                             : operands->work(10 * head_dim, 2 * inputs + 2 * rows + bytes_of(operands->lse)),
                  run, [=] {
                    run();
                    return operands->check(is_forward);
                  }};
    });
  }
}

}  // namespace

void add_attention() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const Sequence s : {Sequence{1, 128, 12, 12}, Sequence{1, 1024, 12, 12}, Sequence{64, 1024, 12, 12},
                             Sequence{128, 128, 12, 12}, Sequence{512, 512, 12, 12},
                             Sequence{1024, 1024, 12, 12}, Sequence{1, 1024, 14, 2},
                             Sequence{512, 512, 14, 2}}) {  // GPT-2 124M; grouped heads as in Qwen2 0.5B
      const Sizes sizes{{"rows", s.rows}, {"keys", s.keys}, {"heads", s.heads}, {"kv_heads", s.kv_heads}};
      add_kernel("attention", dtype, sizes, [=](Device device) {
        const Tensor q = random_tensor({1, s.heads, s.rows, head_dim}, dtype, 1).to(device);
        const Tensor keys = random_tensor({1, s.kv_heads, s.keys, head_dim}, dtype, 2).to(device);
        const Tensor values = random_tensor({1, s.kv_heads, s.keys, head_dim}, dtype, 3).to(device);
        const auto run = [=] {
          return ops::attention(q, keys, values, {.causal = true, .past = s.keys - s.rows});
        };
        return Task{work_of(q, keys), [=] { run(); }, [=] { return check(run(), q, keys, values); }};
      });
    }
  }
  for (const DType dtype : {DType::f32, DType::bf16}) {
    add_documents(dtype, 16, {16, 16, 12, 12});
    add_documents(dtype, 4, {64, 64, 12, 12});
    add_documents(dtype, 1, {512, 512, 12, 12});
    add_documents(dtype, 1, {512, 512, 14, 2});
  }
  for (const DType dtype : {DType::f32, DType::bf16, DType::i8}) {
    for (const std::int64_t streams : {1, 8}) {
      add_ragged(dtype, streams, {1, 512, 12, 12});
      add_ragged(dtype, streams, {1, 512, 14, 2});
    }
  }
}

}  // namespace adlib::bench
