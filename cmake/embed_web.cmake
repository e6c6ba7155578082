# walkie_embed_web(target): builds web/ and compiles its files into `target`, which then has
# walkie::web_files() (src/cli/web_files.hpp).
#
# The page is bundled into the build directory, so that several build directories share nothing
# but web/node_modules; that is installed by this same file run as a script, under a lock, and only
# where it is missing or package-lock.json changed.
if(CMAKE_SCRIPT_MODE_FILE)
  # Outside node_modules, which npm ci empties.
  file(LOCK ${WEB_DIR}/.npm-ci.lock GUARD PROCESS TIMEOUT 600)
  file(SHA256 ${WEB_DIR}/package-lock.json wanted)
  set(stamp ${WEB_DIR}/node_modules/.walkie-lock-sha256)
  set(installed "")
  if(EXISTS ${stamp})
    file(READ ${stamp} installed)
  endif()
  if(NOT installed STREQUAL wanted)
    execute_process(COMMAND ${NPM} ci --no-audit --no-fund WORKING_DIRECTORY ${WEB_DIR}
                    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
      message(FATAL_ERROR "npm ci in ${WEB_DIR} failed:\n${output}")
    endif()
    file(WRITE ${stamp} ${wanted})
  endif()
  return()
endif()

set(WALKIE_EMBED_WEB_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(walkie_embed_web target)
  find_program(WALKIE_NODE NAMES node nodejs)
  find_program(WALKIE_NPM npm)
  if(NOT WALKIE_NODE OR NOT WALKIE_NPM)
    message(FATAL_ERROR "The web page needs node (18 or later) and npm: apt-get install nodejs npm")
  endif()
  set(web ${CMAKE_SOURCE_DIR}/web)
  set(work ${CMAKE_BINARY_DIR}/web)
  set(packages ${work}/packages.stamp)
  set(generated ${work}/web_files.cpp)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${web}/src/*)

  add_custom_command(
    OUTPUT ${packages}
    COMMAND ${CMAKE_COMMAND} -DWEB_DIR=${web} -DNPM=${WALKIE_NPM} -P ${WALKIE_EMBED_WEB_SCRIPT}
    COMMAND ${CMAKE_COMMAND} -E touch ${packages}
    DEPENDS ${web}/package.json ${web}/package-lock.json ${web}/.npmrc
    COMMENT "Installing the packages that build the web page"
    VERBATIM)
  add_custom_command(
    OUTPUT ${generated}
    COMMAND ${WALKIE_NODE} ${web}/tools/build.mjs --out ${work}/dist
    COMMAND ${WALKIE_NODE} ${web}/tools/embed.mjs ${work}/dist ${generated}
    DEPENDS ${packages} ${sources} ${web}/tools/build.mjs ${web}/tools/embed.mjs
    COMMENT "Building the web page"
    VERBATIM)
  target_sources(${target} PRIVATE ${generated})
endfunction()
