/* target: see target.h. The names of options are here, what follows from them is lua/emit/'s. */
#include "run/target.h"

#include <string.h>

/* Code of sm_80 and sm_89 also runs on later devices of their generation, that of a name with `a` on this one alone. */
static const EmitArch known[] = {
    {"sm_80", 80}, {"sm_86", 86}, {"sm_89", 89}, {"sm_90a", 90}, {"sm_100a", 100}, {"sm_120a", 120},
};
static const char *const ARCH_DEFAULT = "sm_80,sm_90a";

enum { KNOWN = sizeof known / sizeof *known };

static Status refuse(Run *run, OptionId id, const char *help, const char *what, const char *text) {
    diag_error(&run->diag, options_place(&run->diag, id), "E0918", help, "there is no %s '%s'",
               what, text);
    return STATUS_USAGE;
}

static Status not_of_host(Run *run, OptionId id) {
    if (!options_given(&run->options, id))
        return STATUS_OK;
    diag_error(&run->diag, options_place(&run->diag, id), "E0919",
               "add --target cuda, or leave it out", "--%s is for programs that run on GPUs",
               options_name(id));
    return STATUS_USAGE;
}

static Status add_arch(Run *run, const char *name, EmitTarget *target) {
    for (int i = 0; i < KNOWN; i++) {
        if (strcmp(known[i].name, name) != 0)
            continue;
        for (int64_t j = 0; j < target->arch.count; j++)
            if (target->arch.items[j].number == known[i].number)
                return STATUS_OK;
        *(EmitArch *)LIST_PUSH(&run->arena, &target->arch) = known[i];
        return STATUS_OK;
    }
    return refuse(run, OPTION_ARCH,
                  "write some of sm_80, sm_86, sm_89, sm_90a, sm_100a, sm_120a, with commas",
                  "architecture", name);
}

/* In ascending order, whatever the order of the option: equal programs for equal sets. */
static void sort(EmitTarget *target) {
    EmitArch *items = target->arch.items;
    for (int64_t i = 1; i < target->arch.count; i++)
        for (int64_t j = i; j > 0 && items[j].number < items[j - 1].number; j--) {
            EmitArch other = items[j];
            items[j] = items[j - 1];
            items[j - 1] = other;
        }
}

static Status read_arch(Run *run, EmitTarget *target) {
    const char *at = run->options.values[OPTION_ARCH];
    at = at ? at : ARCH_DEFAULT;
    for (;;) {
        size_t length = strcspn(at, ",");
        TRY(add_arch(run, arena_strndup(&run->arena, at, length), target));
        if (at[length] == '\0')
            break;
        at += length + 1;
    }
    sort(target);
    return STATUS_OK;
}

Status target_read(Run *run, EmitTarget *target) {
    const char *name = run->options.values[OPTION_TARGET];
    const char *kernels = run->options.values[OPTION_KERNELS];
    *target = (EmitTarget){.name = name ? name : "host"};
    if (strcmp(target->name, "host") == 0) {
        TRY(not_of_host(run, OPTION_ARCH));
        return not_of_host(run, OPTION_KERNELS);
    }
    if (strcmp(target->name, "cuda") != 0)
        return refuse(run, OPTION_TARGET, "write --target host or --target cuda", "target", name);
    target->kernels = kernels ? kernels : "aot";
    if (strcmp(target->kernels, "aot") != 0 && strcmp(target->kernels, "nvrtc") != 0)
        return refuse(run, OPTION_KERNELS, "write --kernels aot or --kernels nvrtc",
                      "way of making kernels", kernels);
    return read_arch(run, target);
}
