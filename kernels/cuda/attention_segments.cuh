// kernels/cuda/attention_segments.cuh: a call's segments, from the host's memory to the device's.
//
// They travel as parameters of a kernel, 64 of them in each launch: nothing has to be pinned, kept or waited
// for, and a graph that captures the launch keeps them.
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "kernels/attention.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/temporary.h"

namespace adlib::kernels::cuda {

template <int Count>
struct SegmentChunk {
  AttentionSegment segments[Count];
};

/// to[i] = chunk.segments[i]. grid = 1, block = Count.
template <int Count>
__global__ void __launch_bounds__(Count)
    store_segments_kernel(AttentionSegment* to, const __grid_constant__ SegmentChunk<Count> chunk,
                          int count) {
  const int i = static_cast<int>(threadIdx.x);
  if (i < count) to[i] = chunk.segments[i];
}

/// Starts the copy of segments to `to` in device memory.
inline void upload(const CudaContext& context, const char* operation, AttentionSegment* to,
                   std::span<const AttentionSegment> segments) {
  constexpr std::size_t most = 64;
  for (std::size_t first = 0; first < segments.size(); first += most) {
    const auto part = segments.subspan(first, std::min(most, segments.size() - first));
    SegmentChunk<most> chunk;
    std::copy(part.begin(), part.end(), chunk.segments);
    launch(context, {operation, {1}, {most}}, store_segments_kernel<most>, to + first, chunk,
           static_cast<int>(part.size()));
  }
}

/// The bounds of segments that are uploaded to `to`.
inline DeviceSegments bounds(const AttentionSegment* to, std::span<const AttentionSegment> segments) {
  DeviceSegments out{.count = std::ssize(segments), .segments = to};
  for (const AttentionSegment& segment : segments) {
    out.most_rows = std::max(out.most_rows, segment.rows);
    out.most_keys = std::max(out.most_keys, segment.keys);
  }
  return out;
}

}  // namespace adlib::kernels::cuda
