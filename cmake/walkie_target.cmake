# What all targets share: the language, warnings, sanitizers, and how layers are declared.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
find_program(WALKIE_CCACHE ccache)
if(WALKIE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${WALKIE_CCACHE})
endif()

# Warnings and sanitizers: for everything that we compile, the examples included.
add_library(walkie_warnings INTERFACE)
target_compile_options(walkie_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 sees these in its own inlined std::string and std::vector (GCC bugs 105329 and 105762).
  target_compile_options(walkie_warnings INTERFACE -Wno-restrict -Wno-array-bounds
                         -Wno-stringop-overflow)
endif()
if(WALKIE_WERROR)
  target_compile_options(walkie_warnings INTERFACE -Werror)
endif()
if(WALKIE_SANITIZE)
  set(sanitize -fsanitize=${WALKIE_SANITIZE} -fno-sanitize-recover=all)
  target_compile_options(walkie_warnings INTERFACE ${sanitize} -fno-omit-frame-pointer)
  target_link_options(walkie_warnings INTERFACE ${sanitize})
endif()

# The same, and the sight of private headers: for the layers and what tests them.
add_library(walkie_flags INTERFACE)
target_link_libraries(walkie_flags INTERFACE walkie_warnings)
target_include_directories(walkie_flags INTERFACE ${PROJECT_SOURCE_DIR}/include
                           ${PROJECT_SOURCE_DIR}/src)

# walkie_layer(name DEPENDS layers... LIBRARIES external...): all sources of src/<name> as
# walkie_<name>, but for a main.cpp.
function(walkie_layer name)
  cmake_parse_arguments(LAYER "" "" "DEPENDS;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  set(below ${LAYER_LIBRARIES})
  if(sources)
    add_library(walkie_${name} OBJECT ${sources})
    target_link_libraries(walkie_${name} PUBLIC walkie_flags ${LAYER_LIBRARIES})
    set_property(GLOBAL APPEND PROPERTY WALKIE_LAYERS walkie_${name})
    list(PREPEND below walkie_${name})
  endif()
  # Programs over a layer link it and all below it.
  foreach(dependency IN LISTS LAYER_DEPENDS)
    get_property(more GLOBAL PROPERTY WALKIE_BELOW_${dependency})
    list(APPEND below ${more})
  endforeach()
  list(REMOVE_DUPLICATES below)
  set_property(GLOBAL PROPERTY WALKIE_BELOW_${name} ${below})
endfunction()

# walkie_link_layer(target layer): the layer's objects and everything under it.
function(walkie_link_layer target layer)
  get_property(below GLOBAL PROPERTY WALKIE_BELOW_${layer})
  target_link_libraries(${target} PRIVATE walkie_flags ${below})
endfunction()
