/* init_gpus: from connections as nvidia-smi names them to one link with a bandwidth. A topology has one link a
 * kind of node, so the slowest pair counts; where pairs differ, a warning says so. */
#include "base/units.h"
#include "input/nvidia_smi.h"
#include "run/init.h"

#include <string.h>

/* --- which GPU --------------------------------------------------------------------------------------- */

static const char *known_types(Arena *arena) {
    const char *list = gpu_kinds[0].type;
    for (const GpuKind *kind = gpu_kinds + 1; kind->type; kind++)
        list = arena_printf(arena, "%s, %s", list, kind->type);
    return list;
}

static Status unknown_type(Run *run, const char *type) {
    enum { MOST = 64 };
    const char *names[MOST + 1] = {0};
    for (int i = 0; i < MOST && gpu_kinds[i].type; i++)
        names[i] = gpu_kinds[i].type;
    const char *nearest = diag_nearest(type, names);
    diag_error(&run->diag, options_place(&run->diag, OPTION_GPU), "E0324",
               nearest ? arena_printf(&run->arena, "did you mean %s?", nearest)
                       : arena_printf(&run->arena,
                                      "known are: %s; for another GPU take the nearest and put "
                                      "its figures into topology.yaml",
                                      known_types(&run->arena)),
               "there are no figures for the type '%s'", type);
    return STATUS_USAGE;
}

static Status choose_kind(Run *run, const NvidiaSmi *smi, const char *type, const GpuKind **kind) {
    if (type) {
        *kind = gpu_by_type(type);
        return *kind ? STATUS_OK : unknown_type(run, type);
    }
    if (!smi->name) {
        diag_error(&run->diag, diag_nowhere(), "E0324",
                   arena_printf(&run->arena,
                                "write --gpu TYPE, one of: %s; or give both outputs: (nvidia-smi "
                                "-L; nvidia-smi topo -m) > FILE",
                                known_types(&run->arena)),
                   "nvidia-smi topo -m does not say which GPUs these are");
        return STATUS_USAGE;
    }
    *kind = gpu_by_name(smi->name, strlen(smi->name));
    if (*kind)
        return STATUS_OK;
    return diag_error(&run->diag, smi->name_place, "E0324",
                      arena_printf(&run->arena,
                                   "write --gpu TYPE with the nearest of: %s; then put its figures "
                                   "into topology.yaml",
                                   known_types(&run->arena)),
                      "there are no figures for a %s", smi->name);
}

/* --- which link -------------------------------------------------------------------------------------- */

typedef struct Pairs {
    const NvidiaSmiCell *most, *least; /* NVLinks of a pair; least: 0 where there are none */
    int64_t least_sum;                 /* NVLinks of the GPU that has fewest, over all its peers */
} Pairs;

static void count_pairs(const NvidiaSmi *smi, Pairs *pairs) {
    *pairs = (Pairs){.least_sum = INT64_MAX};
    for (int64_t a = 0; a < smi->gpus; a++) {
        int64_t sum = 0;
        for (int64_t b = 0; b < smi->gpus; b++) {
            const NvidiaSmiCell *cell = nvidia_smi_cell(smi, a, b);
            if (a == b)
                continue;
            sum += cell->links;
            if (!pairs->most || cell->links > pairs->most->links)
                pairs->most = cell;
            if (!pairs->least || cell->links < pairs->least->links)
                pairs->least = cell;
        }
        pairs->least_sum = sum < pairs->least_sum ? sum : pairs->least_sum;
    }
}

static const char *rate(Run *run, double bandwidth) {
    char text[UNITS_TEXT];
    units_format(QUANTITY_BANDWIDTH, bandwidth, text);
    return arena_strdup(&run->arena, text);
}

static void take_pcie(Run *run, InitGpus *gpus) {
    int generation = gpus->kind->pcie;
    gpus->link = arena_printf(&run->arena, "pcie%d", generation);
    gpus->bandwidth = gpu_pcie_bandwidth(generation);
    gpus->latency = 5e-6;
    gpus->link_note = arena_printf(
        &run->arena, "what of PCIe %d x16 a copy reaches, if the slot has 16 lanes", generation);
}

/* With a switch every pair shows all links of a GPU; without one, the links are dealt out among the peers. */
static void take_nvlink(Run *run, const Pairs *pairs, InitGpus *gpus) {
    const GpuKind *kind = gpus->kind;
    bool dealt = pairs->least_sum <= kind->nvlinks;
    int64_t links = dealt ? pairs->least_sum : pairs->least->links;
    gpus->link = kind->nvlink;
    gpus->bandwidth = (double)links * kind->nvlink_bandwidth;
    gpus->latency = 2e-6;
    gpus->link_note = arena_printf(
        &run->arena, "%lld links of %s, %s", (long long)links, rate(run, kind->nvlink_bandwidth),
        dealt ? "to the other GPUs together" : "through a switch to any other GPU");
}

static Status choose_link(Run *run, const NvidiaSmi *smi, InitGpus *gpus) {
    const GpuKind *kind = gpus->kind;
    Pairs pairs;
    count_pairs(smi, &pairs);
    if (pairs.most && pairs.most->links > kind->nvlinks)
        return diag_error(&run->diag, pairs.most->place, "E0325",
                          "name the GPUs' right type with --gpu",
                          "two GPUs are joined by %d NVLinks, more than the %d of type %s",
                          pairs.most->links, kind->nvlinks, kind->type);
    if (pairs.most && pairs.least->links != pairs.most->links)
        diag_warning(&run->diag, pairs.least->place, "E0326",
                     "if ranks that talk much can be put on the faster pairs, raise link.bandwidth",
                     "this pair of GPUs is joined by less than others: the topology takes it for "
                     "all");
    if (pairs.most && pairs.least->links)
        take_nvlink(run, &pairs, gpus);
    else
        take_pcie(run, gpus);
    return STATUS_OK;
}

/* Ports for traffic of GPUs share a PCIe switch with one; others serve storage and management. Where no port
 * does, all are taken. */
static void count_nics(const NvidiaSmi *smi, InitGpus *gpus) {
    gpus->all_nics = smi->nics;
    for (int64_t nic = 0; nic < smi->nics; nic++) {
        bool near = false;
        for (int64_t gpu = 0; gpu < smi->gpus; gpu++) {
            NvidiaSmiLink link = nvidia_smi_cell(smi, smi->gpus + nic, gpu)->link;
            near = near || link == NVIDIA_SMI_PIX || link == NVIDIA_SMI_PXB;
        }
        gpus->nics += near;
    }
    if (!gpus->nics)
        gpus->nics = gpus->all_nics;
}

Status init_gpus(Run *run, const char *path, const char *type, InitGpus *gpus) {
    NvidiaSmi smi;
    *gpus = (InitGpus){0};
    TRY(nvidia_smi_read(&run->arena, path, &smi, &run->diag));
    TRY(choose_kind(run, &smi, type, &gpus->kind));
    gpus->gpus = smi.gpus;
    count_nics(&smi, gpus);
    return choose_link(run, &smi, gpus);
}
