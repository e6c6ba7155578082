# What `cmake --install` installs, and how find_package(walkie) and pkg-config find it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/walkie)
install(TARGETS walkie EXPORT walkieTargets FILE_SET HEADERS)
install(EXPORT walkieTargets NAMESPACE walkie:: DESTINATION ${package_dir})
configure_package_config_file(cmake/walkieConfig.cmake.in walkieConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may break its users.
write_basic_package_version_file(walkieConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/walkieConfig.cmake
              ${PROJECT_BINARY_DIR}/walkieConfigVersion.cmake
        DESTINATION ${package_dir})

# A static library's users must link what it needs; a shared one's need not.
set(walkie_pc_requires Requires)
set(walkie_pc_libs "-lwalkie -pthread")
if(BUILD_SHARED_LIBS)
  set(walkie_pc_requires Requires.private)
  set(walkie_pc_libs "-lwalkie")
endif()
file(RELATIVE_PATH walkie_pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(cmake/walkie.pc.in walkie.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/walkie.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(TARGET walkie_program)
  install(TARGETS walkie_program)
endif()
