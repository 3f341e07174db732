#include "kernels/cuda/attention_backward.cuh"

#include <type_traits>

#include "kernels/cuda/attention_launch.h"

namespace adlib::kernels {
namespace {

using namespace cuda;
constexpr const char* operation = "varlen_attention_backward";

template <class F, int D, int N, bool Softcap, Gradients wanted>
void run(const CudaContext& context, const AttentionBackwardArgs<typename F::Element>& args,
         std::span<const std::int64_t> offsets, const RowStatistics& statistics,
         const AttentionBackwardVectors& vectors) {
  using Shape = AttentionBackwardShape<F, D, N>;
  constexpr bool by_keys = wanted != Gradients::q;
  const TileList tiles(context, operation,
                       attention_tiles(offsets, Shape::rows, by_keys ? Heaviest::first : Heaviest::last));
  const Launch how{operation,
                   {grid_blocks(operation, tiles.size(), by_keys ? args.kv_heads : args.heads)},
                   {attention_threads},
                   Shape::bytes};
  launch(context, how, attention_backward_kernel<F, D, N, Softcap, wanted>, args, tiles.data(), statistics,
         vectors);
}

}  // namespace

template <class T>
void varlen_attention_backward(CudaContext& context, std::span<const std::int64_t> offsets,
                               const AttentionBackwardArgs<T>& args) {
  constexpr int statistics_rows = 64;
  if (args.heads == 0 || offsets.empty() || offsets.back() == offsets.front()) return;
  const AttentionBackwardVectors vectors{
      .q = has_vectors(args.q),
      .k = has_vectors(args.k),
      .v = has_vectors(args.v),
      .out = has_vectors(args.out),
      .dout = has_vectors(args.dout),
      .dq = has_vectors(args.dq),
      .dk = has_vectors(args.dk),
      .dv = has_vectors(args.dv),
  };
  const std::int64_t padded = padded_rows(offsets);
  const Temporary<float> numbers(context, operation, 2 * args.heads * padded);
  const RowStatistics statistics{
      .lse = numbers.data(), .delta = numbers.data() + args.heads * padded, .head = padded};
  const TileList list(context, operation, attention_tiles(offsets, statistics_rows, Heaviest::longest));
  launch(context, {operation, {grid_blocks(operation, list.size(), args.heads)}, {attention_threads}},
         attention_statistics_kernel<T, statistics_rows>, args, list.data(), statistics,
         vectors.out && vectors.dout);
  with_padded_dim(operation, args.head_dim, args.value_dim, [&]<int D>() {
    constexpr bool half = !std::is_same_v<T, float>;
    with_softcap<half && D <= 128>(args.softcap, [&]<bool Softcap>() {
      if constexpr (half) {
        using Queries = MmaFragments<T, (D > 128 || (D > 64 && Softcap) ? 1 : 2)>;
        using Keys = MmaFragments<T, (D > 64 || Softcap ? 1 : 2)>;  // two results, and registers for both
        run<Queries, D, 32, Softcap, Gradients::q>(context, args, offsets, statistics, vectors);
        if constexpr (D > 128 || (D > 64 && Softcap)) {
          run<Keys, D, 32, Softcap, Gradients::k>(context, args, offsets, statistics, vectors);
          run<Keys, D, 32, Softcap, Gradients::v>(context, args, offsets, statistics, vectors);
        } else {
          run<Keys, D, 32, Softcap, Gradients::k_and_v>(context, args, offsets, statistics, vectors);
        }
      } else {
        constexpr int rows = D > 128 ? 4 : 8, columns = D > 128 ? 16 : 32;
        using F = SimtFragments<rows>;
        run<F, D, columns, Softcap, Gradients::q>(context, args, offsets, statistics, vectors);
        run<F, D, columns, Softcap, Gradients::k_and_v>(context, args, offsets, statistics, vectors);
      }
    });
  });
}

template void varlen_attention_backward(CudaContext&, std::span<const std::int64_t>,
                                        const AttentionBackwardArgs<float>&);
template void varlen_attention_backward(CudaContext&, std::span<const std::int64_t>,
                                        const AttentionBackwardArgs<float16>&);
template void varlen_attention_backward(CudaContext&, std::span<const std::int64_t>,
                                        const AttentionBackwardArgs<bfloat16>&);

}  // namespace adlib::kernels
