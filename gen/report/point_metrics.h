/* point_metrics: the figures of a point, declared once. */
#pragma once

/* METRIC(id, name, unit in SI, more is better, what it is) */
#define POINT_METRICS(METRIC)                                                                      \
    METRIC(TPOT, "tpot", "s", false, "time of a decode step")                                      \
    METRIC(BOUND, "bound", "s", false, "what no order of the plan's operations could go below")    \
    METRIC(TPS, "tps", "tokens/s", true, "new tokens per second, all sequences together")          \
    METRIC(THROUGHPUT, "throughput", "tokens/s", true, "prompt and new tokens per second")         \
    METRIC(PREFILL, "prefill", "s", false, "time of a prefill of the whole batch")                 \
    METRIC(UTILISATION, "utilisation", "%", true,                                                  \
           "share of a decode step in which GPUs compute, the mean of all GPUs of the cluster")    \
    METRIC(FLOPS_USED, "flops_used", "%", true,                                                    \
           "arithmetic of a decode step over what all GPUs could do at their peak")                \
    METRIC(MEMORY_USED, "memory_used", "%", true,                                                  \
           "bytes read and written by a decode step over what all GPUs could at their peak")       \
    METRIC(NETWORK_USED, "network_used", "%", true,                                                \
           "bytes through the busiest node's ports in a decode step over what they could carry")   \
    METRIC(COMMUNICATION, "communication", "%", false,                                             \
           "share of a decode step in which a rank's moves are under way, the mean of all ranks")  \
    METRIC(ALL_REDUCE, "all_reduce", "%", false, "of it: sums and gathers within request groups")  \
    METRIC(ALL_TO_ALL, "all_to_all", "%", false, "of it: dispatch to experts and combine")         \
    METRIC(HANDOVER, "handover", "%", false, "of it: hand-over between pipeline stages")           \
    METRIC(STANDING, "standing", "%", false,                                                       \
           "share of a decode step in which computation stands still for moves and for peers")     \
    METRIC(HIDDEN, "hidden", "%", true, "share of the time of moves that runs beside computation") \
    METRIC(MEMORY, "memory", "B", false, "of the fullest GPU: weights, cache, buffers")            \
    METRIC(MEMORY_SHARE, "memory_share", "%", true, "of the fullest GPU's memory that is used")    \
    METRIC(WEIGHTS, "weights", "B", false, "weights of the GPU that holds most")                   \
    METRIC(TRAINING_STATE, "training_state", "B", false,                                           \
           "of a GPU in training for the weights alone, at 16 bytes a parameter: bf16 weights "    \
           "and gradients, float32 master weights and two moments")                                \
    METRIC(ENERGY, "energy", "J", false, "of a new token: power of all GPUs over their rate")
