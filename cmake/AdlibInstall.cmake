# Installs the headers, the library, and what finds them: find_package(adlib) and `pkg-config adlib`.
# Eigen, nlohmann-json and CLI11 are compiled in: a consumer needs none of them. A static adlib still has to link
# PCRE2, utf8proc, ICU and SentencePiece, so its package files look for those again.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_target_property(adlib_type adlib TYPE)
set(adlib_static FALSE)
if(adlib_type STREQUAL "STATIC_LIBRARY")
  set(adlib_static TRUE)
endif()
set(adlib_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/adlib)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/lib/include/ ${PROJECT_SOURCE_DIR}/tokenizer/include/
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
set(adlib_installed_targets adlib)
if(adlib_static AND TARGET sentencepiece-static)  # fetched, so no package of the system provides it
  list(APPEND adlib_installed_targets sentencepiece-static sentencepiece_train-static)
endif()
install(TARGETS ${adlib_installed_targets} EXPORT adlib-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT adlib-targets NAMESPACE adlib:: DESTINATION ${adlib_package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/adlib-config.cmake.in
  ${PROJECT_BINARY_DIR}/adlib-config.cmake INSTALL_DESTINATION ${adlib_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/adlib-config-version.cmake
  COMPATIBILITY SameMinorVersion)  # before 1.0 a minor version may break the interface
install(FILES ${PROJECT_BINARY_DIR}/adlib-config.cmake ${PROJECT_BINARY_DIR}/adlib-config-version.cmake
        DESTINATION ${adlib_package_dir})

# adlib.pc. Its prefix is relative to itself, so that the installed tree may be moved.
set(adlib_pc_requires "libpcre2-8 libutf8proc icu-uc")
set(adlib_pc_libs "-pthread")
if(TARGET sentencepiece-static)
  string(APPEND adlib_pc_libs " -lsentencepiece_train -lsentencepiece")
else()
  string(APPEND adlib_pc_requires " sentencepiece")
endif()
if(ADLIB_CUDA)
  string(APPEND adlib_pc_libs " -lcudart -lcublasLt")
endif()
# A shared library brings its own dependencies; a static one leaves them to whoever links it.
set(adlib_pc_private ".private")
set(adlib_pc_link "")
if(adlib_static)
  set(adlib_pc_private "")
  set(adlib_pc_link " ${adlib_pc_libs}")
endif()
set(adlib_pc_prefix ${CMAKE_INSTALL_PREFIX})
set(adlib_pc_libdir ${CMAKE_INSTALL_FULL_LIBDIR})
set(adlib_pc_includedir ${CMAKE_INSTALL_FULL_INCLUDEDIR})
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" AND NOT IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  file(RELATIVE_PATH adlib_pc_up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" adlib_pc_up "${adlib_pc_up}")
  set(adlib_pc_prefix "\${pcfiledir}/${adlib_pc_up}")
  set(adlib_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(adlib_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/adlib.pc.in ${PROJECT_BINARY_DIR}/adlib.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/adlib.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The installed program finds a shared adlib beside itself, wherever the tree is moved.
if(TARGET adlib_tool AND NOT adlib_static)
  file(RELATIVE_PATH adlib_lib_from_bin "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
  set_target_properties(adlib_tool PROPERTIES INSTALL_RPATH "$ORIGIN/${adlib_lib_from_bin}")
endif()
