adlib_layer(adlib_generate LINK nlohmann_json::nlohmann_json SOURCES
  src/generate/beam_search.cpp
  src/generate/config.cpp
  src/generate/generator.cpp
  src/generate/sampler.cpp)
target_include_directories(adlib_generate PRIVATE ${PROJECT_SOURCE_DIR}/tokenizer/include)
