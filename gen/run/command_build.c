/* command_build: gen build DIR. */
#include "run/build.h"

#include "base/json.h"

Status command_build(Run *run) {
    const char *dir = run->options.operand, *binary;
    TRY(build_binary(run, dir, &binary));
    TRY(build_program(run, dir));
    if (run_json(run)) {
        Buf text = {0};
        Json json;
        json_begin(&json, &text);
        json_object(&json, false);
        json_key(&json, "binary");
        json_string(&json, binary);
        json_end(&json);
        json_finish(&json);
        fputs(text.data, stdout);
        buf_free(&text);
    } else {
        puts(binary);
    }
    return STATUS_OK;
}
