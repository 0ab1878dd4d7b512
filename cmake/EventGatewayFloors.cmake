# The house in CMake: a floor sees the floors it names and nothing else.

# eventgw_floor(NAME base LINKS ... ): core/<name>/*.c as static library gw_<name>.
function(eventgw_floor name)
    cmake_parse_arguments(ARG "" "" "FLOORS;LIBRARIES" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/core/${name}/*.c")
    if(NOT sources)
        return()
    endif()
    add_library(gw_${name} STATIC ${sources})
    target_include_directories(gw_${name} PUBLIC "${CMAKE_SOURCE_DIR}/include" "${CMAKE_SOURCE_DIR}/core")
    target_link_libraries(gw_${name} PRIVATE eventgw_flags)
    foreach(floor ${ARG_FLOORS})
        target_link_libraries(gw_${name} PUBLIC gw_${floor})
    endforeach()
    target_link_libraries(gw_${name} PUBLIC ${ARG_LIBRARIES})
    if(name STREQUAL "plugin")
        target_include_directories(gw_plugin PRIVATE "${CMAKE_BINARY_DIR}/generated")
    endif()
endfunction()

# Plugins that are linked into the gateway (EVENTGW_STATIC_PLUGINS: names of directories in plugins/, or
# `all`), and their table for core/plugin/static.c. After all plugins: who names one that is not there, or
# that is left out since its library is missing, hears of it.
function(eventgw_static_table)
    set(lines "")
    get_property(built GLOBAL PROPERTY EVENTGW_STATIC_TARGETS)
    foreach(plugin ${EVENTGW_STATIC_PLUGINS})
        if(NOT plugin STREQUAL "all" AND NOT plugin IN_LIST built)
            message(FATAL_ERROR "EVENTGW_STATIC_PLUGINS: there is no plugin '${plugin}' to link in")
        endif()
    endforeach()
    foreach(plugin ${built})
        string(APPEND lines "PLUGIN(eg_plugin_${plugin})\n")
    endforeach()
    file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/generated/static_plugins.inc" CONTENT "${lines}")
    target_link_libraries(gw_plugin PUBLIC ${built})
endfunction()

# A plugin as one object in which nothing but its constant has a name that others see: plugins are
# written as shared objects, and two of them may well have a function of the same name.
function(eventgw_static_plugin name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
    set(object "${CMAKE_CURRENT_BINARY_DIR}/${name}.o")
    add_library(${name}_parts OBJECT ${ARG_SOURCES})
    set_target_properties(${name}_parts PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
    target_compile_definitions(${name}_parts PRIVATE EVENTGW_STATIC_NAME=eg_plugin_${name})
    target_include_directories(${name}_parts PRIVATE "${CMAKE_SOURCE_DIR}/include"
        "${CMAKE_SOURCE_DIR}/sdk/include")
    target_link_libraries(${name}_parts PRIVATE eventgw_flags ${ARG_LIBRARIES})
    # What the plugin's own CMakeLists.txt says about it later is meant for its sources.
    target_include_directories(${name}_parts PRIVATE $<TARGET_PROPERTY:${name},INCLUDE_DIRECTORIES>)
    target_compile_definitions(${name}_parts PRIVATE $<TARGET_PROPERTY:${name},COMPILE_DEFINITIONS>)
    target_compile_options(${name}_parts PRIVATE $<TARGET_PROPERTY:${name},COMPILE_OPTIONS>)
    add_custom_command(OUTPUT "${object}"
        COMMAND "${CMAKE_C_COMPILER}" -r -nostdlib -o "${object}" "$<TARGET_OBJECTS:${name}_parts>"
        COMMAND "${CMAKE_OBJCOPY}" --keep-global-symbol=eg_plugin_${name} "${object}"
        DEPENDS ${name}_parts "$<TARGET_OBJECTS:${name}_parts>" COMMAND_EXPAND_LISTS VERBATIM)
    set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
    add_library(${name} STATIC "${object}")
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
    target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES})
    set_property(GLOBAL APPEND PROPERTY EVENTGW_STATIC_TARGETS ${name})
endfunction()

# eventgw_plugin(NAME provider_http SOURCES ... LIBRARIES ...): one .so that sees include/ and sdk/.
function(eventgw_plugin name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
    if(name IN_LIST EVENTGW_STATIC_PLUGINS OR "all" IN_LIST EVENTGW_STATIC_PLUGINS)
        eventgw_static_plugin(${name} SOURCES ${ARG_SOURCES} LIBRARIES ${ARG_LIBRARIES})
        return()
    endif()
    add_library(${name} MODULE ${ARG_SOURCES})
    set_target_properties(${name} PROPERTIES PREFIX ""
        LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/plugins")
    if(NOT EVENTGW_SANITIZE)
        target_link_options(${name} PRIVATE -Wl,-z,defs)
    endif()
    install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/eventgw/plugins)
    target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}/include"
        "${CMAKE_SOURCE_DIR}/sdk/include")
    target_link_libraries(${name} PRIVATE eventgw_flags ${ARG_LIBRARIES})
endfunction()

# eventgw_unit_tests(base): each tests/unit/<floor>/test_*.c is one program and one ctest.
function(eventgw_unit_tests floor)
    cmake_parse_arguments(ARG "" "" "LIBRARIES" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/unit/${floor}/test_*.c")
    foreach(source ${sources})
        get_filename_component(test ${source} NAME_WE)
        set(target unit_${floor}_${test})
        add_executable(${target} ${source})
        target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}/tests/unit"
            "${CMAKE_SOURCE_DIR}/sdk/include")
        target_compile_definitions(${target} PRIVATE
            TEST_DATA_DIR="${CMAKE_SOURCE_DIR}/../shared/data"
            TEST_SOURCE_DIR="${CMAKE_SOURCE_DIR}" TEST_BUILD_DIR="${CMAKE_BINARY_DIR}")
        target_link_libraries(${target} PRIVATE eventgw_flags gw_${floor} PkgConfig::CUNIT
            ${ARG_LIBRARIES})
        add_test(NAME unit/${floor}/${test} COMMAND ${target})
        set_tests_properties(unit/${floor}/${test} PROPERTIES TIMEOUT 120 LABELS unit)
    endforeach()
endfunction()
