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
        eventgw_static_table(gw_plugin)
    endif()
endfunction()

# The table of plugins that are linked into the gateway (EVENTGW_STATIC_PLUGINS, names of directories
# in plugins/), for core/plugin/static.c.
function(eventgw_static_table target)
    set(lines "")
    foreach(plugin ${EVENTGW_STATIC_PLUGINS})
        string(APPEND lines "PLUGIN(eg_plugin_${plugin})\n")
    endforeach()
    file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/generated/static_plugins.inc" CONTENT "${lines}")
    target_include_directories(${target} PRIVATE "${CMAKE_BINARY_DIR}/generated")
    target_link_libraries(${target} PUBLIC ${EVENTGW_STATIC_PLUGINS})
endfunction()

# eventgw_plugin(NAME provider_http SOURCES ... LIBRARIES ...): one .so that sees include/ and sdk/.
function(eventgw_plugin name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
    list(FIND EVENTGW_STATIC_PLUGINS ${name} static_index)
    if(static_index GREATER_EQUAL 0)
        add_library(${name} STATIC ${ARG_SOURCES})
        target_compile_definitions(${name} PRIVATE EVENTGW_STATIC_NAME=eg_plugin_${name})
        set_property(GLOBAL APPEND PROPERTY EVENTGW_STATIC_TARGETS ${name})
    else()
        add_library(${name} MODULE ${ARG_SOURCES})
        set_target_properties(${name} PROPERTIES PREFIX ""
            LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/plugins")
        if(NOT EVENTGW_SANITIZE)
            target_link_options(${name} PRIVATE -Wl,-z,defs)
        endif()
        install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/eventgw/plugins)
    endif()
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
