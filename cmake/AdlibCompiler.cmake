# Settings that every target of adlib shares. Nothing here reaches a consumer of adlib::adlib.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
endif()

add_library(adlib_options INTERFACE)
target_compile_features(adlib_options INTERFACE cxx_std_20)
target_compile_options(adlib_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow>
  # One order of summation: the compiler may not contract a*b+c on targets whose baseline has FMA.
  $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>)
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # In one translation unit a local name may be that of another file's own: no mistake.
  target_compile_options(adlib_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-shadow>)
endif()
if(ADLIB_WARNINGS_AS_ERRORS)
  target_compile_options(adlib_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()
if(ADLIB_SANITIZE)
  list(JOIN ADLIB_SANITIZE "," adlib_sanitizers)
  target_compile_options(adlib_options INTERFACE
    -fsanitize=${adlib_sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(adlib_options INTERFACE -fsanitize=${adlib_sanitizers})
endif()

# How code differs from its build type: tests and the reading of flags take longer to compile than they ever run; the
# sanitizers' presets do not optimise, except where the tests spend their time.
add_library(adlib_cold INTERFACE)
target_compile_options(adlib_cold INTERFACE $<$<CONFIG:Release>:-O1>
  # GCC 12 at -O1 loses track of std::string's own buffer.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds> $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overread>)
add_library(adlib_hot INTERFACE)
if(ADLIB_SANITIZE)
  target_compile_options(adlib_hot INTERFACE -O1)
endif()
