/* init_nccl: from a machine as NCCL dumps it to a node of GPUs. */
#include "input/nccl_xml.h"
#include "run/init.h"

/* --- which GPUs --------------------------------------------------------------------------------------- */

static Status unlike(Run *run, const NcclXmlGpu *gpu, const NcclXmlGpu *first, const char *what) {
    return diag_error(&run->diag, gpu->place, "E0333",
                      "write a topology with two kinds of node by hand",
                      "GPU %lld has another %s than GPU %lld: GPUs of a node are alike",
                      (long long)gpu->dev, what, (long long)first->dev);
}

static Status choose_kind(Run *run, const NcclXml *xml, const char *type, const GpuKind **kind) {
    const NcclXmlGpu *first = &xml->gpus.items[0];
    int64_t device = xml->pcis.items[first->pci].device;
    for (int64_t i = 1; i < xml->gpus.count; i++) {
        const NcclXmlGpu *gpu = &xml->gpus.items[i];
        if (gpu->sm != first->sm)
            return unlike(run, gpu, first, "sm");
        if (xml->pcis.items[gpu->pci].device != device)
            return unlike(run, gpu, first, "device number");
    }
    if (type) {
        TRY(init_kind(run, type, kind));
    } else if (!(*kind = gpu_by_device(device))) {
        diag_error(&run->diag, first->place, "E0324",
                   arena_printf(&run->arena, "write --gpu TYPE, one of: %s", init_kinds(run)),
                   device ? "there are no figures for the GPU with PCI number 0x%04llx"
                          : "the file does not say which GPUs these are",
                   (unsigned long long)device);
        return STATUS_USAGE;
    }
    if (first->sm == (*kind)->sm)
        return STATUS_OK;
    return diag_error(&run->diag, first->sm_place, type ? "E0325" : "E0333",
                      type ? "name the GPUs' right type with --gpu" : NULL,
                      "the GPUs have sm %lld, a %s has %d", (long long)first->sm, (*kind)->type,
                      (*kind)->sm);
}

/* --- links and ports ---------------------------------------------------------------------------------- */

static const InitPair *pairs_of(Run *run, const NcclXml *xml) {
    int64_t count = xml->gpus.count;
    InitPair *pairs = ARENA_ARRAY(&run->arena, count * count, InitPair);
    for (int64_t a = 0; a < count; a++)
        for (int64_t b = 0; b < count; b++) {
            InitPair *pair = &pairs[a * count + b];
            pair->place = xml->gpus.items[a].place;
            if (a == b)
                continue;
            pair->links = nccl_xml_links(xml, a, b);
            pair->pci = nccl_xml_pci(xml, a, b, &pair->crosses);
        }
    return pairs;
}

static bool has_switch(const NcclXml *xml) {
    bool found = true;
    for (int64_t i = 0; i < xml->gpus.count; i++)
        found = found && xml->gpus.items[i].switched > 0;
    return found;
}

static bool near_any(const NcclXml *xml, int64_t net) {
    for (int64_t gpu = 0; gpu < xml->gpus.count; gpu++)
        if (nccl_xml_near(xml, net, gpu))
            return true;
    return false;
}

/* The rate of a port: the wire's, or its slot's where that is less. NCCL takes three quarters of a slot's line rate
 * for what copies between GPUs reach; a port that uses more than those is no mismatch. */
static double port_rate(const NcclXml *xml, const NcclXmlNet *net) {
    double slot = net->pci >= 0 ? xml->pcis.items[net->pci].bandwidth : 0;
    return slot > 0 && slot * 4 / 3 < net->bandwidth ? slot : net->bandwidth;
}

/* Ports that share a PCIe switch with a GPU, or all; the slowest of them tells the rate. */
static void count_nics(Run *run, const NcclXml *xml, InitGpus *gpus) {
    const NcclXmlNet *slow = NULL, *fast = NULL;
    gpus->all_nics = xml->nets.count;
    for (int64_t i = 0; i < xml->nets.count; i++)
        gpus->nics += near_any(xml, i);
    bool all = gpus->nics == 0;
    gpus->nics = all ? gpus->all_nics : gpus->nics;
    gpus->nic_note = "a port and direction: the file tells no speed";
    for (int64_t i = 0; i < xml->nets.count; i++) {
        const NcclXmlNet *net = &xml->nets.items[i];
        if (!all && !near_any(xml, i))
            continue;
        slow = !slow || port_rate(xml, net) < port_rate(xml, slow) ? net : slow;
        fast = !fast || port_rate(xml, net) > port_rate(xml, fast) ? net : fast;
    }
    if (!slow || port_rate(xml, slow) <= 0)
        return;
    gpus->nic_bandwidth = port_rate(xml, slow);
    gpus->nic_note = arena_printf(&run->arena, "a port and direction: %s",
                                  gpus->nic_bandwidth < slow->bandwidth ? "what its slot carries"
                                                                        : "as the file tells it");
    if (port_rate(xml, fast) > gpus->nic_bandwidth)
        diag_warning(&run->diag, slow->place, "E0326",
                     "raise nic_bandwidth, or lower nics, if traffic goes over the faster ones",
                     "this port is slower than others: the topology takes it for all");
}

Status init_nccl(Run *run, const char *path, const char *type, InitGpus *gpus) {
    NcclXml xml;
    *gpus = (InitGpus){.seen = "NCCL's topology file tells it"};
    TRY(nccl_xml_read(&run->arena, path, &xml, &run->diag));
    TRY(choose_kind(run, &xml, type, &gpus->kind));
    gpus->gpus = xml.gpus.count;
    count_nics(run, &xml, gpus);
    return init_link(run, pairs_of(run, &xml), has_switch(&xml) ? INIT_SWITCH : INIT_SWITCH_NONE,
                     gpus);
}
