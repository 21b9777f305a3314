/* doctor: gen doctor. Each finding says what is there, or what its lack costs and how to get it. */
#include "run/doctor.h"

#include "base/json.h"

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
    Json json;
    json_begin(&json, &text);
    json_object(&json, false);
    json_key(&json, "findings");
    json_array(&json, false);
    for (int64_t i = 0; i < list->count; i++) {
        const Finding *item = &list->items[i];
        json_object(&json, true);
        json_key(&json, "found");
        json_string(&json, item->found);
        json_key(&json, "name");
        json_string(&json, item->name);
        json_key(&json, "needed");
        json_bool(&json, item->needed);
        json_end(&json);
    }
    json_end(&json);
    json_key(&json, "ready");
    json_bool(&json, ready);
    json_end(&json);
    json_finish(&json);
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
