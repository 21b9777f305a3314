/* init_gpus: from connections as nvidia-smi names them to a node of GPUs. */
#include "input/nvidia_smi.h"
#include "run/init.h"

#include <string.h>

static Status choose_kind(Run *run, const NvidiaSmi *smi, const char *type, const GpuKind **kind) {
    if (type)
        return init_kind(run, type, kind);
    if (!smi->name) {
        diag_error(&run->diag, diag_nowhere(), "E0324",
                   arena_printf(&run->arena,
                                "write --gpu TYPE, one of: %s; or give both outputs: (nvidia-smi "
                                "-L; nvidia-smi topo -m) > FILE",
                                init_kinds(run)),
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
                                   init_kinds(run)),
                      "there are no figures for a %s", smi->name);
}

static const InitPair *pairs_of(Run *run, const NvidiaSmi *smi) {
    InitPair *pairs = ARENA_ARRAY(&run->arena, smi->gpus * smi->gpus, InitPair);
    for (int64_t a = 0; a < smi->gpus; a++)
        for (int64_t b = 0; b < smi->gpus; b++) {
            const NvidiaSmiCell *cell = nvidia_smi_cell(smi, a, b);
            pairs[a * smi->gpus + b] = (InitPair){.links = cell->links, .place = cell->place};
        }
    return pairs;
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
    *gpus = (InitGpus){.seen = "`nvidia-smi topo -m` shows it",
                       .nic_note = "a port and direction; nvidia-smi does not tell it"};
    TRY(nvidia_smi_read(&run->arena, path, &smi, &run->diag));
    TRY(choose_kind(run, &smi, type, &gpus->kind));
    gpus->gpus = smi.gpus;
    count_nics(&smi, gpus);
    return init_link(run, pairs_of(run, &smi), INIT_SWITCH_UNKNOWN, gpus);
}
