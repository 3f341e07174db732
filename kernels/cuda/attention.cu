#include "kernels/cuda/attention.cuh"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <vector>

#include "kernels/cuda/attention_segments.cuh"

namespace adlib::kernels {
namespace {

using namespace cuda;

constexpr const char* operation = "attention";
/// Segments of up to so many rows of a head are one tile of one warp: decoding.
constexpr std::int64_t few_rows = 16;
/// Most bytes of results of runs that a call of many rows makes, to have work for all multiprocessors.
constexpr std::int64_t most_result_bytes = std::int64_t{64} << 20;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

bool starts_at(const void* p, std::uintptr_t multiple) {
  return reinterpret_cast<std::uintptr_t>(p) % multiple == 0;
}

template <class T>
void launch_general(const CudaContext& context, const AttentionShape& shape, const AttentionCall<T>& call) {
  const Launch how{
      operation, shape.grid, {general_threads}, static_cast<std::size_t>(general_shared_bytes(call.pages))};
  if (shape.split) {
    launch(context, how, attention_kernel<T, true>, call);
  } else {
    launch(context, how, attention_kernel<T, false>, call);
  }
}

// Whether tensor cores take a call: a matter of its types and extents, never of its rows, whose bits depend
// on it.
template <class T>
bool for_tensor_cores(const KeyValuePages& pages, const AttentionArgs<T>& args) {
  if (std::is_same_v<T, float> || args.mask != nullptr || args.visible != nullptr) return false;
  if (pages.dtype != dtype_of<T> && pages.dtype != DType::i8) return false;
  const std::int64_t step = pages.dtype == DType::i8 ? 16 : 8;
  return pages.head_dim % step == 0 && pages.value_dim % step == 0 && pages.head_dim <= 128 &&
         pages.value_dim <= 128;
}

template <class T>
void launch_rows(const CudaContext& context, const AttentionShape& shape, const AttentionCall<T>& call) {
  if constexpr (!std::is_same_v<T, float>) {
    if (for_tensor_cores(call.pages, call.args)) return launch_attention_mma(context, shape, call);
  }
  launch_general(context, shape, call);
}

// The segments whose rows of a head are few, or those where they are many.
template <class T>
void attend(const CudaContext& context, const DeviceSegments& segments, AttentionCall<T> call, bool few) {
  const KeyValuePages& pages = call.pages;
  const std::int64_t group = call.args.heads / pages.kv_heads;
  call.segments = segments.segments;
  call.least_rows = few ? 1 : few_rows + 1;
  call.most_rows = few ? few_rows : std::numeric_limits<std::int64_t>::max();
  const std::int64_t rows = few ? std::min(segments.most_rows * group, few_rows) : segments.most_rows * group;
  const std::int64_t tile = few || !for_tensor_cores(pages, call.args) ? 16 : 64;
  const std::int64_t tiles = divide_up(rows, tile), runs = divide_up(segments.most_keys, attention_run);
  const std::int64_t columns = segments.count * pages.kv_heads, entries = columns * runs * rows;
  const bool split = few || (runs > 2 && tiles * columns < 2 * multiprocessors(context.device) &&
                             rows <= 65535 && entries * (pages.value_dim + 2) * 4 <= most_result_bytes);
  require(tiles <= 65535 && columns <= 0x7fffffff, operation, ": ", segments.count, " segments of up to ",
          segments.most_rows, " rows in ", pages.kv_heads, " key-value heads are too many for one call");
  require(runs <= 65535, operation, ": ", segments.most_keys, " positions of one sequence are too many");
  AttentionShape shape{few, split, {static_cast<unsigned>(columns), static_cast<unsigned>(tiles)}};
  if (!split || runs <= 1) return launch_rows(context, shape, call);

  shape.grid.z = static_cast<unsigned>(runs);
  const Temporary<float> results(context, operation, entries * (pages.value_dim + 2));
  call.results = {.out = results.data(),
                  .max = results.data() + entries * pages.value_dim,
                  .sum = results.data() + entries * (pages.value_dim + 1),
                  .runs = static_cast<int>(runs),
                  .rows = static_cast<int>(rows)};
  launch_rows(context, shape, call);
  launch(context,
         {operation,
          {static_cast<unsigned>(columns), static_cast<unsigned>(rows)},
          {static_cast<unsigned>(divide_up(pages.value_dim, 32) * 32)}},
         merge_runs_kernel<T>, call);
}

template <class T>
AttentionCall<T> checked(const KeyValuePages& pages, const AttentionArgs<T>& args) {
  require(pages.head_dim <= most_head_dim && pages.value_dim <= most_head_dim, operation, ": heads of ",
          pages.head_dim, " and ", pages.value_dim, " elements, CUDA has kernels for up to ", most_head_dim);
  require(starts_at(pages.keys, 16) && starts_at(pages.values, 16), operation,
          ": pages begin at a multiple of 16 bytes on CUDA");
  AttentionCall<T> call;
  call.args = args;
  call.pages = pages;
  call.query_vectors = starts_at(args.q, 16) && args.q_row % 8 == 0 && args.q_head % 8 == 0;
  call.out_pairs = starts_at(args.out, 2 * sizeof(T)) && args.out_row % 2 == 0 && args.out_head % 2 == 0;
  return call;
}

}  // namespace

template <class T>
void attention(CudaContext& context, const KeyValuePages& pages, const DeviceSegments& segments,
               const AttentionArgs<T>& args) {
  if (segments.count == 0 || segments.most_rows == 0 || pages.value_dim == 0) return;
  const AttentionCall<T> call = checked(pages, args);
  attend(context, segments, call, true);
  if (segments.most_rows * (args.heads / pages.kv_heads) > few_rows) attend(context, segments, call, false);
}

template <class T>
void attention(CudaContext& context, const KeyValuePages& pages, std::span<const AttentionSegment> segments,
               const AttentionArgs<T>& args) {
  // Those of few rows first: each part has a grid of its own.
  std::vector<AttentionSegment> ordered;
  ordered.reserve(segments.size());
  const std::int64_t group = args.heads / pages.kv_heads;
  const auto is_few = [&](const AttentionSegment& s) { return s.rows * group <= few_rows; };
  for (const AttentionSegment& s : segments)
    if (s.rows > 0 && is_few(s)) ordered.push_back(s);
  const std::size_t few = ordered.size();
  for (const AttentionSegment& s : segments)
    if (s.rows > 0 && !is_few(s)) ordered.push_back(s);
  if (ordered.empty() || pages.value_dim == 0) return;
  const AttentionCall<T> call = checked(pages, args);
  const Temporary<AttentionSegment> there(context, operation, std::ssize(ordered));
  upload(context, operation, there.data(), ordered);
  const auto all = std::span<const AttentionSegment>(ordered);
  if (few > 0) attend(context, bounds(there.data(), all.first(few)), call, true);
  if (few < ordered.size()) attend(context, bounds(there.data() + few, all.subspan(few)), call, false);
}

#define ADLIB_ATTENTION(T)                                                                       \
  template void attention(CudaContext&, const KeyValuePages&, std::span<const AttentionSegment>, \
                          const AttentionArgs<T>&);                                              \
  template void attention(CudaContext&, const KeyValuePages&, const DeviceSegments&, const AttentionArgs<T>&)
ADLIB_ATTENTION(float);
ADLIB_ATTENTION(float16);
ADLIB_ATTENTION(bfloat16);
#undef ADLIB_ATTENTION

}  // namespace adlib::kernels
