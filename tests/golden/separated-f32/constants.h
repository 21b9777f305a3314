/* Constants of program separated-f32, for host and devices. Made by gen from plan.json: do not edit. */
#pragma once

/* What this program was made from: versions and digests stand here and nowhere else. */
#define GEN_VERSION "golden"
#define PLAN_DIGEST "e9628083a15e22a5"
#define SCHEDULE_DIGEST "7cb80de78ac79df7"
#define CERTIFICATE_DIGEST "08184836be5e5b8d"
#define MODEL_DIGEST "125690f6a3bd5a21"
#define TOPOLOGY_DIGEST "0475dd6dd4a92328"
#define WORKLOAD_DIGEST "a04b91f05d3d1291"

/* The model. */
#define LAYERS 2
#define HIDDEN 64
#define HEADS 8
#define KV_HEADS 4
#define HEAD_DIM 8
#define ROPE_DIM 8
#define VALUE_DIM 8
#define KV_LATENT 0
#define VOCABULARY 512
#define EXPERTS 8
#define EXPERT_HIDDEN 128
#define TOP_K 2
#define NORM_EPS 0.00001
#define LATENT_NORM_EPS 1e-6
#define ROPE_THETA 1000000.0
#define CAPACITY_FACTOR 0.0

/* Of the model's rotary positions, router and clip. */
#define ROPE_AMPLITUDE 1.0
#define SCORE_SCALE 1.0
#define EXPERT_GROUPS 1
#define TOP_GROUPS 1
#define ROUTED_SCALE 1.0
#define QKV_CLIP 0.0

/* Bounds: sequences of a wave, prompt tokens, positions of a sequence, entries of a choice. */
#define BATCH 12
#define PROMPT 24
#define CONTEXT 48
#define CANDIDATES 1

/* Choices of a token, and experts to choose from: of the model, and what all tokens pass where it is one. */
#define CHOICES 2
#define ROUTED 8

/* The most column parts that an expert is cut in; the most sources and targets of an exchange. */
#define PARTS 1
#define SOURCES 2
#define TARGETS 2

/* Tiles of the kernels: gen sized their workspace with these numbers. */
#define TILE_WEIGHT 64
#define TILE_LINEAR 128
#define TILE_ATTENTION 32
#define TILE_ROUTE 64
#define TILE_HEAD 64
#define TILE_ENTRIES 2048
#define TILE_LOGITS 8388608
#define TILE_EXPERT 64
#define TILE_SCORES 512
#define TILE_DENSE 256
#define TILE_GROUPED 64
#define PASS_TILES 32
#define WORKSPACE_ALIGN 16
#define SPLIT_BLOCKS 512
#define SPLIT_KEYS 256
#define SPLIT_PAIRS 16
#define LATENT_PAIRS 4096
#define LATENT_SPLIT 64
#define LATENT_SPLIT_COLUMNS 256
#define EXPANDED_ELEMENTS 16777216
