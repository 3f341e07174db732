// 02: load a model and write for one customer. Usage: 02_generate MODEL_DIR   (adlib init MODEL_DIR makes it)
#include <cstdio>
#include <exception>
#include <string>

#include "adlib/adlib.h"
#include "adlib/io/json.h"

namespace {

// 推荐一款适合25岁男性的科技、游戏、电影产品: a field that is missing leaves its words out.
std::string prompt_for(const adlib::io::JsonFields& customer) {
  std::string who;
  if (customer.has("age")) who += std::to_string(customer.integer("age", 0, 150)) + "岁";
  const std::string gender = customer.has("gender") ? customer.string("gender") : "";
  if (gender == "male") who += "男性";
  if (gender == "female") who += "女性";
  std::string interests;
  if (customer.has("interests")) {
    for (const auto& interest : customer.at("interests")) {
      interests += (interests.empty() ? "" : "、") + interest.get<std::string>();
    }
  }
  return "推荐一款" + (who.empty() ? "" : "适合" + who + "的") + interests + "产品";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: 02_generate MODEL_DIR\n"), 2;
  try {
    const auto customer =
        adlib::io::parse_json(R"({"age":25,"gender":"male","interests":["科技","游戏","电影"]})", "customer");
    const std::string prompt = prompt_for(adlib::io::JsonFields(customer, "customer"));
    std::printf("%s\n", prompt.c_str());

    const auto generator = adlib::Generator::from_directory(argv[1]);
    adlib::GenerationConfig config = generator.defaults();  // of the directory's generation_config.json
    config.max_new_tokens = 48;
    config.do_sample = true;
    config.temperature = 0.8f;
    config.seed = 42;
    const adlib::Result result = generator.generate(prompt, config, [](std::string_view piece) {
      std::printf("%.*s", static_cast<int>(piece.size()), piece.data());  // whole characters, as they come
      return true;                                                        // false would stop
    });
    std::printf("\n%lld prompt tokens, %zu new ones, finished by %s\n",
                static_cast<long long>(result.prompt_tokens), result.completions[0].ids.size(),
                std::string(to_string(result.completions[0].finish_reason)).c_str());
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "02_generate: %s\n", error.what()), 1;
  }
  return 0;
}
