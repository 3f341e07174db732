// sample over GPT-2's vocabulary, a sequence a row. top_p in percent; history: ids that a penalty reads.
#include <string>
#include <vector>

#include "adlib/core/random.h"
#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/random.h"
#include "support/sampled_token.h"

namespace adlib::bench {

using namespace adlib::test;

namespace {

struct SampleCase {
  std::int64_t rows;
  std::int32_t top_k, top_p, history;  // top_k 1: the highest score wins
};

// Scores as peaked as those of a language model: a few dozen tokens have most of the weight.
Tensor peaked_scores(const Shape& shape, DType dtype) {
  Tensor out = Tensor::empty(shape);
  std::uint64_t i = 0;
  for (float& x : out.data<float>()) x = static_cast<float>(4 * Philox(1).normal(i++));
  return out.to(dtype);
}

}  // namespace

void add_sample() {
  const std::int64_t cols = 50257;
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const SampleCase& c :
         {SampleCase{1, 50, 90, 0}, SampleCase{64, 1, 100, 0}, SampleCase{64, 50, 90, 0},
          SampleCase{64, 50, 90, 1024}, SampleCase{64, 0, 95, 0}, SampleCase{64, 0, 100, 0}}) {
      const Sizes sizes = {
          {"rows", c.rows}, {"cols", cols}, {"top_k", c.top_k}, {"top_p", c.top_p}, {"history", c.history}};
      add_kernel("sample", dtype, sizes, [=](Device device) {
        const Tensor host = peaked_scores({c.rows, cols}, dtype), scores = host.to(device);
        const Tensor ids = random_ids({c.history}, 0, static_cast<std::int32_t>(cols), 2);
        std::vector<SampleRow> rows(static_cast<std::size_t>(c.rows));
        for (std::size_t r = 0; r < rows.size(); ++r) {
          rows[r].seed = r;
          rows[r].do_sample = c.top_k == 1 ? 0 : 1;
          rows[r].top_k = c.top_k;
          rows[r].top_p = static_cast<float>(c.top_p) / 100;
          rows[r].history_length = c.history;
          if (c.history > 0) rows[r].repetition_penalty = 1.2f, rows[r].frequency_penalty = 0.1f;
        }
        const Tensor how = ops::sample_rows(rows).to(device), history = ids.to(device);
        const Tensor tokens = Tensor::empty({c.rows}, DType::i32, device);
        const auto run = [=] {
          Tensor out = tokens;
          ops::sample_into(out, scores, how, history);
        };
        const auto n = static_cast<double>(scores.numel());
        const double exponentials = c.top_k == 0 ? exponential : 0;
        return Task{{.operations = n * (exponentials + 3), .bytes = bytes_of(scores)}, run, [=] {
                      run();
                      std::vector<double> expected;
                      for (std::size_t r = 0; r < rows.size(); ++r) {
                        const auto at = static_cast<std::int64_t>(r);
                        expected.push_back(oracle::sampled_token(doubles(host.slice(0, at, at + 1)), rows[r],
                                                                 ids.data<std::int32_t>()));
                      }
                      return difference(tokens.to(DType::f32), expected);
                    }};
      });
    }
  }
}

}  // namespace adlib::bench
