/* nccl_xml: see nccl_xml.h. One walk over the tree fills the lists; then what was said twice is compared. */
#include "input/nccl_xml.h"

#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Walk {
    Arena *arena;
    Diag *diag;
    NcclXml *xml;
    int64_t cpu, pci, gpu; /* above the element; pci, gpu: -1 for none */
    LIST_OF(const XmlNode *) nvlinks;
    LIST_OF(int64_t) nvlink_gpus; /* of each of nvlinks */
    const XmlNode *strange;       /* first element that is not known */
    int64_t strangers;
} Walk;

static const char *const again =
    "dump it again: NCCL_TOPO_DUMP_FILE=FILE and any program that uses NCCL";

/* --- attributes --------------------------------------------------------------------------------------- */

static Status need(Walk *walk, const XmlNode *node, const char *name, const XmlAttribute **found) {
    *found = xml_attribute(node, name);
    if (*found)
        return STATUS_OK;
    return diag_error(walk->diag, node->place, "E0332", again, "<%s> has no %s", node->name, name);
}

/* An integer within [min, max]; `fallback` where the attribute is absent, INT64_MIN: it must be there. */
static Status read_int(Walk *walk, const XmlNode *node, const char *name, int64_t min, int64_t max,
                       int64_t fallback, int64_t *value) {
    const XmlAttribute *attribute = xml_attribute(node, name);
    bool overflow;
    *value = fallback;
    if (!attribute && fallback != INT64_MIN)
        return STATUS_OK;
    TRY(need(walk, node, name, &attribute));
    if (number_parse_int(attribute->value, value, &overflow) && *value >= min && *value <= max)
        return STATUS_OK;
    return diag_error(walk->diag, attribute->place, "E0332", again,
                      "%s of <%s> is '%s', not a number from %lld to %lld", name, node->name,
                      attribute->value, (long long)min, (long long)max);
}

/* Hexadecimal, as the system writes PCI numbers: "0x10de". 0 where it is absent. */
static Status read_hex(Walk *walk, const XmlNode *node, const char *name, int64_t *value) {
    const XmlAttribute *attribute = xml_attribute(node, name);
    char *end;
    *value = 0;
    if (!attribute)
        return STATUS_OK;
    const char *text = attribute->value;
    *value = strtol(text, &end, 16);
    if (strncmp(text, "0x", 2) == 0 && text[2] && !*end && *value >= 0 && *value <= 0xffffff)
        return STATUS_OK;
    return diag_error(walk->diag, attribute->place, "E0332", again,
                      "%s of <%s> is '%s', not a PCI number such as 0x10de", name, node->name,
                      text);
}

/* --- processors and PCI ------------------------------------------------------------------------------- */

/* Rates between processors [bytes/s]: topo.h, *_QPI_BW, AMD_*, P9_BW, ARM_BW; makes by topo.cc, ncclTopoAddCpu. */
static double cpu_bandwidth(const char *arch, const char *vendor, int64_t family, int64_t model) {
    if (strcmp(arch, "ppc64") == 0)
        return 32e9;
    if (strcmp(arch, "arm64") == 0)
        return 6e9;
    if (strcmp(vendor, "AuthenticAMD") == 0)
        return family == 26 || family == 0xbf ? 32e9 : family == 25 || family == 0xaf ? 24e9 : 16e9;
    if (strcmp(vendor, "GenuineIntel") != 0)
        return 6e9;
    bool newest =
        model >= 0xcf || (model >= 0xad && model <= 0xaf); /* Emerald and Granite Rapids */
    if (family != 6)
        return 6e9;
    return newest ? 40e9 : model >= 0x8f ? 22e9 : model >= 0x55 ? 10e9 : 6e9;
}

static Status take_cpu(Walk *walk, const XmlNode *node) {
    NcclXmlCpu *cpu = LIST_PUSH(walk->arena, &walk->xml->cpus);
    const XmlAttribute *arch = xml_attribute(node, "arch"), *vendor = xml_attribute(node, "vendor");
    const XmlAttribute *host = xml_attribute(node, "host_hash");
    int64_t family, model;
    *cpu = (NcclXmlCpu){.place = node->place, .host = host ? host->value : ""};
    if (strcmp(cpu->host, walk->xml->cpus.items[0].host) != 0)
        return diag_error(walk->diag, host ? host->place : node->place, "E0330",
                          "dump it with NCCL_MNNVL_ENABLE=0: a node is one machine",
                          "the file is of several machines");
    TRY(read_int(walk, node, "numaid", -1, 1 << 20, INT64_MIN, &cpu->numa));
    TRY(read_int(walk, node, "familyid", 0, 1 << 20, 0, &family));
    TRY(read_int(walk, node, "modelid", 0, 1 << 20, 0, &model));
    cpu->bandwidth =
        cpu_bandwidth(arch ? arch->value : "", vendor ? vendor->value : "", family, model);
    walk->cpu = walk->xml->cpus.count - 1;
    return STATUS_OK;
}

/* A rate a lane [bytes/s], as NCCL takes it (topo.cc, kvDictPciGen). 0: the system did not know it. */
static Status read_lane(Walk *walk, const XmlNode *node, double *lane) {
    const XmlAttribute *speed = xml_attribute(node, "link_speed");
    *lane = 0;
    if (!speed || !*speed->value || strncmp(speed->value, "Unknown", 7) == 0)
        return STATUS_OK;
    int length = number_length(speed->value);
    double transfers = length ? number_to_real(speed->value) : 0; /* [1e9/s] */
    const double known[][2] = {{2.5, 15}, {5, 30}, {8, 60}, {16, 120}, {32, 240}, {64, 480}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (length && strncmp(speed->value + length, " GT/s", 5) == 0 && transfers == known[i][0])
            *lane = known[i][1] * 1e8 / 8;
    if (*lane > 0)
        return STATUS_OK;
    return diag_error(walk->diag, speed->place, "E0332",
                      "PCI has 2.5, 5.0, 8.0, 16.0, 32.0 and 64.0 GT/s PCIe",
                      "'%s' is no speed of a PCI lane", speed->value);
}

static Status take_pci(Walk *walk, const XmlNode *node) {
    const XmlAttribute *busid;
    double lane;
    int64_t width;
    TRY(need(walk, node, "busid", &busid));
    for (int64_t i = 0; i < walk->xml->pcis.count; i++)
        if (strcmp(walk->xml->pcis.items[i].busid, busid->value) == 0)
            return diag_error(walk->diag, busid->place, "E0333", again,
                              "the PCI device %s is there already, in line %lld", busid->value,
                              (long long)walk->xml->pcis.items[i].place.line);
    TRY(read_lane(walk, node, &lane));
    const XmlAttribute *told = xml_attribute(node, "link_width");
    width = 0;
    if (told && *told->value)
        TRY(read_int(walk, node, "link_width", 0, 255, 0, &width));
    if (width == 0 || width == 255) /* the system did not know it; 16 as NCCL takes then */
        width = 16;
    NcclXmlPci *pci = LIST_PUSH(walk->arena, &walk->xml->pcis);
    *pci = (NcclXmlPci){.busid = busid->value,
                        .parent = walk->pci,
                        .cpu = walk->cpu,
                        .bandwidth = lane * (double)width,
                        .place = busid->place};
    walk->pci = walk->xml->pcis.count - 1;
    return read_hex(walk, node, "device", &pci->device);
}

/* --- GPUs and ports ----------------------------------------------------------------------------------- */

static Status take_gpu(Walk *walk, const XmlNode *node) {
    NcclXmlGpu gpu = {.pci = walk->pci, .place = node->place};
    TRY(read_int(walk, node, "dev", 0, 1 << 20, INT64_MIN, &gpu.dev));
    TRY(read_int(walk, node, "sm", 10, 1999, INT64_MIN, &gpu.sm));
    TRY(read_int(walk, node, "rank", -1, 1 << 20, -1, &gpu.rank));
    gpu.sm_place = xml_attribute(node, "sm")->place;
    for (int64_t i = 0; i < walk->xml->gpus.count; i++)
        if (walk->xml->gpus.items[i].dev == gpu.dev)
            return diag_error(walk->diag, xml_attribute(node, "dev")->place, "E0333", again,
                              "a GPU with dev %lld is there already, in line %lld",
                              (long long)gpu.dev, (long long)walk->xml->gpus.items[i].place.line);
    if (walk->xml->gpus.count == NCCL_XML_GPUS)
        return diag_error(walk->diag, node->place, "E0334", "is this the right file?",
                          "a machine of more than %d GPUs", NCCL_XML_GPUS);
    *(NcclXmlGpu *)LIST_PUSH(walk->arena, &walk->xml->gpus) = gpu;
    walk->gpu = walk->xml->gpus.count - 1;
    return STATUS_OK;
}

/* speed is in Mb/s, -1 where a driver knows none; latency in us (topo.cc, ncclTopoAddNet). Ports without dev, and
 * those that a virtual port has taken up (net="0"), are none. */
static Status take_net(Walk *walk, const XmlNode *node) {
    const XmlAttribute *name = xml_attribute(node, "name"), *used = xml_attribute(node, "net");
    const XmlAttribute *latency = xml_attribute(node, "latency");
    int64_t speed;
    double microseconds = 0;
    TRY(read_int(walk, node, "speed", -1, 1000000000, 0, &speed));
    if (latency && (!number_parse_real(latency->value, &microseconds) || microseconds < 0 ||
                    microseconds > 1e6))
        return diag_error(walk->diag, latency->place, "E0332", again,
                          "latency of <net> is '%s', not microseconds", latency->value);
    if (!xml_attribute(node, "dev") || (used && strcmp(used->value, "0") == 0))
        return STATUS_OK;
    *(NcclXmlNet *)LIST_PUSH(walk->arena, &walk->xml->nets) =
        (NcclXmlNet){.name = name ? name->value : "a port",
                     .pci = walk->pci,
                     .cpu = walk->cpu,
                     .bandwidth = speed > 0 ? (double)speed * 1e6 / 8 : 0,
                     .latency = microseconds * 1e-6,
                     .place = node->place};
    return STATUS_OK;
}

static Status take_nvlink(Walk *walk, const XmlNode *node) {
    *(const XmlNode **)LIST_PUSH(walk->arena, &walk->nvlinks) = node;
    *(int64_t *)LIST_PUSH(walk->arena, &walk->nvlink_gpus) = walk->gpu;
    return STATUS_OK;
}

/* From a GPU to its processor: no part of what GPUs send each other, but it must be whole. */
static Status take_c2c(Walk *walk, const XmlNode *node) {
    int64_t bandwidth, count; /* [MB/s] of a link; links */
    TRY(read_int(walk, node, "bw", 0, INT32_MAX, INT64_MIN, &bandwidth));
    return read_int(walk, node, "count", 0, 1024, INT64_MIN, &count);
}

/* --- the walk ----------------------------------------------------------------------------------------- */

typedef struct Element {
    const char *name;
    const char *parents[4]; /* where it may stand */
    Status (*take)(Walk *, const XmlNode *);
} Element;

static const Element elements[] = {
    {"cpu", {"system"}, take_cpu},
    {"pci", {"cpu", "pci"}, take_pci},
    {"gpu", {"pci"}, take_gpu},
    {"nvlink", {"gpu"}, take_nvlink},
    {"c2c", {"gpu"}, take_c2c},
    {"nic", {"cpu", "pci"}, NULL},
    {"net", {"nic"}, take_net},
    {"gin", {"nic"}, NULL}, /* ports again, for GPU-initiated sends */
    {"rma", {"nic"}, NULL},
    {"pcilink", {"pci"}, NULL},
};

static const Element *element_of(const XmlNode *node) {
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (strcmp(elements[i].name, node->name) == 0)
            return &elements[i];
    return NULL;
}

static Status check_parent(Walk *walk, const Element *element, const XmlNode *node,
                           const XmlNode *parent) {
    for (int i = 0; i < 4 && element->parents[i]; i++)
        if (strcmp(element->parents[i], parent->name) == 0)
            return STATUS_OK;
    return diag_error(walk->diag, node->place, "E0330", again, "<%s> stands in <%s>, not in <%s>",
                      node->name, parent->name, element->parents[0]);
}

static Status walk_items(Walk *walk, const XmlNode *parent) {
    const Walk above = *walk;
    for (int64_t i = 0; i < parent->items.count; i++) {
        const XmlNode *node = parent->items.items[i];
        const Element *element = element_of(node);
        if (!element) { /* as NCCL does; what is in it is passed over too */
            walk->strange = walk->strange ? walk->strange : node;
            walk->strangers++;
            continue;
        }
        TRY(check_parent(walk, element, node, parent));
        if (element->take)
            TRY(element->take(walk, node));
        TRY(walk_items(walk, node));
        walk->cpu = above.cpu;
        walk->pci = above.pci;
        walk->gpu = above.gpu;
    }
    return STATUS_OK;
}

/* --- NVLinks ------------------------------------------------------------------------------------------ */

/* What is at the other end, by its PCI class (topo.cc, kvDictPciClass): a GPU (0x03...), a switch, or a processor. */
typedef enum Target { TARGET_GPU, TARGET_SWITCH, TARGET_CPU } Target;

static Status read_target(Walk *walk, const XmlNode *node, Target *target) {
    const XmlAttribute *class;
    TRY(need(walk, node, "tclass", &class));
    *target = strncmp(class->value, "0x03", 4) == 0       ? TARGET_GPU
              : strncmp(class->value, "0x068000", 8) == 0 ? TARGET_SWITCH
                                                          : TARGET_CPU;
    if (*target != TARGET_CPU || strncmp(class->value, "0x068001", 8) == 0)
        return STATUS_OK;
    return diag_error(walk->diag, class->place, "E0332", again,
                      "an NVLink ends in a device of class '%s', not a GPU (0x0302..), a switch "
                      "(0x068000) or a processor (0x068001)",
                      class->value);
}

static int64_t gpu_at(const NcclXml *xml, const char *busid) {
    for (int64_t i = 0; i < xml->gpus.count; i++)
        if (strcmp(xml->pcis.items[xml->gpus.items[i].pci].busid, busid) == 0)
            return i;
    return -1;
}

static Status add_nvlink(Walk *walk, const XmlNode *node, int64_t from) {
    NcclXml *xml = walk->xml;
    const XmlAttribute *name;
    Target target;
    int64_t count;
    TRY(need(walk, node, "target", &name));
    TRY(read_int(walk, node, "count", 1, 1024, INT64_MIN, &count));
    TRY(read_target(walk, node, &target));
    if (target == TARGET_SWITCH)
        xml->gpus.items[from].switched += count;
    if (target != TARGET_GPU)
        return STATUS_OK;
    int64_t to = gpu_at(xml, name->value);
    if (to == from)
        return diag_error(walk->diag, name->place, "E0333", again,
                          "GPU %lld has an NVLink to itself", (long long)xml->gpus.items[from].dev);
    if (to < 0) /* a GPU that this job does not use; NCCL leaves it out of the dump */
        return STATUS_OK;
    xml->links[from * xml->gpus.count + to] += count;
    return STATUS_OK;
}

/* GPUs' generations have so many NVLinks (xml.cc, ncclTopoGetXmlFromGpu). */
static int64_t most_links(int64_t sm) {
    return sm < 60 ? 0 : sm < 70 ? 4 : sm < 80 ? 6 : sm < 90 ? 12 : 18;
}

static Status check_links(Walk *walk) {
    const NcclXml *xml = walk->xml;
    int64_t count = xml->gpus.count;
    for (int64_t a = 0; a < count; a++) {
        const NcclXmlGpu *gpu = &xml->gpus.items[a];
        int64_t sum = gpu->switched;
        for (int64_t b = 0; b < count; b++) {
            const NcclXmlGpu *other = &xml->gpus.items[b];
            int64_t there = xml->links[a * count + b], back = xml->links[b * count + a];
            sum += there;
            if (there > back)
                return diag_error(walk->diag, gpu->place, "E0333", again,
                                  "GPU %lld has %lld NVLinks to GPU %lld of line %lld, which has "
                                  "%lld back",
                                  (long long)gpu->dev, (long long)there, (long long)other->dev,
                                  (long long)other->place.line, (long long)back);
        }
        if (sum > most_links(gpu->sm))
            return diag_error(walk->diag, gpu->sm_place, "E0333", again,
                              "GPU %lld has %lld NVLinks, but one of sm %lld has %lld at most",
                              (long long)gpu->dev, (long long)sum, (long long)gpu->sm,
                              (long long)most_links(gpu->sm));
    }
    return STATUS_OK;
}

/* --- the whole ---------------------------------------------------------------------------------------- */

static Status check_root(Walk *walk, const XmlNode *root) {
    const XmlAttribute *version;
    if (strcmp(root->name, "system") != 0)
        return diag_error(walk->diag, root->place, "E0330", again,
                          "this is <%s>, not the <system> of a topology that NCCL dumps",
                          root->name);
    TRY(need(walk, root, "version", &version));
    if (strcmp(version->value, "1") == 0) /* xml.h, NCCL_TOPO_XML_VERSION */
        return STATUS_OK;
    return diag_error(walk->diag, version->place, "E0330", again,
                      "version '%s' of NCCL's topology is not known, only 1", version->value);
}

Status nccl_xml_read(Arena *arena, const char *path, NcclXml *xml, Diag *diag) {
    XmlNode *root;
    *xml = (NcclXml){0};
    Walk walk = {.arena = arena, .diag = diag, .xml = xml, .cpu = -1, .pci = -1, .gpu = -1};
    TRY(xml_read(arena, path, &root, diag));
    TRY(check_root(&walk, root));
    TRY(walk_items(&walk, root));
    if (!xml->gpus.count)
        return diag_error(diag, root->place, "E0332", again, "the system has no GPU");
    xml->links = ARENA_ARRAY(arena, xml->gpus.count * xml->gpus.count, int64_t);
    for (int64_t i = 0; i < walk.nvlinks.count; i++)
        TRY(add_nvlink(&walk, walk.nvlinks.items[i], walk.nvlink_gpus.items[i]));
    if (walk.strangers)
        diag_note(diag, walk.strange->place, "E0335", NULL, "<%s> is not known and passed over%s",
                  walk.strange->name, walk.strangers > 1 ? ", and others" : "");
    return check_links(&walk);
}

/* --- ways --------------------------------------------------------------------------------------------- */

int64_t nccl_xml_links(const NcclXml *xml, int64_t a, int64_t b) {
    int64_t one = xml->gpus.items[a].switched, other = xml->gpus.items[b].switched;
    return xml->links[a * xml->gpus.count + b] + (one < other ? one : other);
}

/* Is `pci` the device `below` or above it? */
static bool is_above(const NcclXml *xml, int64_t pci, int64_t below) {
    while (below >= 0 && below != pci)
        below = xml->pcis.items[below].parent;
    return below >= 0;
}

/* The slowest slot from a device up to one that is also above the other device. */
static double climb(const NcclXml *xml, int64_t from, int64_t other, double slowest) {
    for (int64_t pci = from; pci >= 0 && !is_above(xml, pci, other);
         pci = xml->pcis.items[pci].parent) {
        double bandwidth = xml->pcis.items[pci].bandwidth;
        if (bandwidth > 0)
            slowest = fmin(slowest, bandwidth);
    }
    return slowest;
}

double nccl_xml_pci(const NcclXml *xml, int64_t a, int64_t b, bool *crosses) {
    int64_t one = xml->gpus.items[a].pci, other = xml->gpus.items[b].pci;
    const NcclXmlPci *from = &xml->pcis.items[one], *to = &xml->pcis.items[other];
    double slowest = climb(xml, other, one, climb(xml, one, other, INFINITY));
    *crosses = from->cpu != to->cpu;
    if (slowest == INFINITY)
        return 0;
    if (*crosses)
        slowest = fmin(slowest, fmin(xml->cpus.items[from->cpu].bandwidth,
                                     xml->cpus.items[to->cpu].bandwidth));
    return slowest;
}

bool nccl_xml_near(const NcclXml *xml, int64_t net, int64_t gpu) {
    int64_t port = xml->nets.items[net].pci;
    for (int64_t pci = port >= 0 ? xml->pcis.items[port].parent : -1; pci >= 0;
         pci = xml->pcis.items[pci].parent)
        if (is_above(xml, pci, xml->gpus.items[gpu].pci))
            return true;
    return false;
}
