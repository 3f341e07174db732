// Any bytes: a prompt template is parsed or refused with an Error that names a place, and renders without
// surprise.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "adlib/core/error.h"
#include "copywriter/write/template.h"

using namespace adlib::copywriter;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using adlib::io::parse_json;
  static const TemplateRecord customer = template_record(
      customer_from_json(
          parse_json(
              R"({"age":25,"interests":["a","b"],"purchases":[{"title":"t","brand":"b"}],"first_name":"n"})",
              "c"),
          {"c", 1}),
      Language::en);
  static const TemplateRecord product = template_record(
      product_from_json(parse_json(R"({"id":"p","title":"t","attributes":{"x":["y","z"]},"price":"1"})", "p"),
                        {"p", 1}),
      Language::en);
  try {
    const Template prompt(std::string_view(reinterpret_cast<const char*>(data), size), "t.txt", Language::en);
    const std::string text = prompt.render(customer, product);
    if (text != prompt.render(customer, product)) std::abort();
  } catch (const adlib::Error& error) {
    // "t.txt…" for a mistake of the template, "c:1…" or "p:1…" for a field that is missing.
    if (std::strncmp(error.what(), "t.txt", 5) != 0 && std::strstr(error.what(), ":1: field '") == nullptr)
      std::abort();
  }
  return 0;
}
