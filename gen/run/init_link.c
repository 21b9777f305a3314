/* init_link: from how each two GPUs of a machine are joined to one link with a bandwidth. A topology has one link a
 * kind of node, so the slowest pair counts; where pairs differ, a warning says so. */
#include "base/units.h"
#include "run/init.h"

#include <string.h>

/* --- which GPU ---------------------------------------------------------------------------------------- */

const char *init_kinds(Run *run) {
    const char *list = gpu_kinds[0].type;
    for (const GpuKind *kind = gpu_kinds + 1; kind->type; kind++)
        list = arena_printf(&run->arena, "%s, %s", list, kind->type);
    return list;
}

Status init_kind(Run *run, const char *type, const GpuKind **kind) {
    enum { MOST = 64 };
    const char *names[MOST + 1] = {0};
    *kind = gpu_by_type(type);
    if (*kind)
        return STATUS_OK;
    for (int i = 0; i < MOST && gpu_kinds[i].type; i++)
        names[i] = gpu_kinds[i].type;
    const char *nearest = diag_nearest(type, names);
    diag_error(&run->diag, options_place(&run->diag, OPTION_GPU), "E0324",
               nearest ? arena_printf(&run->arena, "did you mean %s?", nearest)
                       : arena_printf(&run->arena,
                                      "known are: %s; for another GPU take the nearest and put "
                                      "its figures into topology.yaml",
                                      init_kinds(run)),
               "there are no figures for the type '%s'", type);
    return STATUS_USAGE;
}

/* --- which link --------------------------------------------------------------------------------------- */

typedef struct Slowest {
    const InitPair *most, *least; /* NVLinks of a pair */
    const InitPair *fast, *slow;  /* the ways over PCI that tell a rate */
    int64_t least_sum;            /* NVLinks of the GPU that has fewest, over all its peers */
} Slowest;

static void compare_pci(const InitPair *pair, Slowest *slowest) {
    if (pair->pci <= 0)
        return;
    if (!slowest->fast || pair->pci > slowest->fast->pci)
        slowest->fast = pair;
    if (!slowest->slow || pair->pci < slowest->slow->pci)
        slowest->slow = pair;
}

static void compare_pairs(const InitPair *pairs, int64_t count, Slowest *slowest) {
    *slowest = (Slowest){.least_sum = INT64_MAX};
    for (int64_t a = 0; a < count; a++) {
        int64_t sum = 0;
        for (int64_t b = 0; b < count; b++) {
            const InitPair *pair = &pairs[a * count + b];
            if (a == b)
                continue;
            sum += pair->links;
            compare_pci(pair, slowest);
            if (!slowest->most || pair->links > slowest->most->links)
                slowest->most = pair;
            if (!slowest->least || pair->links < slowest->least->links)
                slowest->least = pair;
        }
        slowest->least_sum = sum < slowest->least_sum ? sum : slowest->least_sum;
    }
}

const char *init_rate(Run *run, double bandwidth) {
    char text[UNITS_TEXT];
    units_format(QUANTITY_BANDWIDTH, bandwidth, text);
    return arena_strdup(&run->arena, text);
}

static void warn_slower(Run *run, const InitPair *pair) {
    diag_warning(&run->diag, pair->place, "E0326",
                 "if ranks that talk much can be put on the faster pairs, raise link.bandwidth",
                 "this pair of GPUs is joined by less than others: the topology takes it for all");
}

static void take_pcie(Run *run, const InitPair *slow, InitGpus *gpus) {
    int generation = gpus->kind->pcie;
    gpus->link = arena_printf(&run->arena, "pcie%d", generation);
    gpus->latency = 5e-6;
    gpus->bandwidth = gpu_pcie_bandwidth(generation);
    gpus->link_note = arena_printf(
        &run->arena, "what of PCIe %d x16 a copy reaches, if the slot has 16 lanes", generation);
    if (!slow || slow->pci >= gpus->bandwidth)
        return;
    gpus->bandwidth = slow->pci;
    gpus->link_note = slow->crosses ? "the slowest way between two GPUs, from one processor to "
                                      "the other, as NCCL takes it"
                                    : "the slowest slot between two GPUs, as NCCL takes it";
}

/* With a switch every pair shows all links of a GPU; without one, the links are dealt out among the peers. */
static void take_nvlink(Run *run, const Slowest *slowest, InitSwitch by_switch, InitGpus *gpus) {
    const GpuKind *kind = gpus->kind;
    bool dealt = by_switch == INIT_SWITCH_UNKNOWN ? slowest->least_sum <= kind->nvlinks
                                                  : by_switch == INIT_SWITCH_NONE;
    int64_t links = dealt ? slowest->least_sum : slowest->least->links;
    gpus->link = kind->nvlink;
    gpus->bandwidth = (double)links * kind->nvlink_bandwidth;
    gpus->latency = 2e-6;
    gpus->link_note =
        arena_printf(&run->arena, "%lld links of %s, %s", (long long)links,
                     init_rate(run, kind->nvlink_bandwidth),
                     dealt ? "to the other GPUs together" : "through a switch to any other GPU");
}

Status init_link(Run *run, const InitPair *pairs, InitSwitch by_switch, InitGpus *gpus) {
    const GpuKind *kind = gpus->kind;
    Slowest slowest;
    compare_pairs(pairs, gpus->gpus, &slowest);
    if (slowest.most && slowest.most->links > kind->nvlinks)
        return diag_error(&run->diag, slowest.most->place, "E0325",
                          "name the GPUs' right type with --gpu",
                          "two GPUs are joined by %lld NVLinks, more than the %d of type %s",
                          (long long)slowest.most->links, kind->nvlinks, kind->type);
    if (slowest.most && slowest.least->links != slowest.most->links)
        warn_slower(run, slowest.least);
    if (slowest.most && slowest.least->links) {
        take_nvlink(run, &slowest, by_switch, gpus);
        return STATUS_OK;
    }
    take_pcie(run, slowest.slow, gpus);
    if (slowest.slow && slowest.most->links == 0 && slowest.slow->pci == gpus->bandwidth &&
        slowest.fast->pci > slowest.slow->pci)
        warn_slower(run, slowest.slow);
    return STATUS_OK;
}
