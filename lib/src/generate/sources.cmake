adlib_layer(adlib_generate LINK adlib_hot nlohmann_json::nlohmann_json SOURCES
  src/generate/beam_search.cpp
  src/generate/config.cpp
  src/generate/config_file.cpp
  src/generate/constraint.cpp
  src/generate/engine.cpp
  src/generate/generator.cpp
  src/generate/prompt.cpp
  src/generate/runner.cpp
  src/generate/scheduler.cpp
  src/generate/text_stream.cpp)
target_include_directories(adlib_generate PRIVATE ${PROJECT_SOURCE_DIR}/tokenizer/include)
