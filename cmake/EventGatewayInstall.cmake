# cmake --install: a normal prefix.
install(DIRECTORY "${CMAKE_SOURCE_DIR}/include/eventgw" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
