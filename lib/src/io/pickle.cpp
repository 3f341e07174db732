#include "io/pickle.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <iomanip>
#include <unordered_map>
#include <unordered_set>

#include "adlib/core/error.h"
#include "io/text.h"

namespace adlib::io {
namespace {

constexpr std::size_t value_limit = std::size_t{1}
                                    << 21;  // about 200 MB of Values; 10,000 tensors take 250,000

enum class Kind { none, boolean, integer, real, string, tuple, list, dict, global, storage, tensor };

constexpr std::string_view name_of(Kind kind) {
  constexpr std::array<std::string_view, 11> names = {"None",     "a bool",    "an int",  "a float",
                                                      "a string", "a tuple",   "a list",  "a dict",
                                                      "a name",   "a storage", "a tensor"};
  return names[static_cast<std::size_t>(kind)];
}

/// One Python object. All of them belong to the interpreter, so that cycles, which pickle can build, cost
/// nothing.
struct Value {
  Kind kind = Kind::none;
  std::int64_t integer = 0;  // boolean, integer; storage: its elements
  std::string text;          // string; global: "module name"; storage: its key
  std::vector<Value*>
      items;  // tuple, list; dict: key, value, key, value, …; tensor: {storage, offset, size, stride}
  DType dtype = DType::f32;  // storage
};

struct StorageType {
  std::string_view name;
  DType dtype;
};
constexpr std::array storage_types = {
    StorageType{"torch FloatStorage", DType::f32},     StorageType{"torch HalfStorage", DType::f16},
    StorageType{"torch BFloat16Storage", DType::bf16}, StorageType{"torch DoubleStorage", DType::f64},
    StorageType{"torch LongStorage", DType::i64},      StorageType{"torch IntStorage", DType::i32},
    StorageType{"torch ShortStorage", DType::i16},     StorageType{"torch CharStorage", DType::i8},
    StorageType{"torch ByteStorage", DType::u8},       StorageType{"torch BoolStorage", DType::boolean}};

constexpr std::string_view ordered_dict = "collections OrderedDict";
constexpr std::string_view rebuild_tensor = "torch._utils _rebuild_tensor_v2";
constexpr std::string_view rebuild_parameter = "torch._utils _rebuild_parameter";

const StorageType* find_storage(std::string_view global) {
  const auto found = std::find_if(storage_types.begin(), storage_types.end(),
                                  [&](auto& type) { return type.name == global; });
  return found == storage_types.end() ? nullptr : &*found;
}

class Interpreter {
 public:
  Interpreter(std::string_view pickle, const std::string& where, const std::string& cure)
      : pickle_(pickle), where_(where), cure_(cure) {}

  const Value& run() {
    while (step(number<std::uint8_t>())) {
    }
    if (stack_.size() != 1 || !marks_.empty())
      damaged("STOP leaves ", stack_.size(), " values, expected one");
    if (at_ != pickle_.size()) damaged("bytes follow STOP");
    return *stack_.back();
  }
  template <class... Args>
  [[noreturn]] void damaged(const Args&... problem) const {
    fail(ErrorCode::bad_format, where_, ": damaged pickle at byte ", at_, ": ", problem...);
  }
  template <class... Args>
  [[noreturn]] void unsupported(const Args&... problem) const {
    fail(ErrorCode::unsupported, where_, ": ", problem..., cure_);
  }

 private:
  /// Interprets one opcode; false after STOP.
  bool step(std::uint8_t opcode) {
    switch (opcode) {
      case 0x80: {  // PROTO
        const auto protocol = number<std::uint8_t>();
        if (protocol < 2 || protocol > 5)
          unsupported("the pickle has protocol ", int{protocol}, ", expected 2 to 5");
        break;
      }
      case 0x95:
        take(8);
        break;  // FRAME: a hint for buffered readers
      case '.':
        return false;  // STOP

      case 'N':
        push(Kind::none);
        break;
      case 0x88:
        push(Kind::boolean).integer = 1;
        break;  // NEWTRUE
      case 0x89:
        push(Kind::boolean);
        break;  // NEWFALSE
      case 'J':
        push(Kind::integer).integer = number<std::int32_t>();
        break;
      case 'K':
        push(Kind::integer).integer = number<std::uint8_t>();
        break;
      case 'M':
        push(Kind::integer).integer = number<std::uint16_t>();
        break;
      case 0x8a:
        push(Kind::integer).integer = long_integer(take(number<std::uint8_t>()));
        break;  // LONG1
      case 'G':
        take(8), push(Kind::real);
        break;  // BINFLOAT: no tensor needs its value
      case 'X':
        push(Kind::string).text = take(number<std::uint32_t>());
        break;  // BINUNICODE
      case 0x8c:
        push(Kind::string).text = take(number<std::uint8_t>());
        break;  // SHORT_BINUNICODE

      case '(':
        marks_.push_back(stack_.size());
        break;
      case ')':
        push(Kind::tuple);
        break;
      case 0x85:
        pack(1);
        break;
      case 0x86:
        pack(2);
        break;
      case 0x87:
        pack(3);
        break;
      case 't':
        pack(stack_.size() - open_mark()), marks_.pop_back();
        break;
      case ']':
        push(Kind::list);
        break;
      case 'a':
        append(1);
        break;
      case 'e': {
        const std::size_t count = stack_.size() - open_mark();
        marks_.pop_back(), append(count);
        break;
      }
      case '}':
        push(Kind::dict);
        break;
      case 's':
        set_items(2);
        break;
      case 'u': {
        const std::size_t count = stack_.size() - open_mark();
        marks_.pop_back(), set_items(count);
        break;
      }

      case 'h':
        recall(number<std::uint8_t>());
        break;
      case 'j':
        recall(number<std::uint32_t>());
        break;
      case 'q':
        memo_[number<std::uint8_t>()] = &top();
        break;
      case 'r':
        memo_[number<std::uint32_t>()] = &top();
        break;
      case 0x94:
        memo_[memo_.size()] = &top();
        break;  // MEMOIZE

      case 'c': {  // GLOBAL
        const std::string module(line());
        global(module, line());
        break;
      }
      case 0x93: {  // STACK_GLOBAL
        const std::string name = pop(Kind::string).text;
        global(pop(Kind::string).text, name);
        break;
      }
      case 'Q':
        persistent();
        break;
      case 'R':
        reduce();
        break;
      case 'b':  // BUILD: attributes of an object; a state dict's `_metadata` is the one that occurs
        pop();
        if (top().kind != Kind::dict) unsupported("the pickle sets attributes of ", name_of(top().kind));
        break;
      default:
        unsupported("the pickle uses opcode ",
                    concat("0x", std::hex, std::setw(2), std::setfill('0'), int{opcode}), " at byte ",
                    at_ - 1, ", which no state dict of tensors needs");
    }
    return true;
  }

  std::string_view take(std::size_t bytes) {
    if (bytes > pickle_.size() - at_) damaged("it ends in the middle of a value; the file may be incomplete");
    at_ += bytes;
    return pickle_.substr(at_ - bytes, bytes);
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view line() {
    const auto end = pickle_.find('\n', at_);
    if (end == pickle_.npos) damaged("a name has no end; the file may be incomplete");
    const std::string_view text = take(end - at_);
    take(1);
    return text;
  }
  std::int64_t long_integer(std::string_view bytes) const {  // little-endian two's complement
    if (bytes.size() > 8) damaged("an integer has more than 64 bits");
    const bool negative = !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80u) != 0;
    std::uint64_t bits = negative ? ~std::uint64_t{0} : 0;
    std::memcpy(&bits, bytes.data(), bytes.size());
    return static_cast<std::int64_t>(bits);
  }

  Value& push(Kind kind) {
    if (values_.size() == value_limit) unsupported("the pickle holds more than ", value_limit, " values");
    Value& value = values_.emplace_back();
    value.kind = kind;
    stack_.push_back(&value);
    return value;
  }
  /// How many values lie below the innermost MARK, which only the opcode that closes it may take.
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  std::size_t open_mark() const {
    if (marks_.empty()) damaged("a tuple, list or dict ends that never began");
    return marks_.back();
  }
  Value& top() {
    if (stack_.size() <= floor()) damaged("a value is missing");
    return *stack_.back();
  }
  Value& pop() {
    Value& value = top();
    stack_.pop_back();
    return value;
  }
  Value& pop(Kind kind) {
    Value& value = pop();
    if (value.kind != kind) damaged("got ", name_of(value.kind), ", expected ", name_of(kind));
    return value;
  }
  std::vector<Value*> pop_many(std::size_t count) {
    if (stack_.size() - floor() < count) damaged("values are missing");
    std::vector<Value*> out(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return out;
  }
  void pack(std::size_t count) {
    auto items = pop_many(count);
    push(Kind::tuple).items = std::move(items);
  }
  void append(std::size_t count) {
    const auto items = pop_many(count);
    if (top().kind != Kind::list) damaged("got ", name_of(top().kind), ", expected a list to append to");
    top().items.insert(top().items.end(), items.begin(), items.end());
  }
  void set_items(std::size_t count) {
    const auto items = pop_many(count);
    if (count % 2 != 0) damaged("a dict has a key without a value");
    if (top().kind != Kind::dict) damaged("got ", name_of(top().kind), ", expected a dict to fill");
    top().items.insert(top().items.end(), items.begin(), items.end());
  }
  void recall(std::size_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) damaged("memo ", key, " was never set");
    stack_.push_back(found->second);
  }

  void global(std::string_view module, std::string_view name) {
    std::string full = concat(module, ' ', name);
    if (full != ordered_dict && full != rebuild_tensor && full != rebuild_parameter &&
        find_storage(full) == nullptr) {
      unsupported("the pickle asks for ", excerpt(module), ".", excerpt(name),
                  ", which is not on the list of harmless names; nothing was executed");
    }
    push(Kind::global).text = std::move(full);
  }

  /// ("storage", torch.FloatStorage, key, location, elements)
  void persistent() {
    const Value& id = pop(Kind::tuple);
    if (id.items.size() != 5 || id.items[0]->text != "storage" || id.items[1]->kind != Kind::global ||
        id.items[2]->kind != Kind::string || id.items[4]->kind != Kind::integer) {
      damaged("a persistent id is not that of a storage");
    }
    const StorageType* type = find_storage(id.items[1]->text);
    if (type == nullptr) damaged("a storage is of type ", id.items[1]->text);
    Value& storage = push(Kind::storage);
    storage.text = id.items[2]->text;
    storage.dtype = type->dtype;
    storage.integer = id.items[4]->integer;
  }

  /// Calls to the three functions of the list, answered here instead of made.
  void reduce() {
    const Value& arguments = pop(Kind::tuple);
    const Value& function = pop(Kind::global);
    const auto& args = arguments.items;
    if (function.text == ordered_dict && args.empty()) {
      push(Kind::dict);
    } else if (function.text == rebuild_parameter && !args.empty() && args[0]->kind == Kind::tensor) {
      stack_.push_back(args[0]);
      if (values_.size() == value_limit) unsupported("the pickle is too large");
    } else if (function.text == rebuild_tensor && args.size() >= 4 && args[0]->kind == Kind::storage &&
               args[1]->kind == Kind::integer && args[2]->kind == Kind::tuple &&
               args[3]->kind == Kind::tuple) {
      push(Kind::tensor).items = {args[0], args[1], args[2], args[3]};
    } else {
      unsupported("the pickle calls ", function.text, " with unexpected arguments");
    }
  }

  std::string_view pickle_;
  const std::string& where_;
  const std::string& cure_;
  std::size_t at_ = 0;
  std::deque<Value> values_;
  std::vector<Value*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::size_t, Value*> memo_;
};

std::vector<std::int64_t> integers(const Interpreter& interpreter, const std::string& name,
                                   const Value& tuple) {
  std::vector<std::int64_t> out;
  for (const Value* item : tuple.items) {
    if (item->kind != Kind::integer)
      interpreter.damaged("tensor '", name, "' has ", name_of(item->kind), " as an extent");
    out.push_back(item->integer);
  }
  return out;
}

}  // namespace

std::vector<PickledTensor> read_state_dict(std::string_view pickle, const std::string& where,
                                           const std::string& cure) {
  Interpreter interpreter(pickle, where, cure);
  const Value& root = interpreter.run();
  if (root.kind != Kind::dict) {
    interpreter.unsupported("the pickle holds ", name_of(root.kind),
                            ", expected a dict from names to tensors");
  }
  std::vector<PickledTensor> tensors;
  std::unordered_set<std::string_view> names;
  for (std::size_t i = 0; i < root.items.size(); i += 2) {
    const Value& key = *root.items[i];
    const Value& value = *root.items[i + 1];
    if (key.kind != Kind::string || !is_utf8(key.text))
      interpreter.unsupported("a key of the dict is not a UTF-8 string");
    const std::string& name = key.text;
    if (value.kind != Kind::tensor) {
      interpreter.unsupported("'", excerpt(name), "' is ", name_of(value.kind), ", expected a tensor");
    }
    if (!names.insert(name).second) interpreter.damaged("tensor '", excerpt(name), "' is there twice");
    const Value& storage = *value.items[0];
    tensors.push_back({name, storage.text, storage.dtype, storage.integer, value.items[1]->integer,
                       integers(interpreter, name, *value.items[2]),
                       integers(interpreter, name, *value.items[3])});
  }
  return tensors;
}

}  // namespace adlib::io
