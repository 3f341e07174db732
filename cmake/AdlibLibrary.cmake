# adlib::adlib: the one public target. Its parts are OBJECT libraries, so that each layer is compiled
# with only the dependencies it may use.
set(adlib_layers adlib_core adlib_kernels_cpu adlib_ops adlib_io adlib_models adlib_generate adlib_train adlib_eval
    adlib_tokenizer)
if(ADLIB_CUDA)
  list(APPEND adlib_layers adlib_kernels_cuda)
  if(TARGET adlib_kernels_hopper)
    list(APPEND adlib_layers adlib_kernels_hopper)
  endif()
endif()

add_library(adlib)
add_library(adlib::adlib ALIAS adlib)
foreach(layer IN LISTS adlib_layers)
  target_sources(adlib PRIVATE $<TARGET_OBJECTS:${layer}>)
endforeach()
set_target_properties(adlib PROPERTIES
  LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_compile_features(adlib PUBLIC cxx_std_20)
target_include_directories(adlib PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib/include>
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/tokenizer/include>
  $<INSTALL_INTERFACE:include>)
target_link_libraries(adlib
  PUBLIC Threads::Threads
  PRIVATE $<BUILD_INTERFACE:adlib_options>
          PkgConfig::PCRE2 PkgConfig::UTF8PROC PkgConfig::ICU adlib_sentencepiece)
if(ADLIB_CUDA STREQUAL "HOST")
  target_link_libraries(adlib PRIVATE $<BUILD_INTERFACE:Boost::context>)
elseif(ADLIB_CUDA)
  target_link_libraries(adlib PRIVATE CUDA::cudart CUDA::cublasLt)
endif()
