// adlib/nn/cache.h: the keys and values of tokens already seen, in pages that sequences may share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "adlib/ops.h"

namespace adlib::nn {

/// One sequence's part of a batch: `length` tokens that stand at positions start, start + 1, … of `sequence`.
struct Row {
  std::int64_t sequence = 0;
  std::int64_t start = 0;
  std::int64_t length = 0;
};

/// Which page holds which positions: page tables, reference counts and the list of free pages, without the
/// pages. A value: what may fail is tried on a copy.
class PageBook {
 public:
  static constexpr std::int64_t positions = ops::KeyValuePages::positions;  ///< of a page
  static std::int64_t pages_for(std::int64_t tokens) { return (tokens + positions - 1) / positions; }

  /// A page whose contents another is about to get.
  struct PageCopy {
    std::int32_t from = 0, to = 0;
  };

  PageBook(std::int64_t sequences, std::int64_t capacity, std::int64_t pages)
      : lengths_(static_cast<std::size_t>(sequences), 0),
        stride_(pages_for(capacity)),
        table_(static_cast<std::size_t>(sequences * stride_), 0),
        references_(static_cast<std::size_t>(pages), 0) {
    for (std::int64_t page = pages; page-- > 0;) free_.push_back(static_cast<std::int32_t>(page));
  }

  std::int64_t sequences() const { return std::ssize(lengths_); }
  std::int64_t length(std::int64_t sequence) const { return lengths_[static_cast<std::size_t>(sequence)]; }
  std::int64_t pages() const { return std::ssize(references_); }
  std::int64_t pages_free() const { return std::ssize(free_); }
  /// All tables, (sequences, pages_for(capacity)); a sequence of n tokens has pages_for(n) entries.
  const std::vector<std::int32_t>& table() const { return table_; }
  std::int32_t page(std::int64_t sequence, std::int64_t index) const { return table_[at(sequence, index)]; }

  /// Whether positions [start, start + count) are held, in pages that no other sequence holds.
  bool may_write(std::int64_t sequence, std::int64_t start, std::int64_t count) const {
    if (count == 0) return true;  // nothing, whoever holds the page
    if (start < 0 || count < 0 || start + count > length(sequence)) return false;
    for (std::int64_t i = start / positions; i < pages_for(start + count); ++i) {
      if (references_[static_cast<std::size_t>(page(sequence, i))] != 1) return false;
    }
    return true;
  }
  /// Makes a sequence end at start + count, its own from `start` on: pages past the end are given up, shared
  /// ones that will be written are replaced and named in `copies`. Throws Error(out_of_memory) when pages run
  /// out, leaving the book of no use.
  void extend(std::int64_t sequence, std::int64_t start, std::int64_t count, std::vector<PageCopy>& copies) {
    const std::int64_t held = pages_for(length(sequence)), wanted = pages_for(start + count);
    for (std::int64_t i = wanted; i < held; ++i) drop(page(sequence, i));
    if (count > 0) {
      for (std::int64_t i = start / positions; i < std::min(held, wanted); ++i) {
        std::int32_t& own = table_[at(sequence, i)];
        if (references_[static_cast<std::size_t>(own)] == 1) continue;
        const std::int32_t shared = own;
        own = take(sequence, wanted);
        drop(shared);
        // Whole pages are about to be overwritten, but for what stands before `start`.
        if (i * positions < start) copies.push_back({shared, own});
      }
    }
    for (std::int64_t i = held; i < wanted; ++i) table_[at(sequence, i)] = take(sequence, wanted);
    lengths_[static_cast<std::size_t>(sequence)] = start + count;
  }
  /// Makes `to` begin with the first `tokens` of `from` and hold nothing else.
  void share(std::int64_t from, std::int64_t to, std::int64_t tokens) {
    if (from == to) return resize(to, tokens);
    for (std::int64_t i = 0; i < pages_for(tokens); ++i)
      ++references_[static_cast<std::size_t>(page(from, i))];
    resize(to, 0);
    for (std::int64_t i = 0; i < pages_for(tokens); ++i) table_[at(to, i)] = page(from, i);
    lengths_[static_cast<std::size_t>(to)] = tokens;
  }
  /// Gives up what stands past the first `tokens`.
  void resize(std::int64_t sequence, std::int64_t tokens) {
    for (std::int64_t i = pages_for(tokens); i < pages_for(length(sequence)); ++i) drop(page(sequence, i));
    lengths_[static_cast<std::size_t>(sequence)] = tokens;
  }

 private:
  std::size_t at(std::int64_t sequence, std::int64_t index) const {
    return static_cast<std::size_t>(sequence * stride_ + index);
  }
  std::int32_t take(std::int64_t sequence, std::int64_t wanted) {
    if (free_.empty()) {
      fail(ErrorCode::out_of_memory, "cache: sequence ", sequence, " needs ", wanted, " pages of ", positions,
           " tokens, and none of the ", pages(),
           " pages is left for one of them; release a sequence, or make the cache with more pages");
    }
    const std::int32_t page = free_.back();
    free_.pop_back();
    references_[static_cast<std::size_t>(page)] = 1;
    return page;
  }
  void drop(std::int32_t page) {
    if (--references_[static_cast<std::size_t>(page)] == 0) free_.push_back(page);
  }

  std::vector<std::int64_t> lengths_;
  std::int64_t stride_;
  std::vector<std::int32_t> table_;
  std::vector<std::int32_t> references_;  // a page each; 0: free
  std::vector<std::int32_t> free_;
};

/// Keys and values of up to `capacity` tokens in each of `sequences` sequences, in every layer. Each layer
/// has a pool of pages of 64 positions, all layers share one page table, and sequences that begin alike may
/// share pages: a shared page is copied when one of its sequences is about to write to it, not before.
class Cache {
 public:
  struct Layout {
    std::int64_t layers = 0;
    std::int64_t kv_heads = 0;
    std::int64_t head_dim = 0;
    DType dtype = DType::f32;  ///< f32, f16, bf16, or i8 with one scale for each position and head
    Device device = Device::cpu;
  };

  /// Allocates bytes(). `pages` bounds the memory below what all sequences can take, which 0 stands for:
  /// sequences · ⌈capacity / 64⌉. Throws Error(invalid_argument) for a number that is negative.
  Cache(const Layout& layout, std::int64_t sequences, std::int64_t capacity, std::int64_t pages = 0)
      : layout_((check_sizes(sequences, capacity, pages), layout)),
        capacity_(capacity),
        book_(sequences, capacity, pages > 0 ? pages : sequences * PageBook::pages_for(capacity)) {
    for (std::int64_t layer = 0; layer < layout.layers; ++layer) {
      layers_.push_back(ops::KeyValuePages::empty(book_.pages(), layout.kv_heads, layout.head_dim,
                                                  layout.head_dim, layout.dtype, layout.device));
    }
    publish();
  }
  Cache(Cache&&) = default;
  Cache& operator=(Cache&&) = default;
  Cache(const Cache&) = delete;  // two books over one pool would hand out the same pages
  Cache& operator=(const Cache&) = delete;

  std::int64_t sequences() const { return book_.sequences(); }
  std::int64_t capacity() const { return capacity_; }
  const Layout& layout() const { return layout_; }
  /// How many tokens of a sequence are held.
  std::int64_t length(std::int64_t sequence) const { return book_.length(checked(sequence)); }

  /// Of all layers, allocated.
  std::size_t bytes() const {
    std::size_t total = 0;
    for (const ops::KeyValuePages& pages : layers_) total += pages.bytes();
    return total;
  }
  /// Pages that hold at least one token, shared ones counted once; the same in every layer.
  std::int64_t pages_in_use() const { return book_.pages() - book_.pages_free(); }
  std::int64_t pages_free() const { return book_.pages_free(); }

  /// Declares that tokens [start, start + length) of each row's sequence are about to be written; later ones
  /// are forgotten. Throws Error(invalid_argument) when that leaves a gap or exceeds the capacity, and
  /// Error(out_of_memory) when the pages run out; then nothing has changed.
  void extend(std::span<const Row> rows) {
    std::vector<PageBook::PageCopy> copies;
    PageBook next = extended(rows, copies);
    for (const PageBook::PageCopy& copy : copies) copy_page(copy);
    book_ = std::move(next);
    publish();
  }
  void extend(std::int64_t sequence, std::int64_t start, std::int64_t count) {
    const Row row{sequence, start, count};
    extend({&row, 1});
  }
  /// Throws what extend() would throw, and changes nothing.
  void check_extend(std::span<const Row> rows) const {
    std::vector<PageBook::PageCopy> copies;
    extended(rows, copies);
  }
  void check_extend(std::int64_t sequence, std::int64_t start, std::int64_t count) const {
    const Row row{sequence, start, count};
    check_extend({&row, 1});
  }

  /// Stores keys and values (N, Hkv, D), which may be strided, of a ragged batch. Throws
  /// Error(invalid_argument) for tokens that extend() has not made room for: the pages may be others'.
  void write(std::int64_t layer, std::span<const ops::AttentionSegment> segments, const Tensor& keys,
             const Tensor& values) {
    for (const ops::AttentionSegment& segment : segments) {
      require(book_.may_write(checked(segment.sequence), segment.position, segment.rows), "cache: tokens [",
              segment.position, ", ", segment.position + segment.rows, ") of sequence ", segment.sequence,
              ", which holds ", length(segment.sequence), ", are not its own to write; call extend() first");
    }
    ops::store_pages(layers_[static_cast<std::size_t>(layer)], table_, segments, keys, values);
  }
  /// The same for tokens start … start + n - 1 of one sequence. keys, values (n, Hkv, D)
  void write(std::int64_t layer, std::int64_t sequence, std::int64_t start, const Tensor& keys,
             const Tensor& values) {
    const ops::AttentionSegment segment{.rows = keys.size(0), .position = start, .sequence = sequence};
    write(layer, {&segment, 1}, keys, values);
  }

  /// For ops::ragged_attention.
  const ops::KeyValuePages& pages(std::int64_t layer) const {
    return layers_[static_cast<std::size_t>(layer)];
  }
  /// Every sequence's pages in order, (sequences, ⌈capacity / 64⌉) i32; entries past a sequence's end mean
  /// nothing.
  const Tensor& table() const { return table_; }

  /// A copy of the keys of tokens 0 … length - 1, (Hkv, length, D), f32 when the cache is i8.
  Tensor keys(std::int64_t layer, std::int64_t sequence) const {
    const ops::KeyValuePages& pages = this->pages(layer);
    return gathered(sequence, pages.key_scales,
                    [&](std::int64_t page) { return pages.keys.select(0, page).transpose(1, 2); });
  }
  Tensor values(std::int64_t layer, std::int64_t sequence) const {
    const ops::KeyValuePages& pages = this->pages(layer);
    return gathered(sequence, pages.value_scales,
                    [&](std::int64_t page) { return pages.values.select(0, page); });
  }

  /// Makes sequence `to` hold the same tokens as `from`: for beams and for several continuations of one
  /// prompt. Copies nothing until one of them is extended.
  void copy_sequence(std::int64_t from, std::int64_t to) { share_prefix(from, to, length(from)); }
  /// Makes sequence `to` hold the first `tokens` tokens of `from` and nothing else.
  void share_prefix(std::int64_t from, std::int64_t to, std::int64_t tokens) {
    require(tokens >= 0 && tokens <= length(from), "cache: sequence ", from, " holds ", length(from),
            " tokens; a prefix of ", tokens, " cannot be shared");
    book_.share(from, checked(to), tokens);
    publish();
  }
  /// Forgets a sequence's tokens and frees the pages that nobody else holds.
  void release(std::int64_t sequence) { book_.resize(checked(sequence), 0); }

 private:
  static void check_sizes(std::int64_t sequences, std::int64_t capacity, std::int64_t pages) {
    require(sequences >= 0 && capacity >= 0 && pages >= 0, "cache: ", sequences, " sequences of ", capacity,
            " tokens in ", pages, " pages; none of these may be negative");
  }
  std::int64_t checked(std::int64_t sequence) const {
    require(sequence >= 0 && sequence < sequences(), "cache: sequence ", sequence, " is outside [0, ",
            sequences(), ")");
    return sequence;
  }
  // The book with all rows, the later ones after the earlier.
  PageBook extended(std::span<const Row> rows, std::vector<PageBook::PageCopy>& copies) const {
    PageBook next = book_;
    for (const Row& row : rows) {
      check_range(row, next.length(checked(row.sequence)));
      next.extend(row.sequence, row.start, row.length, copies);
    }
    return next;
  }
  void check_range(const Row& row, std::int64_t held) const {
    require(row.start >= 0 && row.start <= held, "cache: sequence ", row.sequence, " holds ", held,
            " tokens; writing from position ", row.start, " would leave a gap");
    require(row.length >= 0 && row.start + row.length <= capacity_, "cache: sequence ", row.sequence,
            " would grow to ", row.start + row.length, " tokens, the capacity is ", capacity_);
  }
  // The table as the kernels read it, on the layout's device.
  void publish() {
    table_ = Tensor::from<std::int32_t>(book_.table(), {sequences(), PageBook::pages_for(capacity_)})
                 .to(layout_.device);
  }
  void copy_page(const PageBook::PageCopy& copy) {
    for (ops::KeyValuePages& pages : layers_) {
      for (const Tensor* part : {&pages.keys, &pages.values, &pages.key_scales, &pages.value_scales}) {
        if (!*part) continue;
        Tensor to = part->select(0, copy.to);
        ops::copy_into(to, part->select(0, copy.from));
      }
    }
  }
  // `part(page)` is (Hkv, 64, D) of one page.
  template <class Part>
  Tensor gathered(std::int64_t sequence, const Tensor& scales, Part&& part) const {
    const std::int64_t tokens = length(sequence);
    const DType dtype = scales ? DType::f32 : layout_.dtype;
    Tensor out = Tensor::empty({layout_.kv_heads, tokens, layout_.head_dim}, dtype, layout_.device);
    for (std::int64_t first = 0; first < tokens; first += PageBook::positions) {
      const std::int64_t n = std::min(PageBook::positions, tokens - first);
      const std::int32_t page = book_.page(sequence, first / PageBook::positions);
      Tensor from = part(page).slice(1, 0, n);
      if (scales) {
        from =
            ops::multiply(from.to(DType::f32),
                          scales.select(0, page).slice(1, 0, n).contiguous().view({layout_.kv_heads, n, 1}));
      }
      Tensor to = out.slice(1, first, first + n);
      ops::copy_into(to, from);
    }
    return out;
  }

  Layout layout_;
  std::int64_t capacity_;
  PageBook book_;
  Tensor table_;                            // book_.table()
  std::vector<ops::KeyValuePages> layers_;  // a layer each
};

}  // namespace adlib::nn
