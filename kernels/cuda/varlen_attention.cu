#include "kernels/cuda/varlen_attention.cuh"

#include <cmath>
#include <type_traits>

#include "kernels/cuda/attention_launch.h"
#include "kernels/cuda/varlen_attention_hopper.h"

namespace adlib::kernels {
namespace {

using namespace cuda;

template <class F, int D, int N, bool Softcap>
void run(const CudaContext& context, std::span<const std::int64_t> offsets,
         const VarlenAttentionArgs<typename F::Element>& args) {
  using Shape = VarlenAttentionShape<F, D, N>;
  const TileList list(
      context, "varlen_attention",
      attention_tiles(offsets, Shape::rows, args.causal ? Heaviest::last : Heaviest::longest));
  const bool capped = args.softcap > 0;
  const float magnitude = std::fabs(args.scale) * log2_e;
  const ScoreScale scale{
      .sign = capped || args.scale > 0 ? 1.0f
              : args.scale < 0         ? -1.0f
                                       : 0.0f,
      .log2_scale = capped || magnitude == 0 ? 1.0f : magnitude,
      .inner = capped ? args.scale / args.softcap : 0,
      .log2_cap = args.softcap * log2_e,
  };
  const VarlenAttentionVectors vectors{has_vectors(args.q), has_vectors(args.k), has_vectors(args.v),
                                       has_vectors(args.out)};
  const Launch how{"varlen_attention",
                   {grid_blocks("varlen_attention", list.size(), args.heads)},
                   {attention_threads},
                   Shape::bytes};
  launch(context, how, varlen_attention_kernel<F, D, N, Softcap>, args, list.data(), scale, vectors);
}

}  // namespace

template <class T>
void varlen_attention(CudaContext& context, std::span<const std::int64_t> offsets,
                      const VarlenAttentionArgs<T>& args) {
  if (args.heads == 0 || offsets.empty() || offsets.back() == offsets.front()) return;
  if constexpr (!std::is_same_v<T, float>) {
    if (compute_capability(context.device) == 90 && varlen_attention_hopper_takes(args))
      return varlen_attention_hopper(context, offsets, args);
  }
  with_padded_dim("varlen_attention", args.head_dim, args.value_dim, [&]<int D>() {
    constexpr bool half = !std::is_same_v<T, float>;
    with_softcap<half && D <= 128>(args.softcap, [&]<bool Softcap>() {
      if constexpr (half) {
        run<MmaFragments<T, (D > 128 ? 1 : 2)>, D, (D == 128 ? 48 : 64), Softcap>(context, offsets, args);
      } else {
        run<SimtFragments<(D > 128 ? 4 : 8)>, D, 32, Softcap>(context, offsets, args);
      }
    });
  });
}

template void varlen_attention(CudaContext&, std::span<const std::int64_t>,
                               const VarlenAttentionArgs<float>&);
template void varlen_attention(CudaContext&, std::span<const std::int64_t>,
                               const VarlenAttentionArgs<float16>&);
template void varlen_attention(CudaContext&, std::span<const std::int64_t>,
                               const VarlenAttentionArgs<bfloat16>&);

}  // namespace adlib::kernels
