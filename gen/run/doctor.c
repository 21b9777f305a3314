/* doctor: gen doctor. Each finding says what is there, or what its lack costs and how to get it. */
#include "run/doctor.h"

#include "base/jsonw.h"

static void report_text(const Findings *list) {
    for (int64_t i = 0; i < list->count; i++) {
        const Finding *item = &list->items[i];
        printf("%-14s %-8s %s\n", item->name, item->found ? "ok" : "missing",
               item->found ? item->found : item->cost);
        if (!item->found)
            printf("%-14s %-8s to get it: %s\n", "", "", item->cure);
    }
}

static void report_json(const Findings *list, bool ready) {
    Buf text = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    jsonw_object(&json, false);
    jsonw_key(&json, "findings");
    jsonw_array(&json, false);
    for (int64_t i = 0; i < list->count; i++) {
        const Finding *item = &list->items[i];
        jsonw_object(&json, true);
        if (!item->found) {
            jsonw_key(&json, "cost");
            jsonw_string(&json, item->cost);
            jsonw_key(&json, "cure");
            jsonw_string(&json, item->cure);
        }
        jsonw_key(&json, "found");
        jsonw_string(&json, item->found);
        jsonw_key(&json, "name");
        jsonw_string(&json, item->name);
        jsonw_key(&json, "needed");
        jsonw_bool(&json, item->needed);
        jsonw_end(&json);
    }
    jsonw_end(&json);
    jsonw_key(&json, "ready");
    jsonw_bool(&json, ready);
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(text.data, stdout);
    buf_free(&text);
}

Status command_doctor(Run *run) {
    Findings list = {0};
    bool ready = true;
    doctor_probe(run, &list);
    for (int64_t i = 0; i < list.count; i++)
        ready = ready && (list.items[i].found || !list.items[i].needed);
    if (run_json(run))
        report_json(&list, ready);
    else
        report_text(&list);
    if (!ready)
        run_say(run, "something that programs for the host need is missing");
    return ready ? STATUS_OK : STATUS_UNAVAILABLE;
}
