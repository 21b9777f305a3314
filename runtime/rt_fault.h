/* rt_fault: how a kernel tells that something is wrong; included by device code and by the runtime. */
#pragma once

/* The first to tell wins; 0: nothing. */
enum rt_fault_code {
    RT_FAULT_NONE = 0,
    RT_FAULT_ENTRY = 1,  /* a token id outside the vocabulary: value is the id */
    RT_FAULT_FINITE = 2, /* logits that are not finite: value is the sequence */
    RT_FAULT_COUNT = 3,  /* more rows than a window holds (number): value is the count */
    RT_FAULT_SLOT = 4,   /* an expert slot that is not held: value is the slot */
    RT_FAULT_PROBABLE =
        5, /* candidates have less than top-p of the probability: value is the sequence */
    RT_FAULT_KNOWN =
        6, /* a sender has other rows than its receiver knows of (number): value is the count */
};

struct rt_fault {
    int code, tag, value;
    float number;
};
