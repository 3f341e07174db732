adlib_layer(adlib_io LINK nlohmann_json::nlohmann_json SOURCES
  src/io/atomic_file.cpp
  src/io/json.cpp
  src/io/mapped_file.cpp
  src/io/pickle.cpp
  src/io/pytorch_bin.cpp
  src/io/safetensors.cpp
  src/io/weights.cpp
  src/io/zip.cpp)
