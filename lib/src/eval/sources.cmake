adlib_layer(adlib_eval LINK PkgConfig::ICU SOURCES
  src/eval/bleu.cpp
  src/eval/chrf.cpp
  src/eval/diversity.cpp
  src/eval/facts.cpp
  src/eval/ngrams.cpp
  src/eval/perplexity.cpp
  src/eval/personalisation.cpp
  src/eval/rouge.cpp
  src/eval/text.cpp
  src/eval/words.cpp)
target_include_directories(adlib_eval PRIVATE ${PROJECT_SOURCE_DIR}/tokenizer/include)
