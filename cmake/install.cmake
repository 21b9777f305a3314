# What `cmake --install` puts under a prefix. Everything finds its neighbours relative to itself, so the
# prefix can be moved afterwards:
#   bin/gen                          the generator
#   lib/toposmith/librt_host.a       the host runtime as built with this gen
#   lib/cmake/Toposmith              find_package(Toposmith) gives Toposmith::rt_host
#   lib/pkgconfig/toposmith.pc
#   share/toposmith/runtime          the runtime's sources: emitted programs include rt.h from there
#   share/toposmith/models, topologies        inputs to begin with
#   share/toposmith/lua, templates, claims   what gen carries inside, to read, and to copy for --share
#   share/man, share/bash-completion, share/zsh        made from the one table of options
include(CMakePackageConfigHelpers)

# The build folder has the same places, so that the gen in it needs no path of the source tree.
foreach(folder runtime models topologies)
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/share/toposmith)
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${folder} ${CMAKE_BINARY_DIR}/share/toposmith/${folder}
         SYMBOLIC)
endforeach()

install(TARGETS gen RUNTIME DESTINATION bin)
install(DIRECTORY runtime models topologies claims lua templates DESTINATION share/toposmith)
install(FILES LICENSE DESTINATION share/doc/toposmith)

# --- the runtime as a package ----------------------------------------------------------------------------
install(TARGETS rt_host EXPORT ToposmithTargets ARCHIVE DESTINATION lib/toposmith
        INCLUDES DESTINATION share/toposmith/runtime)
install(EXPORT ToposmithTargets NAMESPACE Toposmith:: DESTINATION lib/cmake/Toposmith)
configure_package_config_file(cmake/ToposmithConfig.cmake.in ${CMAKE_BINARY_DIR}/ToposmithConfig.cmake
                              INSTALL_DESTINATION lib/cmake/Toposmith
                              NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/ToposmithConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/ToposmithConfig.cmake
              ${CMAKE_BINARY_DIR}/ToposmithConfigVersion.cmake DESTINATION lib/cmake/Toposmith)
configure_file(cmake/toposmith.pc.in ${CMAKE_BINARY_DIR}/toposmith.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/toposmith.pc DESTINATION lib/pkgconfig)

# --- man page and completions ----------------------------------------------------------------------------
file(GLOB PAGES CONFIGURE_DEPENDS gen/pages/*.c)
add_executable(gen_pages ${PAGES})
target_link_libraries(gen_pages PRIVATE gen_run)
set(pages "")
foreach(page gen.1 gen.bash _gen)
    add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/pages/${page}
                       COMMAND gen_pages ${page} ${CMAKE_BINARY_DIR}/pages/${page}
                       DEPENDS gen_pages COMMENT "Writing ${page} from the table of options" VERBATIM)
    list(APPEND pages ${CMAKE_BINARY_DIR}/pages/${page})
endforeach()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/pages)
add_custom_target(pages ALL DEPENDS ${pages})
install(FILES ${CMAKE_BINARY_DIR}/pages/gen.1 DESTINATION share/man/man1)
install(FILES ${CMAKE_BINARY_DIR}/pages/gen.bash DESTINATION share/bash-completion/completions
        RENAME gen)
install(FILES ${CMAKE_BINARY_DIR}/pages/_gen DESTINATION share/zsh/site-functions)
