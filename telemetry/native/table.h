/* Numbers for distinct texts, in the order of their first one: a hash table over one buffer. */
#ifndef ONCALM_TABLE_H
#define ONCALM_TABLE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { REFUSED = -1, NOTHING = -1 };

typedef struct {
    uint64_t hash;
    int64_t start, size;
} Entry;

typedef struct {
    const uint8_t *base; /* what entries are offsets into */
    uint64_t seed;       /* of the process, so that nobody can write texts that all meet */
    uint64_t mask;
    int64_t count;
    int32_t *slots; /* by hash: number + 1, or 0 */
    Entry *entries; /* by number */
} Table;

static inline int table_open(Table *table, const uint8_t *base, uint64_t seed)
{
    table->base = base;
    table->seed = seed | 1;
    table->mask = 1023;
    table->count = 0;
    table->slots = calloc(table->mask + 1, sizeof *table->slots);
    table->entries = malloc((table->mask + 1) / 2 * sizeof *table->entries);
    return table->slots && table->entries;
}

static inline void table_close(Table *table)
{
    free(table->slots);
    free(table->entries);
}

/* Room for as many again; half of the slots stay empty. */
static inline int table_grow(Table *table)
{
    uint64_t mask = table->mask * 2 + 1;
    int32_t *slots = calloc(mask + 1, sizeof *slots);
    Entry *entries = realloc(table->entries, (mask + 1) / 2 * sizeof *entries);
    if (entries)
        table->entries = entries;
    if (!slots || !entries || mask > INT32_MAX) {
        free(slots);
        return 0;
    }
    for (int64_t number = 0; number < table->count; number++) {
        uint64_t place = entries[number].hash & mask;
        while (slots[place])
            place = (place + 1) & mask;
        slots[place] = (int32_t)number + 1;
    }
    free(table->slots);
    table->slots = slots;
    table->mask = mask;
    return 1;
}

static inline uint64_t hash_of(uint64_t seed, const uint8_t *text, int64_t size)
{
    const uint64_t odd = 0xD6E8FEB86659FD93u;
    uint64_t hash = seed ^ ((uint64_t)size * 0x9E3779B97F4A7C15u), word;
    for (; size >= 8; text += 8, size -= 8) {
        memcpy(&word, text, 8);
        hash = (hash ^ word) * odd;
        hash ^= hash >> 32;
    }
    word = 0;
    for (int64_t at = 0; at < size; at++)
        word |= (uint64_t)text[at] << (8 * at);
    hash = (hash ^ word) * odd;
    hash = (hash ^ (hash >> 32)) * seed;
    return hash ^ (hash >> 29);
}

/* The number of the text at `start`; a new one when no equal text was seen. REFUSED without memory. */
static inline int64_t table_number(Table *table, int64_t start, int64_t size)
{
    const uint8_t *text = table->base + start;
    uint64_t hash = hash_of(table->seed, text, size), place = hash & table->mask;
    for (; table->slots[place]; place = (place + 1) & table->mask) {
        const Entry *known = &table->entries[table->slots[place] - 1];
        if (known->hash == hash && known->size == size && !memcmp(table->base + known->start, text, (size_t)size))
            return table->slots[place] - 1;
    }
    if ((uint64_t)table->count >= (table->mask + 1) / 2) {
        if (!table_grow(table))
            return REFUSED;
        for (place = hash & table->mask; table->slots[place];)
            place = (place + 1) & table->mask;
    }
    table->entries[table->count] = (Entry){hash, start, size};
    table->slots[place] = (int32_t)(table->count + 1);
    return table->count++;
}

#endif
