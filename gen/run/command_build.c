/* command_build: gen build DIR. */
#include "run/build.h"

#include "base/jsonw.h"
#include "run/certified.h"

Status command_build(Run *run) {
    const char *dir = run->options.operand, *binary;
    TRY(build_binary(run, dir, &binary));
    TRY(build_program(run, dir));
    certified_warn(run, dir);
    if (run_json(run)) {
        Buf text = {0};
        Jsonw json;
        jsonw_begin(&json, &text);
        jsonw_object(&json, false);
        jsonw_key(&json, "binary");
        jsonw_string(&json, binary);
        jsonw_end(&json);
        jsonw_finish(&json);
        fputs(text.data, stdout);
        buf_free(&text);
    } else {
        puts(binary);
    }
    return STATUS_OK;
}
