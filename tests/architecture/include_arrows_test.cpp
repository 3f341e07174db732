// The arrows between the rooms of the house, checked on every source file; and the checker, checked on files
// that break each rule.
#include <algorithm>
#include <string>
#include <vector>

#include "architecture/arrows.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;

namespace {

std::vector<std::string> check(const std::string& path, const std::string& text) {
  return check_arrows(source_dir(), path, text);
}

}  // namespace

TEST_CASE("no include arrow in the house points up", "[architecture]") {
  const std::vector<std::string> sources = sources_of(source_dir());
  REQUIRE(sources.size() > 40);  // the rooms were found
  for (const char* room : {"core", "ops", "io", "nn", "models", "generate", "kernels", "kernels_cpu",
                           "tokenizer", "shop", "rules", "store", "collect", "polish", "write", "publish"}) {
    INFO(room);
    CHECK(std::any_of(sources.begin(), sources.end(),
                      [&](const std::string& path) { return room_of(path) == room; }));
  }
  for (const std::string& path : sources) {
    for (const std::string& problem : check(path, read_text(source_dir() / path))) FAIL_CHECK(problem);
  }
}

TEST_CASE("the arrow check reports each kind of forbidden include with file and line", "[architecture]") {
  struct Case {
    const char* path;
    const char* text;
    const char* expected;
  };
  const auto [path, text, expected] = GENERATE(values<Case>({
      {"lib/src/core/x.cpp", "#include \"adlib/ops.h\"\n", "x.cpp:1: core may not include ops"},
      {"lib/include/adlib/core/x.h", "\n#include \"adlib/io/weights.h\"\n",
       "x.h:2: core may not include weights"},
      {"kernels/cpu/x.cpp", "#include \"adlib/ops.h\"\n", "kernels_cpu may not include ops"},
      {"lib/src/ops/x.cpp", "#include \"adlib/io/weights.h\"\n", "ops may not include weights"},
      {"lib/src/io/x.cpp", "#include \"adlib/nn/linear.h\"\n", "io may not include nn"},
      {"lib/include/adlib/nn/x.h", "#include \"adlib/io/safetensors.h\"\n", "nn may not include io"},
      {"lib/include/adlib/nn/x.h", "#include \"adlib/models/decoder.h\"\n", "nn may not include models"},
      {"lib/src/models/x.cpp", "#include \"adlib/tokenizer/tokenizer.h\"\n",
       "models may not include tokenizer"},
      {"lib/src/models/x.cpp", "#include \"adlib/generate/config.h\"\n", "models may not include generate"},
      {"tokenizer/src/x.cpp", "#include \"adlib/ops.h\"\n", "tokenizer may not include ops"},
      {"lib/src/generate/x.cpp", "#include \"kernels/softmax.h\"\n", "generate may not include kernels"},
      {"examples/copywriter/store/x.cpp", "#include \"copywriter/collect/csv.h\"\n",
       "store may not include collect"},
      {"examples/copywriter/polish/x.h", "#include \"copywriter/write/template.h\"\n",
       "polish may not include write"},
      {"lib/src/ops/x.cpp", "#include <Eigen/Core>\n", "<Eigen/Core> is not for this folder"},
      {"lib/include/adlib/nn/x.h", "#include <nlohmann/json.hpp>\n",
       "<nlohmann/json.hpp> is not for this folder"},
      {"lib/include/adlib/generate/x.h", "#include \"adlib/io/json.h\"\n", "brings in io/json.h"},
      {"lib/src/io/x.cpp", "#include <pcre2.h>\n", "<pcre2.h> is not for this folder"},
      {"lib/src/models/x.cpp", "#include <cuda_runtime.h>\n", "<cuda_runtime.h> is not for this folder"},
      {"lib/src/models/x.cpp", "#ifdef FAST\n#endif\n", "x.cpp:1: a preprocessor branch in models"},
      {"lib/include/adlib/nn/x.h", "int f() { return Device::cuda; }\n", "names cuda in nn"},
      {"lib/include/adlib/core/x.h", "#define ADLIB_FAST 1\n", "a macro of the build in a public header"},
      {"lib/include/adlib/core/x.h", "#include \"adlib/core/no_such_file.h\"\n",
       "in none of the project's include"},
  }));
  const std::vector<std::string> problems = check(path, text);
  INFO(path << ": " << text);
  REQUIRE(problems.size() == 1);
  CHECK_THAT(problems[0], ContainsSubstring(expected));
}

TEST_CASE("the arrow check accepts what the house allows and ignores comments and strings",
          "[architecture]") {
  CHECK(
      check("lib/src/models/x.cpp", "#include \"adlib/io/json.h\"\n#include \"adlib/nn/block.h\"\n").empty());
  CHECK(check("lib/src/generate/x.cpp", "#include \"adlib/tokenizer/tokenizer.h\"\n").empty());
  CHECK(check("kernels/cpu/x.cpp", "#include <Eigen/Core>\n#include \"adlib/core/context.h\"\n").empty());
  CHECK(check("lib/include/adlib/nn/x.h",
              "// on cuda\n/* #ifdef\n cuda */ const char* s = \"cuda \\\" cuda\";\n")
            .empty());
  CHECK(check("lib/include/adlib/nn/x.h", "char quote = '\"'; long n = 1'000; // cuda\n").empty());
  CHECK(check("tests/ops/x.cpp", "#include <Eigen/Core>\n").empty());
}

TEST_CASE("every file belongs to the room that its folder names", "[architecture]") {
  CHECK(room_of("lib/include/adlib/io/weights.h") == "weights");
  CHECK(room_of("lib/src/io/weights.cpp") == "io");
  CHECK(room_of("kernels/softmax.h") == "kernels");
  CHECK(room_of("kernels/cpu/softmax.cpp") == "kernels_cpu");
  CHECK(room_of("examples/adlib/main.cpp") == "tool");
  CHECK(room_of("bench/kernels/softmax_bench.cpp").empty());
}
