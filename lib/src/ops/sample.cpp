#include "kernels/sample.h"

#include <cmath>

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {

namespace {

void check_row(const SampleRow& row, std::size_t r, std::span<const std::int32_t> history,
               std::int64_t vocabulary) {
  const auto check = [&](bool condition, const char* field, auto value, const char* expected) {
    require(condition, "sample: ", field, " of row ", r, " is ", value, ", expected ", expected);
  };
  check(row.do_sample == 0 || (row.temperature > 0 && std::isfinite(row.temperature)), "temperature",
        row.temperature, "a number above 0");
  check(row.top_k >= 0, "top_k", row.top_k, "at least 1, or 0 to keep every token");
  check(row.top_p > 0 && row.top_p <= 1, "top_p", row.top_p, "a number in (0, 1]");
  check(row.min_p >= 0 && row.min_p <= 1, "min_p", row.min_p, "a number in [0, 1]");
  check(row.repetition_penalty > 0 && std::isfinite(row.repetition_penalty), "repetition_penalty",
        row.repetition_penalty, "a number above 0");
  check(std::isfinite(row.presence_penalty), "presence_penalty", row.presence_penalty, "a finite number");
  check(std::isfinite(row.frequency_penalty), "frequency_penalty", row.frequency_penalty, "a finite number");
  check(row.history_length >= 0, "history_length", row.history_length, "at least 0");
  check(row.prompt_length >= 0 && row.prompt_length <= row.history_length, "prompt_length", row.prompt_length,
        "at most history_length");
  const auto length = static_cast<std::size_t>(row.history_length);
  require(row.history >= 0 && static_cast<std::size_t>(row.history) + length <= history.size(),
          "sample: row ", r, " reads ids [", row.history, ", ", row.history + row.history_length,
          ") of a history of ", history.size());
  for (const std::int32_t id : history.subspan(static_cast<std::size_t>(row.history), length)) {
    require(id >= 0 && id < vocabulary, "sample: id ", id, " in the history of row ", r, " is outside [0, ",
            vocabulary, ")");
  }
}

}  // namespace

Tensor sample_rows(std::span<const SampleRow> rows) {
  return Tensor::from(std::span(reinterpret_cast<const std::uint8_t*>(rows.data()), rows.size_bytes()),
                      {std::ssize(rows), sizeof(SampleRow)});
}

void sample_into(Tensor& tokens, const Tensor& scores, const Tensor& rows, const Tensor& history) {
  check_rank("sample", "scores", scores, 2, "(N, V)");
  const std::int64_t n = scores.size(0), vocabulary = scores.size(1);
  require(vocabulary >= 1, "sample: scores is ", scores.describe(), ", expected at least one token");
  check_same_device("sample", "scores", scores, "rows", rows);
  check_same_device("sample", "scores", scores, "history", history);
  check_same_device("sample", "scores", scores, "tokens", tokens);
  check_dtype("sample", "rows", rows, DType::u8);
  check_shape("sample", "rows", rows, {n, sizeof(SampleRow)});
  check_dtype("sample", "history", history, DType::i32);
  check_rank("sample", "history", history, 1, "(H)");
  check_dtype("sample", "tokens", tokens, DType::i32);
  check_writable("sample", "tokens", tokens, {n});
  check_apart("sample", "tokens", tokens, "scores", scores);
  check_apart("sample", "tokens", tokens, "history", history);
  const Tensor source = scores.contiguous(), how = rows.contiguous(), ids = history.contiguous();
  if (scores.device() == Device::cpu) {
    for (std::int64_t r = 0; r < n; ++r)
      check_row(ptr<SampleRow>(how)[r], static_cast<std::size_t>(r), ids.data<std::int32_t>(), vocabulary);
  }
  dispatch("sample", scores.device(), scores.dtype(), [&]<class T>(auto& ctx) {
    kernels::sample<T>(ctx, ptr<std::int32_t>(tokens), ptr<T>(source), ptr<SampleRow>(how),
                       ptr<std::int32_t>(ids), n, vocabulary);
  });
}

Tensor sample(const Tensor& scores, std::span<const SampleRow> rows, std::span<const std::int32_t> history) {
  check_rank("sample", "scores", scores, 2, "(N, V)");
  const Device device = scores.device();
  if (device != Device::cpu) {  // else sample_into looks
    for (std::size_t r = 0; r < rows.size(); ++r) check_row(rows[r], r, history, scores.size(1));
  }
  Tensor tokens = Tensor::empty({scores.size(0)}, DType::i32, device);
  sample_into(tokens, scores, sample_rows(rows).to(device),
              Tensor::from(history, {std::ssize(history)}).to(device));
  return tokens;
}

}  // namespace adlib::ops
