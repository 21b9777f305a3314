/* exchange: finding a rank among the ends of an exchange. Ends stand in ascending order of ranks. */
#include "schedule/schedule.h"

int64_t exchange_find_source(const Exchange *exchange, int64_t rank) {
    int64_t low = 0, high = exchange->sources.count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (exchange->sources.items[middle].rank < rank)
            low = middle + 1;
        else
            high = middle;
    }
    return low < exchange->sources.count && exchange->sources.items[low].rank == rank ? low : -1;
}

int64_t exchange_find_target(const Exchange *exchange, int64_t rank) {
    int64_t low = 0, high = exchange->targets.count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (exchange->targets.items[middle].rank < rank)
            low = middle + 1;
        else
            high = middle;
    }
    return low < exchange->targets.count && exchange->targets.items[low].rank == rank ? low : -1;
}
