adlib_layer(adlib_models LINK nlohmann_json::nlohmann_json SOURCES
  src/models/checkpoint.cpp
  src/models/decoder.cpp
  src/models/gpt2.cpp
  src/models/llama.cpp
  src/models/quantize.cpp
  src/models/random_weights.cpp
  src/models/tensor_specs.cpp)
target_include_directories(adlib_models PRIVATE ${PROJECT_SOURCE_DIR}/tokenizer/include)
