// The numbered examples and the README's program: built by this build, run on a model that the tool made.
#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;

TEST_CASE("example 01 agrees with the definition of attention", "[cli][examples]") {
  const Finished finished = example("01_attention");
  CHECK(finished.exit_code == 0);
  CHECK_THAT(finished.out, ContainsSubstring("token 0 looks at: 1.000\n"));
  CHECK_THAT(finished.out, ContainsSubstring("largest difference"));
}

TEST_CASE("example 02 writes for the canonical customer", "[cli][examples]") {
  const Finished finished = example("02_generate", {tiny_model().string()});
  INFO(finished.err);
  CHECK(finished.exit_code == 0);
  CHECK(lines_of(finished.out).at(0) == "推荐一款适合25岁男性的科技、游戏、电影产品");
  CHECK_THAT(finished.out, ContainsSubstring("prompt tokens"));
  CHECK(finished.out == example("02_generate", {tiny_model().string()}).out);
  CHECK(example("02_generate").exit_code == 2);
  const Finished missing = example("02_generate", {"/no/such/model"});
  CHECK(missing.exit_code == 1);
  CHECK_THAT(missing.err, ContainsSubstring("/no/such/model"));
}

TEST_CASE("example 03 runs a layer of its own and is refused a misshapen tensor", "[cli][examples]") {
  const Finished finished = example("03_your_own_layer");
  INFO(finished.out);
  CHECK(finished.exit_code == 0);
  CHECK_THAT(finished.out, ContainsSubstring("refused: ") && ContainsSubstring("branch.scale.gain"));
}

TEST_CASE("example 04 gives each prompt of a batch the text that it gets alone", "[cli][examples]") {
  const Finished finished = example("04_batch_of_prompts", {tiny_model().string()});
  INFO(finished.out << finished.err);
  CHECK(finished.exit_code == 0);
  CHECK(lines_of(finished.out).size() == 3);
}

TEST_CASE("example 05 teaches a model its examples", "[cli][examples]") {
  const TempDir dir;
  const Finished finished = example("05_train", {(dir / "model").string()});
  INFO(finished.out << finished.err);
  CHECK(finished.exit_code == 0);
  CHECK(lines_of(finished.out).back() == "green mug: the green mug for you.");
}

TEST_CASE("the README's program compiles as it stands there and runs", "[cli][examples]") {
  const Finished finished = example("readme_example", {tiny_model().string()});
  INFO(finished.err);
  CHECK(finished.exit_code == 0);
  CHECK(finished.out.size() > 10);
}
