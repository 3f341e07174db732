// Products with constant weights, ours and oneDNN's in turn: what batched decoding lives on.
//
// oneDNN is given its best case: weights in the layout that it chooses, rows already in bfloat16 or int8, and
// for int8 one scale for the whole result. Ours does all its work: it rounds or quantises the rows on the
// way, and has a scale for each column and for each group of a row.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <thread>
#include <vector>

#include "adlib/core/parallel.h"
#include "adlib/ops.h"
#include "support/compare.h"
#include "support/random.h"

using namespace adlib;

namespace {

using Clock = std::chrono::steady_clock;
using Run = std::function<void()>;

struct Case {
  std::string type;  // f32, bf16, int8
  std::int64_t m, k, n;
};

dnnl::memory::data_type data_type(const std::string& type) {
  if (type == "bf16") return dnnl::memory::data_type::bf16;
  return type == "int8" ? dnnl::memory::data_type::s8 : dnnl::memory::data_type::f32;
}

// A product of oneDNN with everything that it refers to.
class Peer {
 public:
  Peer(const Case& c, const Tensor& a, const Tensor& b)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_), out_(Tensor::empty({c.m, c.n})) {
    using dnnl::memory;
    const bool int8 = c.type == "int8";
    // int8 rows are unsigned here: the form for which processors have an instruction.
    const memory::desc rows({c.m, c.k}, int8 ? memory::data_type::u8 : data_type(c.type),
                            memory::format_tag::ab);
    const memory::desc weights({c.k, c.n}, data_type(c.type), memory::format_tag::any);
    const memory::desc result({c.m, c.n}, memory::data_type::f32, memory::format_tag::ab);
    dnnl::primitive_attr attributes;
    if (int8) attributes.set_output_scales(0, {1.0f / (127.0f * 127.0f)});
    const dnnl::matmul::primitive_desc plan({rows, weights, result}, attributes, engine_);
    rows_ = memory(plan.src_desc(), engine_);
    weights_ = memory(plan.weights_desc(), engine_);
    result_ = memory(plan.dst_desc(), engine_, out_.raw());
    load(a, {c.m, c.k}, rows_);
    load(b, {c.k, c.n}, weights_);
    product_ = dnnl::matmul(plan);
  }

  void run() {
    product_.execute(stream_, {{DNNL_ARG_SRC, rows_}, {DNNL_ARG_WEIGHTS, weights_}, {DNNL_ARG_DST, result_}});
    stream_.wait();
  }
  const Tensor& out() const { return out_; }

 private:
  // Into the type and layout that the product wants; to int8 with the scale 1 / 127.
  void load(const Tensor& values, const dnnl::memory::dims& dims, const dnnl::memory& to) {
    const auto type = to.get_desc().data_type();
    dnnl::primitive_attr attributes;
    if (type == dnnl::memory::data_type::u8 || type == dnnl::memory::data_type::s8) {
      attributes.set_output_scales(0, {127.0f});
    }
    const dnnl::memory from({dims, dnnl::memory::data_type::f32, dnnl::memory::format_tag::ab}, engine_,
                            const_cast<void*>(values.raw()));
    dnnl::reorder(dnnl::reorder::primitive_desc(from, to, attributes))
        .execute(stream_, const_cast<dnnl::memory&>(from), const_cast<dnnl::memory&>(to));
    stream_.wait();
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  Tensor out_;
  dnnl::memory rows_, weights_, result_;
  dnnl::primitive product_;
};

// Seconds of one run, over at least `seconds`.
double time_of(const Run& run, double seconds) {
  const auto start = Clock::now();
  int times = 0;
  double passed = 0;
  do {
    run();
    ++times;
    passed = std::chrono::duration<double>(Clock::now() - start).count();
  } while (passed < seconds);
  return passed / times;
}

// The same after a pause, in which threads of the other side that wait by spinning go to sleep, and a while
// in which the system gives the woken threads a processor each.
double seconds_of(const Run& run) {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  time_of(run, 0.015);
  return time_of(run, 0.015);
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + std::ssize(values) / 2, values.end());
  return values[values.size() / 2];
}

double relative_difference(const Tensor& x, const Tensor& y) {
  const std::vector<double> a = test::doubles(x), b = test::doubles(y);
  double difference = 0, total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    total += b[i] * b[i];
  }
  return std::sqrt(difference / total);
}

void compare(const Case& c, int rounds) {
  Tensor a = test::random_tensor({c.m, c.k}, DType::f32, 1);
  for (float& x : a.data<float>()) x = std::fabs(x);  // oneDNN's int8 rows are unsigned
  const Tensor b = test::random_tensor({c.k, c.n}, DType::f32, 2);
  const std::string format = c.type == "f32" ? "same" : c.type;
  const ops::PackedMatrix packed(b, false, ops::WeightFormat::parse(format));
  Tensor out;
  const Run ours = [&] { out = ops::matmul(a, packed); };
  Peer peer(c, a, b);
  const Run theirs = [&] { peer.run(); };
  ours();
  theirs();
  const double difference = relative_difference(out, peer.out());
  if (!(difference < (c.type == "f32" ? 1e-5 : 0.03))) {
    fail(ErrorCode::invalid_argument, "the results of ", c.type, " (", c.m, ", ", c.k, ")x(", c.k, ", ", c.n,
         ") differ by ", difference);
  }
  const double work = 2.0 * static_cast<double>(c.m * c.k * c.n);
  std::vector<double> our_rates, their_rates, ratios;
  for (int round = 0; round < rounds; ++round) {
    const double our_seconds = seconds_of(ours), their_seconds = seconds_of(theirs);
    our_rates.push_back(work / our_seconds * 1e-9);
    their_rates.push_back(work / their_seconds * 1e-9);
    ratios.push_back(their_seconds / our_seconds);
  }
  std::printf("| %s | %lld | %lld | %lld | %.0f | %.0f | %.2f |\n", c.type.c_str(),
              static_cast<long long>(c.m), static_cast<long long>(c.k), static_cast<long long>(c.n),
              median(our_rates), median(their_rates), median(ratios));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times matrix products of adlib and oneDNN in turn; prints a Markdown table.");
  std::vector<std::int64_t> rows = {1, 2, 4, 8, 16, 32, 128, 512};
  int rounds = 15;
  app.add_option("--rows", rows, "Heights of the left operand")->delimiter(',')->capture_default_str();
  app.add_option("--rounds", rounds, "Turns of each; medians are printed")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    std::fprintf(stderr, "%d threads; oneDNN takes OMP_NUM_THREADS\n", num_threads());
    std::puts("| type | rows | k | n | adlib Gop/s | oneDNN Gop/s | ratio |\n|---|---|---|---|---|---|---|");
    for (const char* type : {"f32", "bf16", "int8"}) {
      for (const auto& [k, n] :
           std::vector<std::pair<std::int64_t, std::int64_t>>{{768, 2304}, {768, 3072}, {3072, 768}}) {
        for (const std::int64_t m : rows) compare({type, m, k, n}, rounds);
      }
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_onednn: %s\n", error.what());
    return 1;
  }
}
