/* calibrate_programs: what is measured. Sizes lie about those of small models that run on one machine, and none is a
 * model of models/: what is predicted must not have been measured. Kernels change their ways with the number of rows
 * (a few are multiplied by plain loops), so that small batches are measured one by one. */
#include "run/calibrate.h"

#define SMALL                                                                                      \
    "model.hidden=192 model.heads=24 model.experts=12 model.expert_hidden=768 "                    \
    "model.vocabulary=40000 model.layers=3"
#define MIDDLE                                                                                     \
    "model.hidden=256 model.heads=32 model.experts=18 model.expert_hidden=896 "                    \
    "model.vocabulary=60000 model.layers=2"
#define EVEN                                                                                       \
    "model.hidden=288 model.heads=36 model.experts=14 model.expert_hidden=1152 "                   \
    "model.vocabulary=48000 model.layers=2"
#define LARGE                                                                                      \
    "model.hidden=512 model.heads=32 model.head_dim=16 model.experts=8 "                           \
    "model.expert_hidden=1024 model.vocabulary=20000 model.layers=3"
#define WIDE                                                                                       \
    "model.hidden=384 model.heads=48 model.experts=8 model.expert_hidden=1536 "                    \
    "model.vocabulary=24000 model.layers=2"
#define GATED                                                                                      \
    "model.hidden=320 model.heads=20 model.head_dim=16 model.kv_heads=5 model.vocabulary=28000 "   \
    "model.experts=12 model.expert_hidden=640 model.top_k=3 model.layers=2 model.norm=rms "        \
    "model.position=rope model.gated=true model.activation=silu model.expert_bias=false "          \
    "model.capacity_factor=0"
#define LATENT                                                                                     \
    "model.hidden=320 model.heads=10 model.head_dim=24 model.rope_dim=8 model.value_dim=16 "       \
    "model.kv_latent=64 model.vocabulary=28000 model.experts=10 model.expert_hidden=640 "          \
    "model.layers=3 model.dense_layers=0 model.dense_hidden=1280 model.shared_hidden=320 "         \
    "model.norm=rms model.position=rope model.expert_bias=false model.capacity_factor=0"

const CalibrateProgram calibrate_programs[] = {
    {"one-1", "single", LARGE, 1, 1, 40, false},
    {"one-1-gated", "single", GATED, 1, 1, 96, false},
    {"one-2", "single", MIDDLE, 1, 2, 100, false},
    {"one-3", "single", EVEN, 1, 3, 28, false},
    {"one-3-wide", "single", WIDE, 1, 3, 72, false},
    {"one-4", "single", SMALL, 1, 4, 24, true},
    {"one-5", "single", EVEN, 1, 5, 56, false},
    {"one-5-gated", "single", GATED, 1, 5, 20, false},
    {"one-6", "single", MIDDLE, 1, 6, 44, false},
    {"one-7", "single", LARGE, 1, 7, 12, false},
    {"one-8", "single", WIDE, 1, 8, 20, false},
    {"one-9", "single", SMALL, 1, 9, 36, false},
    {"one-12", "single", MIDDLE, 1, 12, 16, false},
    {"one-14", "single", EVEN, 1, 14, 48, false},
    {"one-16-gated", "single", GATED, 1, 16, 32, false},
    {"one-18", "single", LARGE, 1, 18, 24, false},
    {"one-20", "single", SMALL, 1, 20, 80, false},
    {"one-24", "single", WIDE, 1, 24, 14, false},
    {"one-28", "single", MIDDLE, 1, 28, 40, false},
    {"one-36", "single", EVEN, 1, 36, 18, false},
    {"one-44", "single", SMALL, 1, 44, 28, false},
    {"one-2-latent", "single", LATENT, 1, 2, 40, false},
    {"one-6-latent", "single", LATENT, 1, 6, 20, false},
    {"one-20-latent", "single", LATENT, 1, 20, 28, false},
    {"tp-1", "tp:tp=2", LARGE, 2, 1, 40, false},
    {"tp-2", "tp:tp=2", MIDDLE, 2, 2, 100, false},
    {"tp-3", "tp:tp=2", EVEN, 2, 3, 28, false},
    {"tp-4", "tp:tp=2", SMALL, 2, 4, 24, true},
    {"tp-5-gated", "tp:tp=2", GATED, 2, 5, 20, false},
    {"tp-6", "tp:tp=2", WIDE, 2, 6, 52, false},
    {"tp-8", "tp:tp=2,output=sharded", MIDDLE, 2, 8, 20, false},
    {"tp-20", "tp:tp=2,output=sharded", EVEN, 2, 20, 36, false},
    {"tp-9", "tp:tp=2", SMALL, 2, 9, 36, false},
    {"tp-12", "tp:tp=2", LARGE, 2, 12, 16, false},
    {"tp-18", "tp:tp=2", EVEN, 2, 18, 24, false},
    {"tp-24", "tp:tp=2", WIDE, 2, 24, 14, false},
    {"tp-36", "tp:tp=2", MIDDLE, 2, 36, 18, false},
    {"tp-44", "tp:tp=2", SMALL, 2, 44, 28, false},
    {"tp-3-latent", "tp:tp=2", LATENT, 2, 3, 40, false},
    {"tp-10-latent", "tp:tp=2", LATENT, 2, 10, 20, false},
    {"ep-2", "ep:ep=2", MIDDLE, 2, 2, 100, true},
    {"ep-4", "ep:ep=2", LARGE, 2, 4, 36, false},
    {"ep-6", "ep:ep=2", SMALL, 2, 6, 24, false},
    {"ep-8-gated", "ep:ep=2", GATED, 2, 8, 20, false},
    {"ep-10", "ep:ep=2", EVEN, 2, 10, 28, false},
    {"ep-14", "ep:ep=2,moves=exact", MIDDLE, 2, 14, 48, false},
    {"ep-20", "ep:ep=2", WIDE, 2, 20, 16, false},
    {"ep-28", "ep:ep=2", SMALL, 2, 28, 20, false},
    {"ep-44", "ep:ep=2", EVEN, 2, 44, 12, false},
    {"ep-16-latent", "ep:ep=2", LATENT, 2, 16, 24, false},
    {"apart-2", "ma-separation:attention=1,experts=1", EVEN, 2, 2, 60, false},
    {"apart-4", "ma-separation:attention=1,experts=1", SMALL, 2, 4, 24, true},
    {"apart-6", "ma-separation:attention=1,experts=1", MIDDLE, 2, 6, 36, false},
    {"apart-12", "ma-separation:attention=1,experts=1", WIDE, 2, 12, 16, false},
    {"apart-20", "ma-separation:attention=1,experts=1", LARGE, 2, 20, 20, false},
    {"apart-36", "ma-separation:attention=1,experts=1", SMALL, 2, 36, 12, false},
    {"pipe-2", "pp:pp=2", WIDE, 2, 2, 60, false},
    {"pipe-4", "pp:pp=2", SMALL, 2, 4, 24, true},
    {"pipe-6", "pp:pp=2", LARGE, 2, 6, 36, false},
    {"pipe-12", "pp:pp=2", EVEN, 2, 12, 16, false},
    {"pipe-28", "pp:pp=2", MIDDLE, 2, 28, 24, false},
    {0},
};
