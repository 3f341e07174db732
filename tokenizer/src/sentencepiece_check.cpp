// Field numbers are those of sentencepiece_model.proto; the array is a Darts double array of 32-bit units.
#include "sentencepiece_check.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <unordered_set>

#include "adlib/core/error.h"
#include "utf8.h"

namespace adlib::tok {
namespace {

/// Walks over the fields of one protocol buffer message.
class Message {
 public:
  Message(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  /// Moves to the next field; false at the end.
  bool next() {
    if (at_ == bytes_.size()) return false;
    const std::uint64_t tag = varint();
    field_ = tag >> 3;
    wire_ = static_cast<unsigned>(tag & 7);
    if (field_ == 0 || field_ > 0x1FFFFFFF) broken();
    switch (wire_) {
      case 0:
        value_ = varint();
        break;
      case 1:
        content_ = take(8);
        break;
      case 2:
        content_ = take(varint());
        break;
      case 5:
        content_ = take(4);
        break;
      default:
        broken();  // groups are not used in a model
    }
    return true;
  }
  std::uint64_t field() const { return field_; }
  std::string_view bytes() const {
    if (wire_ != 2) broken();
    return content_;
  }
  std::uint64_t number() const {
    if (wire_ != 0) broken();
    return value_;
  }
  float real() const {
    if (wire_ != 5) broken();
    float out;
    std::memcpy(&out, content_.data(), 4);
    return out;
  }

 private:
  [[noreturn]] void broken() const {
    fail(ErrorCode::bad_format, where_, ": not a SentencePiece model; the download may be incomplete");
  }
  std::uint64_t varint() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) broken();
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      out |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return out;
    }
    broken();
  }
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size() - at_) broken();
    const std::string_view out = bytes_.substr(at_, size);
    at_ += size;
    return out;
  }

  std::string_view bytes_;
  const std::string& where_;
  std::size_t at_ = 0;
  std::uint64_t field_ = 0;
  unsigned wire_ = 0;
  std::uint64_t value_ = 0;
  std::string_view content_;
};

/// precompiled_charsmap: the size of a double array, the array, then the strings that its values point into.
void check_charsmap(std::string_view blob, const std::string& where) {
  const auto broken = [&] {
    fail(ErrorCode::bad_format, where, ": the normalisation rules of the model are damaged");
  };
  if (blob.empty()) return;
  std::uint32_t bytes = 0;
  if (blob.size() < 8) broken();
  std::memcpy(&bytes, blob.data(), 4);
  if (bytes == 0 || bytes % 4 != 0 || bytes > blob.size() - 4) broken();
  const std::string_view strings = blob.substr(4 + bytes);
  if (strings.empty() || strings.back() != '\0') broken();
  const std::uint32_t units = bytes / 4;
  const auto unit = [&](std::uint32_t i) {
    std::uint32_t out;
    std::memcpy(&out, blob.data() + 4 + 4 * std::size_t{i}, 4);
    return out;
  };
  for (std::uint32_t i = 0; i < units; ++i) {
    const std::uint32_t u = unit(i);
    if (u >> 31) continue;  // a value, not a node
    const std::uint32_t offset = (u >> 10) << ((u & (1u << 9)) >> 6);
    const std::uint32_t child = i ^ offset;  // the search goes to child ^ byte
    if ((child | 0xFF) >= units) broken();
    const bool has_value = (u >> 8) & 1;
    if (has_value && (unit(child) & 0x7FFFFFFF) >= strings.size()) broken();
  }
}

}  // namespace

SentencePieceTraits check_sentencepiece_model(std::string_view model, const std::string& where) {
  if (model.size() > (std::size_t{1} << 30))
    fail(ErrorCode::bad_format, where, ": a model of more than 1 GiB");
  enum Type : std::uint64_t { normal = 1, unknown, control, user_defined, unused, byte };
  std::unordered_set<std::string> seen;
  std::size_t unknowns = 0;
  std::size_t bytes = 0;
  SentencePieceTraits traits;
  bool changes_text = false;  // by rules
  bool adds_prefix = true;    // the defaults of normalizer_spec
  bool removes_spaces = true;
  bool escapes_spaces = true;
  Message file(model, where);
  while (file.next()) {
    if (file.field() == 1) {  // pieces
      std::string text;
      std::uint64_t type = normal;
      Message piece(file.bytes(), where);
      while (piece.next()) {
        if (piece.field() == 1) text = piece.bytes();
        if (piece.field() == 2 && !std::isfinite(piece.real())) {
          fail(ErrorCode::bad_format, where, ": piece ", seen.size(), " has a score that is not finite");
        }
        if (piece.field() == 3) type = piece.number();
      }
      if (text.empty() || text.find('\0') != std::string::npos || valid_run(text, 0) != text.size()) {
        fail(ErrorCode::bad_format, where, ": piece ", seen.size(), " is empty or not UTF-8");
      }
      if (type < normal || type > byte)
        fail(ErrorCode::bad_format, where, ": piece '", text, "' has type ", type);
      unknowns += type == unknown;
      bytes += type == byte;
      if (type == user_defined) traits.user_defined.push_back(text);
      if (!seen.insert(text).second)
        fail(ErrorCode::bad_format, where, ": piece '", text, "' stands there twice");
    } else if (file.field() == 2) {  // trainer_spec
      Message spec(file.bytes(), where);
      while (spec.next()) {
        if (spec.field() == 3 && (spec.number() < 1 || spec.number() > 4)) {
          fail(ErrorCode::unsupported, where, ": model_type ", spec.number(), " is not supported");
        }
      }
    } else if (file.field() == 3 || file.field() == 5) {  // normalizer_spec, denormalizer_spec
      Message spec(file.bytes(), where);
      const bool encoding = file.field() == 3;
      changes_text |= !encoding;
      while (spec.next()) {
        if (spec.field() == 2) {
          check_charsmap(spec.bytes(), where);
          changes_text |= !spec.bytes().empty();
        }
        if (encoding && spec.field() == 3) adds_prefix = spec.number() != 0;
        if (encoding && spec.field() == 4) removes_spaces = spec.number() != 0;
        if (encoding && spec.field() == 5) escapes_spaces = spec.number() != 0;
      }
    }
  }
  if (seen.empty()) fail(ErrorCode::bad_format, where, ": a SentencePiece model without pieces");
  if (unknowns != 1)
    fail(ErrorCode::bad_format, where, ": a model with ", unknowns, " unknown pieces, expected 1");
  traits.exact = bytes == 256 && !changes_text && !adds_prefix && !removes_spaces && escapes_spaces;
  return traits;
}

}  // namespace adlib::tok
