/* Columns of byte strings: copied together, and their distinct values numbered.
 *
 * texts.py is the specification and what serves where no compiler was at hand. Value i lies at starts[i] and has
 * sizes[i] bytes, none when below zero. Nothing is allocated here.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copy the values one behind the other; returns the bytes written. ``out`` has room for all of them. */
int64_t gather(const uint8_t *data, const int64_t *starts, const int64_t *sizes, int64_t count, uint8_t *out)
{
    uint8_t *to = out;
    int64_t at;
    for (at = 0; at < count; at++) {
        if (sizes[at] > 0) {
            memcpy(to, data + starts[at], (size_t)sizes[at]);
            to += sizes[at];
        }
    }
    return to - out;
}

static uint64_t hash(const uint8_t *text, size_t size)
{
    uint64_t sum = 0x9E3779B97F4A7C15u ^ size, part;
    while (size >= 8) {
        memcpy(&part, text, 8);
        sum = (sum ^ part) * 0xFF51AFD7ED558CCDu;
        sum ^= sum >> 32;
        text += 8;
        size -= 8;
    }
    part = 0;
    memcpy(&part, text, size);
    sum = (sum ^ part) * 0xC4CEB9FE1A85EC53u;
    return sum ^ (sum >> 29);
}

/* Number the distinct values in the order in which they come: ``codes`` per value (-1: none), ``firsts`` per
 * number. ``slots`` is a table of 2^bits numbers below zero, more than there are values. Returns how many. */
int64_t number(const uint8_t *data, const int64_t *starts, const int64_t *sizes, int64_t count, int32_t *codes,
               int64_t *firsts, int32_t *slots, int bits)
{
    const uint64_t mask = ((uint64_t)1 << bits) - 1;
    int64_t known = 0, at;
    for (at = 0; at < count; at++) {
        const uint8_t *text = data + starts[at];
        uint64_t slot;
        if (sizes[at] < 0) {
            codes[at] = -1;
            continue;
        }
        slot = hash(text, (size_t)sizes[at]) & mask;
        while (slots[slot] >= 0) {
            int64_t first = firsts[slots[slot]];
            if (sizes[first] == sizes[at] && !memcmp(data + starts[first], text, (size_t)sizes[at]))
                break;
            slot = (slot + 1) & mask;
        }
        if (slots[slot] < 0) {
            slots[slot] = (int32_t)known;
            firsts[known++] = at;
        }
        codes[at] = slots[slot];
    }
    return known;
}
