adlib_layer(adlib_io LINK nlohmann_json::nlohmann_json SOURCES
  src/io/atomic_file.cpp
  src/io/json.cpp
  src/io/mapped_file.cpp
  src/io/pickle.cpp
  src/io/pytorch_bin.cpp
  src/io/safetensors.cpp
  src/io/weights.cpp
  src/io/zip.cpp)
# A member of a type of the anonymous namespace: GCC warns of it in an included file.
set_source_files_properties(src/io/weights.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
