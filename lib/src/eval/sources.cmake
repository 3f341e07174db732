adlib_layer(adlib_eval LINK nlohmann_json::nlohmann_json SOURCES
  src/eval/ngrams.cpp)
target_include_directories(adlib_eval PRIVATE ${PROJECT_SOURCE_DIR}/tokenizer/include)
