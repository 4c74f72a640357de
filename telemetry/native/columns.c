/* Columns of texts cut out of a block: as vectorstore/rows.py, keys.py, telemetry/texts.py and times.py say. */
#include "table.h"

typedef struct {
    const uint8_t *data;
    int64_t size, lines, runs;
    const int64_t *starts, *first_run; /* by line */
    const int32_t *extra;
    int32_t whole; /* null what begins or ends inside a UTF-8 character */
} Block;

static int inside_character(const Block *block, int64_t at)
{
    return at < block->size && (block->data[at] & 0xC0) == 0x80;
}

/* Cut a span out of a line: two skeleton positions, each with the runs before it. 0 when it does not fit. */
static int cut(const Block *block, int64_t line, const int64_t *span, int64_t *start, int64_t *size)
{
    if (line < 0 || line >= block->lines)
        return 0;
    int64_t first = block->first_run[line], low = first + span[1], high = first + span[3];
    if (first < 0 || low < 0 || high < 0 || first > block->runs || low > block->runs || high > block->runs)
        return 0;
    int64_t base = block->starts[line] - block->extra[first];
    *start = base + span[0] + block->extra[low];
    *size = base + span[2] + block->extra[high] - *start;
    if (*start < 0 || *size < 0 || *start + *size > block->size)
        return 0;
    if (block->whole && (inside_character(block, *start) || inside_character(block, *start + *size)))
        *size = NOTHING;
    return 1;
}

/* Cut one span per plan out of the records: `rows` are their lines, `which` their plans; null without a span. */
int64_t oncalm_cut(const Block *block, int64_t count, const int64_t *rows, const int64_t *which, int64_t plans,
                   const int64_t *spans, int32_t *starts, int32_t *lengths)
{
    if (block->size >= INT32_MAX)
        return REFUSED;
    for (int64_t row = 0; row < count; row++) {
        int64_t start = 0, size = NOTHING;
        if (which[row] < 0 || which[row] >= plans)
            return REFUSED;
        const int64_t *span = spans + 4 * which[row];
        if (span[0] >= 0 && !cut(block, rows[row], span, &start, &size))
            return REFUSED;
        starts[row] = (int32_t)start;
        lengths[row] = (int32_t)size;
    }
    return count;
}

/* Number what differs between records of one plan: (plan, the texts of its spans joined by blanks).
 *
 * Plan p has the spans from `offsets[p]` to `offsets[p + 1]`; `ids` of records without any are NOTHING. `first`
 * are the first records by number, `texts` (of `room` octets) their texts, which end at `ends`. Returns how many
 * numbers there are.
 */
int64_t oncalm_literals(const Block *block, uint64_t seed, int64_t count, const int64_t *rows, const int64_t *which,
                        int64_t plans, const int64_t *offsets, const int64_t *spans, int32_t *ids, int64_t *first,
                        uint8_t *texts, int64_t room, int64_t *ends)
{
    int64_t top = 0, row = 0;
    Table table;
    int opened = table_open(&table, texts, seed);
    for (; opened && row < count; row++) {
        int64_t plan = which[row], at = top, start, size;
        if (plan < 0 || plan >= plans)
            break;
        ids[row] = NOTHING;
        if (offsets[plan] >= offsets[plan + 1])
            continue;
        int64_t span = offsets[plan];
        for (; span < offsets[plan + 1]; span++) {
            if (!cut(block, rows[row], spans + 4 * span, &start, &size) || room - at <= size + (int64_t)sizeof plan)
                break;
            if (size > 0)
                memcpy(texts + at, block->data + start, (size_t)size);
            at += size > 0 ? size : 0;
            texts[at++] = ' ';
        }
        if (span < offsets[plan + 1])
            break;
        memcpy(texts + at, &plan, sizeof plan); /* the last one was checked with room for it */
        at += (int64_t)sizeof plan;
        int64_t before = table.count, number = table_number(&table, top, at - top);
        if (number == REFUSED)
            break;
        ids[row] = (int32_t)number;
        if (number == before) {
            first[number] = row;
            ends[number] = top = at;
        }
    }
    table_close(&table);
    return opened && row == count ? table.count : REFUSED;
}

static int fits(int64_t size, int64_t start, int64_t length)
{
    return length < 0 || (start >= 0 && length <= size && start <= size - length);
}

/* Number the distinct texts of a column; nulls get NOTHING. Returns how many there are, `first` of each. */
int64_t oncalm_distinct(const uint8_t *data, int64_t size, uint64_t seed, int64_t count, const int32_t *starts,
                        const int32_t *lengths, int32_t *ids, int64_t *first)
{
    Table table;
    int64_t row = 0;
    int opened = table_open(&table, data, seed);
    for (; opened && row < count && fits(size, starts[row], lengths[row]); row++) {
        int64_t before = table.count, number = NOTHING;
        if (lengths[row] >= 0) {
            number = table_number(&table, starts[row], lengths[row]);
            if (number == REFUSED)
                break;
            if (number == before)
                first[number] = row;
        }
        ids[row] = (int32_t)number;
    }
    table_close(&table);
    return opened && row == count ? table.count : REFUSED;
}

/* Copy the texts of a column one behind the other into `out`, which has `room` octets. Returns how many. */
int64_t oncalm_join(const uint8_t *data, int64_t size, int64_t count, const int32_t *starts, const int32_t *lengths,
                    uint8_t *out, int64_t room)
{
    int64_t at = 0;
    for (int64_t row = 0; row < count; row++) {
        if (!fits(size, starts[row], lengths[row]) || lengths[row] > room - at)
            return REFUSED;
        if (lengths[row] > 0) {
            memcpy(out + at, data + starts[row], (size_t)lengths[row]);
            at += lengths[row];
        }
    }
    return at;
}

/* Number the distinct shapes of texts: what is left when each digit is written 0. Nulls, empty texts and those of
 * `longest` octets or more get NOTHING. Returns how many there are, `first` of each; `shapes` has `room` octets.
 */
int64_t oncalm_shapes(const uint8_t *data, int64_t size, uint64_t seed, int64_t count, const int32_t *starts,
                      const int32_t *lengths, int64_t longest, int32_t *ids, int64_t *first, uint8_t *shapes,
                      int64_t room)
{
    Table table;
    int64_t row = 0, top = 0;
    int opened = table_open(&table, shapes, seed);
    for (; opened && row < count && fits(size, starts[row], lengths[row]); row++) {
        int64_t before = table.count, number = NOTHING;
        if (lengths[row] > 0 && lengths[row] < longest) {
            if (lengths[row] > room - top)
                break;
            for (int64_t at = 0; at < lengths[row]; at++) {
                uint8_t here = data[starts[row] + at];
                shapes[top + at] = here >= '0' && here <= '9' ? '0' : here;
            }
            number = table_number(&table, top, lengths[row]);
            if (number == REFUSED)
                break;
            if (number == before) {
                first[number] = row;
                top += lengths[row];
            }
        }
        ids[row] = (int32_t)number;
    }
    table_close(&table);
    return opened && row == count ? table.count : REFUSED;
}

/* Read the digits from `low` to `high` behind each start as a number; what is no digit counts as numpy has it. */
int64_t oncalm_numbers(const uint8_t *data, int64_t size, int64_t count, const int32_t *starts, int64_t low,
                       int64_t high, int64_t *numbers)
{
    for (int64_t row = 0; row < count; row++) {
        uint64_t number = 0; /* unsigned: it may run over */
        if (low < 0 || high < low || !fits(size, starts[row], high))
            return REFUSED;
        for (const uint8_t *at = data + starts[row] + low, *end = data + starts[row] + high; at < end; at++)
            number = number * 10 + (uint8_t)(*at - 48);
        numbers[row] = (int64_t)number;
    }
    return count;
}

/* Tell which values of a column are there: a bit for each row, the lowest first. Returns how many there are. */
int64_t oncalm_known(int64_t count, const int32_t *lengths, uint8_t *bits)
{
    int64_t found = 0, row = 0;
    for (; row + 8 <= count; row += 8) {
        unsigned octet = 0;
        for (int bit = 0; bit < 8; bit++)
            octet |= (unsigned)(lengths[row + bit] != NOTHING) << bit;
        bits[row >> 3] = (uint8_t)octet;
        for (; octet; octet &= octet - 1)
            found++;
    }
    if (row < count)
        bits[row >> 3] = 0;
    for (; row < count; row++) {
        unsigned there = lengths[row] != NOTHING;
        bits[row >> 3] |= (uint8_t)(there << (row & 7));
        found += there;
    }
    return found;
}

/* Where the values lie that `bits` tell; there is room for `room` of them. Returns how many there are. */
int64_t oncalm_kept(int64_t count, const int32_t *starts, const int32_t *lengths, const uint8_t *bits, int64_t room,
                    int32_t *kept_starts, int32_t *kept_lengths)
{
    int64_t found = 0;
    for (int64_t row = 0; row < count; row++) {
        if (!(row & 7) && !bits[row >> 3]) {
            row += 7;
            continue;
        }
        if (!(bits[row >> 3] >> (row & 7) & 1))
            continue;
        if (found == room)
            return REFUSED;
        kept_starts[found] = starts[row];
        kept_lengths[found++] = lengths[row];
    }
    return found;
}
