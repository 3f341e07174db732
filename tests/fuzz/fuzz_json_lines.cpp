// Any bytes: JSON Lines are objects or an Error, and what was read can be written and read again unchanged.
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "adlib/io/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream in(std::string(reinterpret_cast<const char*>(data), size));
  const auto check = [](adlib::io::Json&& object, std::int64_t number) {
    if (number < 1 || !object.is_object()) std::abort();
    if (adlib::io::parse_json(object.dump(), "again") != object) std::abort();
  };
  const auto skip = [](std::int64_t, const std::string& message) { return !message.empty(); };
  adlib::io::for_each_json_line(in, "fuzz.jsonl", check, skip);
  return 0;
}
