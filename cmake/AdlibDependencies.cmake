# Third-party libraries: the system's package first, a pinned FetchContent where it has none.
include(FetchContent)
find_package(Threads REQUIRED)

find_package(Eigen3 3.4 QUIET NO_MODULE)
if(NOT TARGET Eigen3::Eigen)
  FetchContent_Declare(Eigen3 URL https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.gz)
  FetchContent_GetProperties(Eigen3)
  if(NOT eigen3_POPULATED)
    FetchContent_Populate(Eigen3)  # headers only: its own targets and tests are not wanted
  endif()
  add_library(adlib_eigen INTERFACE)
  target_include_directories(adlib_eigen SYSTEM INTERFACE ${eigen3_SOURCE_DIR})
  add_library(Eigen3::Eigen ALIAS adlib_eigen)
endif()

find_package(nlohmann_json 3.10 QUIET)
if(NOT TARGET nlohmann_json::nlohmann_json)
  FetchContent_Declare(nlohmann_json
    URL https://github.com/nlohmann/json/releases/download/v3.11.2/json.tar.xz)
  FetchContent_MakeAvailable(nlohmann_json)
endif()

# PCRE2, utf8proc, ICU and SentencePiece are found by their .pc files: each hides behind one imported target.
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(ICU REQUIRED IMPORTED_TARGET icu-uc)
pkg_check_modules(SENTENCEPIECE QUIET IMPORTED_TARGET sentencepiece)
if(SENTENCEPIECE_FOUND)
  add_library(adlib_sentencepiece ALIAS PkgConfig::SENTENCEPIECE)
else()
  FetchContent_Declare(sentencepiece
    URL https://github.com/google/sentencepiece/archive/refs/tags/v0.1.97.tar.gz)
  FetchContent_MakeAvailable(sentencepiece)
  add_library(adlib_sentencepiece ALIAS sentencepiece_train-static)  # brings sentencepiece-static
endif()
# adlib_header_only(name header url folder): the target adlib_<name> for a library that is used as a header only: nothing of
# it is linked or installed. `folder` is where its headers are in what `url` holds.
function(adlib_header_only name header url folder)
  string(TOUPPER ADLIB_${name}_INCLUDE_DIR directory)
  find_path(${directory} ${header})
  mark_as_advanced(${directory})
  add_library(adlib_${name} INTERFACE)
  if(${directory})
    target_include_directories(adlib_${name} SYSTEM INTERFACE ${${directory}})
  else()
    FetchContent_Declare(${name} URL ${url})
    FetchContent_GetProperties(${name})
    if(NOT ${name}_POPULATED)
      FetchContent_Populate(${name})
    endif()
    target_include_directories(adlib_${name} SYSTEM INTERFACE ${${name}_SOURCE_DIR}/${folder})
  endif()
endfunction()
adlib_header_only(xxhash xxhash.h https://github.com/Cyan4973/xxHash/archive/refs/tags/v0.8.1.tar.gz .)
target_compile_definitions(adlib_xxhash INTERFACE XXH_INLINE_ALL)
if(ADLIB_BUILD_TOOLS)
  find_package(SQLite3 REQUIRED)  # a campaign is one database
  find_package(OpenSSL COMPONENTS Crypto REQUIRED)  # SHA-256 and HMAC
  find_package(CURL REQUIRED)     # webhooks
  # With which rule files are read.
  adlib_header_only(tomlplusplus toml++/toml.h
    https://github.com/marzer/tomlplusplus/archive/refs/tags/v3.3.0.tar.gz include)
endif()
if(ADLIB_BUILD_TOOLS OR ADLIB_BUILD_BENCH)
  find_package(CLI11 2.1 QUIET)
  if(NOT TARGET CLI11::CLI11)
    FetchContent_Declare(CLI11 URL https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.3.2.tar.gz)
    FetchContent_MakeAvailable(CLI11)
  endif()
endif()
if(ADLIB_BUILD_TESTS)
  find_package(Catch2 QUIET)  # 2.13 on Debian 12, 3.x on newer systems: tests/support/catch.h serves both
  if(NOT TARGET Catch2::Catch2)
    FetchContent_Declare(Catch2 URL https://github.com/catchorg/Catch2/archive/refs/tags/v3.5.2.tar.gz)
    FetchContent_MakeAvailable(Catch2)
    list(APPEND CMAKE_MODULE_PATH ${catch2_SOURCE_DIR}/extras)
  endif()
endif()
if(ADLIB_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()
if(ADLIB_CUDA STREQUAL "HOST")
  find_package(Boost REQUIRED COMPONENTS context)
elseif(ADLIB_CUDA)
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
endif()
