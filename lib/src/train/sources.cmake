adlib_layer(adlib_train LINK nlohmann_json::nlohmann_json SOURCES
  src/train/adamw.cpp
  src/train/schedule.cpp
  src/train/trainable_decoder.cpp)
target_include_directories(adlib_train PRIVATE ${PROJECT_SOURCE_DIR}/tokenizer/include)
