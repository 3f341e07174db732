// kernels/cuda/gemm.h: which of the products of gemm_*.cuh computes what; for matmul.cu and packed.cu.
#pragma once

#include "kernels/cuda/gemm_few_rows.cuh"
#include "kernels/cuda/gemm_mma.cuh"
#include "kernels/cuda/gemm_simt.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/runtime.h"

namespace adlib::kernels::cuda {

inline unsigned tiles_of(std::int64_t m, std::int64_t n, int tile_m, int tile_n) {
  return static_cast<unsigned>((m + tile_m - 1) / tile_m * ((n + tile_n - 1) / tile_n));
}

/// At most 16 rows, a not transposed. T: the type of the products.
template <class T, bool TransposeB, bool Grouped, int Columns, class Output, class E, class A>
void launch_few_rows(const CudaContext& context, const char* operation,
                     const GemmArguments<Output, E, A>& args) {
  using Cut = FewRows<T, E, Columns>;
  const int m = static_cast<int>(args.output.m);
  const Launch how{operation,
                   {blocks_for(args.output.n, Columns)},
                   {Cut::threads},
                   static_cast<std::size_t>(Cut::shared_bytes(m))};
  if constexpr (!std::is_same_v<T, float>) {
    using Products = FewRowsMma<Cut, T, E, TransposeB, Grouped>;
    launch(context, how, gemm_few_rows_kernel<Cut, Products, T, TransposeB, Output, E, A>, args);
  } else if (m <= 4) {
    using Products = FewRowsSimt<Cut, TransposeB, 4>;
    launch(context, how, gemm_few_rows_kernel<Cut, Products, T, TransposeB, Output, E, A>, args);
  } else {
    using Products = FewRowsSimt<Cut, TransposeB, few_rows>;
    launch(context, how, gemm_few_rows_kernel<Cut, Products, T, TransposeB, Output, E, A>, args);
  }
}

template <class T, bool TransposeA, bool TransposeB, class Output, class E, class A>
void gemm_of_layout(const CudaContext& context, const char* operation,
                    const GemmArguments<Output, E, A>& args) {
  const std::int64_t m = args.output.m, n = args.output.n;
  constexpr bool floats = std::is_same_v<T, float>;
  if constexpr (!TransposeA) {
    if (m <= few_rows) {
      // Eight columns a block unless that many blocks are there anyway, or b's rows would be read 16 bytes
      // at a time.
      if constexpr (!floats && TransposeB) {
        if (n < 32 * std::int64_t{multiprocessors(context.device)})
          return launch_few_rows<T, TransposeB, false, 8>(context, operation, args);
      }
      return launch_few_rows<T, TransposeB, false, 32>(context, operation, args);
    }
  }
  const bool large = tiles_of(m, n, 128, 128) >= static_cast<unsigned>(multiprocessors(context.device));
  const auto run = [&]<class Tiles>(Tiles, auto kernel) {
    launch(context,
           {operation, {tiles_of(m, n, Tiles::TileM, Tiles::TileN)}, {Tiles::threads}, Tiles::shared_bytes},
           kernel, args);
  };
  if constexpr (floats) {
    using Large = SimtTiles<128, 128>;
    using Small = SimtTiles<64, 64>;
    return large ? run(Large{}, gemm_simt_kernel<Large, TransposeA, TransposeB>)
                 : run(Small{}, gemm_simt_kernel<Small, TransposeA, TransposeB>);
  } else {
    using Large = MmaTiles<128, 128, 2, 4>;
    using Small = MmaTiles<64, 64, 2, 2>;
    return large ? run(Large{}, gemm_mma_kernel<Large, T, TransposeA, TransposeB, false, Output, E, A>)
                 : run(Small{}, gemm_mma_kernel<Small, T, TransposeA, TransposeB, false, Output, E, A>);
  }
}

/// out = epilogue(a b) of numbers, summed in the one order of gemm.cuh. T: the type of b and of the products.
template <class Out, class T, class A>
void gemm(const CudaContext& context, const char* operation, Out* out, const A* a, const T* b,
          const MatmulShape& shape, const MatmulEpilogue<Out>& epilogue) {
  using Output =
      std::conditional_t<std::is_same_v<A, T> && !std::is_same_v<T, float>, EitherOutput<T>, GemmOutput<Out>>;
  GemmArguments<Output, T, A> args;
  args.a = shape.transpose_a ? global_matrix(a, shape.k, shape.m, shape.a_stride)
                             : global_matrix(a, shape.m, shape.k, shape.a_stride);
  args.b = shape.transpose_b ? global_matrix(b, shape.n, shape.k, shape.b_stride)
                             : global_matrix(b, shape.k, shape.n, shape.b_stride);
  args.k = shape.k;
  args.output = gemm_output(out, shape.m, shape.n, epilogue);
  if constexpr (std::is_same_v<A, T>) {
    if (shape.transpose_a) {
      return shape.transpose_b ? gemm_of_layout<T, true, true>(context, operation, args)
                               : gemm_of_layout<T, true, false>(context, operation, args);
    }
    if (!shape.transpose_b) return gemm_of_layout<T, false, false>(context, operation, args);
  }
  gemm_of_layout<T, false, true>(context, operation, args);
}

/// out = epilogue(a b) with the codes of b (n, k); T: the half type of the products, to which a is rounded.
template <class T, bool Grouped, class Out, class E>
void gemm_codes(const CudaContext& context, const char* operation,
                const GemmArguments<GemmOutput<Out>, E, Out>& args) {
  const std::int64_t m = args.output.m, n = args.output.n;
  if (m <= few_rows) {
    if (n < 32 * std::int64_t{multiprocessors(context.device)})
      return launch_few_rows<T, true, Grouped, 8>(context, operation, args);
    return launch_few_rows<T, true, Grouped, 32>(context, operation, args);
  }
  using Tiles = MmaTiles<128, 64, 4, 2>;
  launch(context,
         {operation, {tiles_of(m, n, Tiles::TileM, Tiles::TileN)}, {Tiles::threads}, Tiles::shared_bytes},
         gemm_mma_kernel<Tiles, T, false, true, Grouped, GemmOutput<Out>, E, Out>, args);
}

}  // namespace adlib::kernels::cuda
