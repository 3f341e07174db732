adlib_layer(adlib_train LINK nlohmann_json::nlohmann_json adlib_xxhash SOURCES
  src/train/adamw.cpp
  src/train/batch_stream.cpp
  src/train/checkpoint.cpp
  src/train/dataset.cpp
  src/train/example.cpp
  src/train/loss_plot.cpp
  src/train/muon.cpp
  src/train/objective.cpp
  src/train/optimizer.cpp
  src/train/preference.cpp
  src/train/run.cpp
  src/train/schedule.cpp
  src/train/token_cache.cpp
  src/train/tokenise.cpp
  src/train/trainable_decoder.cpp
  src/train/trainer.cpp
  src/train/training_log.cpp)
target_include_directories(adlib_train PRIVATE ${PROJECT_SOURCE_DIR}/tokenizer/include)
