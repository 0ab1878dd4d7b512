# cmake --install: a normal prefix. Plugins install themselves (eventgw_plugin).
include(CMakePackageConfigHelpers)

if(TARGET event-gateway)
    install(TARGETS event-gateway RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

install(DIRECTORY "${CMAKE_SOURCE_DIR}/include/eventgw" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(DIRECTORY "${CMAKE_SOURCE_DIR}/sdk/include/eventgw-sdk"
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS eventgw_fake_host ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY "${CMAKE_SOURCE_DIR}/sdk/template/"
        DESTINATION ${CMAKE_INSTALL_DATADIR}/eventgw/plugin-template)

# Of a system prefix that is /etc, not /usr/etc (GNUInstallDirs, "Special Cases").
set(EVENTGW_SYSCONFDIR ${CMAKE_INSTALL_SYSCONFDIR})
if(CMAKE_INSTALL_PREFIX MATCHES "^(/usr)?/?$")
    set(EVENTGW_SYSCONFDIR ${CMAKE_INSTALL_FULL_SYSCONFDIR})
endif()
install(FILES "${CMAKE_SOURCE_DIR}/etc/event-gateway.conf" DESTINATION ${EVENTGW_SYSCONFDIR}/event-gateway)

# lib/cmake/EventGateway: the package for plugin projects.
set(EVENTGW_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/EventGateway)
set(EVENTGW_PLUGIN_DIR ${CMAKE_INSTALL_LIBDIR}/eventgw/plugins)
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/EventGatewayConfig.cmake.in"
    "${CMAKE_BINARY_DIR}/generated/EventGatewayConfig.cmake"
    INSTALL_DESTINATION ${EVENTGW_PACKAGE_DIR}
    PATH_VARS EVENTGW_PLUGIN_DIR CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file("${CMAKE_BINARY_DIR}/generated/EventGatewayConfigVersion.cmake"
    VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
# The same for plugins that are built against this build tree, which is what `plugin new` does there.
configure_file("${CMAKE_CURRENT_LIST_DIR}/EventGatewayBuildTree.cmake.in"
    "${CMAKE_BINARY_DIR}/EventGatewayConfig.cmake" @ONLY)
configure_file("${CMAKE_BINARY_DIR}/generated/EventGatewayConfigVersion.cmake"
    "${CMAKE_BINARY_DIR}/EventGatewayConfigVersion.cmake" COPYONLY)
file(GLOB template_files CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}/sdk/template"
    "${CMAKE_SOURCE_DIR}/sdk/template/*/*")
foreach(file ${template_files})
    configure_file("${CMAKE_SOURCE_DIR}/sdk/template/${file}"
        "${CMAKE_BINARY_DIR}/plugin-template/${file}" COPYONLY)
endforeach()
install(FILES "${CMAKE_BINARY_DIR}/generated/EventGatewayConfig.cmake"
              "${CMAKE_BINARY_DIR}/generated/EventGatewayConfigVersion.cmake"
        DESTINATION ${EVENTGW_PACKAGE_DIR})
