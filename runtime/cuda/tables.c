/* tables: see tables.h. One allocation holds all, each aligned to a line. */
#include "cuda/tables.h"

enum { TABLE_ALIGN = 256 };

static int64_t table_bytes(const rt_table *table) {
    return table->count * table->bytes;
}

static int64_t after(int64_t at, const rt_table *table) {
    return at + (table_bytes(table) + TABLE_ALIGN - 1) / TABLE_ALIGN * TABLE_ALIGN;
}

int64_t rt_tables_bytes(const rt_program *program) {
    int64_t at = 0;
    for (int32_t t = 0; t < program->tables; ++t)
        at = after(at, &program->table[t]);
    return at;
}

/* By a stream of its own, so that the copy is over when this returns. */
static cudaError_t send(char *to, const char *from, size_t bytes) {
    cudaStream_t stream;
    cudaError_t told = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    if (told != cudaSuccess)
        return told;
    told = cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream);
    cudaError_t ended = cudaStreamSynchronize(stream);
    cudaStreamDestroy(stream);
    return told != cudaSuccess ? told : ended;
}

rt_status rt_tables_open(rt_process *process, rt_error *error) {
    const rt_program *program = process->program;
    int64_t at = 0, bytes = rt_tables_bytes(program);
    char *host = NULL;
    if (bytes == 0)
        return RT_OK;
    cudaError_t told = cudaMalloc((void **)&process->tables, (size_t)bytes);
    if (told == cudaSuccess)
        told = cudaHostAlloc((void **)&host, (size_t)bytes, cudaHostAllocDefault);
    for (int32_t t = 0; told == cudaSuccess && t < program->tables; ++t) {
        const rt_table *table = &program->table[t];
        memcpy(host + at, table->numbers, (size_t)table_bytes(table));
        at = after(at, table);
    }
    if (told == cudaSuccess)
        told = send(process->tables, host, (size_t)bytes);
    if (host)
        cudaFreeHost(host);
    if (told != cudaSuccess)
        return rt_error_set(error, RT_UNAVAILABLE, "tables of %lld bytes on %s: %s",
                            (long long)bytes, process->device_name, cudaGetErrorString(told));
    return RT_OK;
}

void rt_tables_close(rt_process *process) {
    if (process->tables)
        cudaFree(process->tables);
    process->tables = NULL;
}

const void *rt_cuda_table(const rt_rank *rank, const void *numbers) {
    const rt_process *process = rank->backend->process;
    int64_t at = 0;
    for (int32_t t = 0; t < process->program->tables; ++t) {
        const rt_table *table = &process->program->table[t];
        intptr_t within = (intptr_t)numbers - (intptr_t)table->numbers;
        if (within >= 0 && within < table_bytes(table))
            return process->tables + at + within;
        at = after(at, table);
    }
    return NULL;
}
