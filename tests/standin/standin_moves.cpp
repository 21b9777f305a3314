/* standin_moves: what the runtime's own functions (cuda/moves.h) are launched with, for the log: ranges that are copied,
 * buffers that are summed, counts that are looked at. */
#include "standin.h"

#include "cuda/moves.h"

#include <stdio.h>

namespace standin {

static std::string place(const void *at) {
    char text[32];
    snprintf(text, sizeof text, "%p", at);
    return text;
}

static std::string copies(const rt_copy_args *args) {
    std::string text;
    for (int i = 0; i < args->parts; ++i)
        text += (i ? ";" : "") + place(args->part[i].to) + "," + place(args->part[i].from) + "," +
                std::to_string(args->part[i].bytes);
    return text;
}

static std::string sum(const rt_sum_args *args) {
    std::string text =
        place(args->to) + "," + std::to_string(args->count) + "," + std::to_string(args->type);
    for (int i = 0; i < args->terms; ++i)
        text += "," + place(args->from[i]);
    return text;
}

static std::string counts(const rt_counts_args *args) {
    std::string text;
    for (int i = 0; i < args->parts; ++i)
        text += (i ? ";" : "") + place(args->part[i].to) + "," + place(args->part[i].from) + "," +
                place(args->part[i].known) + "," + std::to_string(args->part[i].window);
    return text;
}

std::string moves_text(const std::string &kernel, void **arguments) {
    if (kernel == "rt_copy")
        return "\tparts=" + copies((const rt_copy_args *)arguments[0]);
    if (kernel == "rt_sum")
        return "\tsum=" + sum((const rt_sum_args *)arguments[0]);
    if (kernel == "rt_counts")
        return "\tcounts=" + counts((const rt_counts_args *)arguments[0]);
    return "";
}

} // namespace standin
