/* inject: what the preload library and its driver share: a table of call sites, one mapping for all processes
 * of a command. A site is a call of one function of the system from our own code: in one kind of process, at
 * one short stack. The driver owns the file; the library only adds to it while counting. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum { INJECT_SITES = 4096, INJECT_FRAMES = 3, INJECT_NAME = 24 };

/* What fails together when failing is for good. */
typedef enum InjectClass {
    INJECT_MEMORY,
    INJECT_OPEN,
    INJECT_READ,
    INJECT_WRITE,
    INJECT_MAP,
    INJECT_SPAWN,
    INJECT_WAIT, /* futexes and poll */
    INJECT_SOCKET,
    INJECT_CLASSES
} InjectClass;

typedef struct InjectSite {
    int32_t class;                  /* InjectClass */
    _Atomic int64_t calls;          /* in the counting run, all processes of this kind */
    char process[INJECT_NAME];      /* "gen", "gen/fork", "program", "program:2" for rank 2 */
    char function[INJECT_NAME];     /* "malloc" */
    uint64_t frames[INJECT_FRAMES]; /* return addresses from their module's base; 0: none */
    char library[INJECT_NAME];      /* of frames[0]; empty: the executable */
} InjectSite;

typedef struct InjectTable {
    _Atomic int32_t lock;  /* 1 while a site is added */
    _Atomic int32_t count; /* of sites[] */
    _Atomic int32_t fired; /* calls that were made to fail */
    InjectSite sites[INJECT_SITES];
} InjectTable;

/* The environment of a run: INJECT_TABLE, the file; INJECT_FAIL, "site:call:once" or "site:call:ever", call
 * from 1; absent: count. */
#define INJECT_TABLE_VARIABLE "INJECT_TABLE"
#define INJECT_FAIL_VARIABLE "INJECT_FAIL"
