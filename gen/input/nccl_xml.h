/* nccl_xml: one machine as NCCL sees it, from the XML that it writes with NCCL_TOPO_DUMP_FILE: processors, the tree of
 * PCI devices below them, GPUs with their NVLinks, network ports. Everything lies in the caller's arena. It knows
 * the format and what NCCL takes each element for, not which product a GPU is.
 *
 * The format is that of NVIDIA/nccl (BSD), src/graph/xml.cc (elements and attributes), topo.cc and topo.h (what they
 * mean, and rates). */
#pragma once

#include "input/xml.h"

#include <stdbool.h>

typedef struct NcclXmlCpu {
    int64_t numa;
    const char *host; /* hash of its name; "" where it is not told */
    double bandwidth; /* [bytes/s] to the other processors, as NCCL takes it for this make */
    DiagPlace place;
} NcclXmlCpu;

typedef struct NcclXmlPci {
    const char *busid;
    int64_t parent;   /* PCI device above; -1: a processor */
    int64_t cpu;      /* the processor above all */
    double bandwidth; /* [bytes/s] of its slot and direction; 0: not told */
    int64_t device;   /* PCI number of the product; 0: not told */
    DiagPlace place;
} NcclXmlPci;

typedef struct NcclXmlGpu {
    int64_t dev, sm, rank; /* rank -1: not told */
    int64_t pci;
    int64_t switched;          /* NVLinks to switches */
    DiagPlace place, sm_place; /* sm_place: of the value */
} NcclXmlGpu;

typedef struct NcclXmlNet {
    const char *name;
    int64_t pci;      /* -1: none is told */
    int64_t cpu;      /* the processor above */
    double bandwidth; /* [bytes/s] a direction; 0: not told */
    double latency;   /* [s]; 0: not told */
    DiagPlace place;
} NcclXmlNet;

typedef struct NcclXml {
    LIST_OF(NcclXmlCpu) cpus;
    LIST_OF(NcclXmlPci) pcis;
    LIST_OF(NcclXmlGpu) gpus;
    LIST_OF(NcclXmlNet) nets;
    int64_t *links; /* [gpus][gpus] NVLinks between the two, without a switch */
} NcclXml;

enum { NCCL_XML_GPUS = 1024 };

/* Read the file, or stdin if `path` is "-". E0330: this is something else; E0331: cut off; E0332: a value is absent
 * or none; E0333: two places contradict each other; E0334: over a limit. E0335: elements passed over, a note. */
Status nccl_xml_read(Arena *arena, const char *path, NcclXml *xml, Diag *diag);

/* NVLinks from one GPU to another, straight or through switches. */
int64_t nccl_xml_links(const NcclXml *xml, int64_t a, int64_t b);

/* The slowest part of the way over PCI between two GPUs [bytes/s]; 0: no part tells its rate. *crosses: it goes from
 * one processor to another. */
double nccl_xml_pci(const NcclXml *xml, int64_t a, int64_t b, bool *crosses);

/* Does a port share a PCI switch with a GPU? */
bool nccl_xml_near(const NcclXml *xml, int64_t net, int64_t gpu);
