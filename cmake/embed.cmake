# Write FILES (comma-separated, relative to ROOT) as one C file of byte arrays, in the order given.
# Read back through `struct EmbeddedFile embedded_files[]` (gen/base/embedded.h).
string(REPLACE "," ";" FILES "${FILES}")
set(text "/* Made by cmake/embed.cmake from lua/, templates/ and claims/. Do not edit. */\n#include <stddef.h>\n")
set(table "")
set(index 0)
foreach(file IN LISTS FILES)
    file(READ "${ROOT}/${file}" hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(LENGTH "${hex}" digits)
    math(EXPR size "${digits} / 2")
    string(APPEND text "static const unsigned char file_${index}[] = {${bytes}0};\n")
    string(APPEND table "    {\"${file}\", (const char *)file_${index}, ${size}},\n")
    math(EXPR index "${index} + 1")
endforeach()
string(APPEND text "extern const struct EmbeddedFile {\n    const char *name, *data;\n    size_t size;\n"
       "} embedded_files[];\n"
       "const struct EmbeddedFile embedded_files[] = {\n${table}    {NULL, NULL, 0}};\n")
file(WRITE "${OUTPUT}" "${text}")
