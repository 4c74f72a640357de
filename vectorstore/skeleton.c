/* One pass over a block of lines: where they begin and end, their runs, and their distinct skeletons.
 *
 * The rules of a run are those of runs.py, which is the specification and what serves where no compiler was
 * at hand; tests hold the two against each other. All offsets are bytes. Nothing is allocated here: the caller
 * brings every array, large enough for the worst case.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { DIGIT = 1, HEX = 2, ALPHA = 4, WORD = DIGIT | ALPHA };
enum { CODE_DIGITS = '0', CODE_HEX = 2, CODE_UUID = 3 };

static uint8_t kinds[256];

static void learn(void)
{
    int c;
    if (kinds['0'])
        return;
    for (c = 'a'; c <= 'z'; c++)
        kinds[c] = kinds[c - 32] = (uint8_t)(ALPHA | (c <= 'f' ? HEX : 0));
    for (c = '1'; c <= '9'; c++)
        kinds[c] = DIGIT | HEX;
    kinds['0'] = DIGIT | HEX; /* last: it says that the table is there */
}

/* Hex characters from ``at`` on, at most ``most``. */
static int64_t hex_at(const uint8_t *text, int64_t at, int64_t size, int64_t most)
{
    int64_t end = at;
    while (end < size && end - at < most && (kinds[text[end]] & HEX))
        end++;
    return end - at;
}

static int word_at(const uint8_t *text, int64_t at, int64_t size)
{
    return at >= 0 && at < size && (kinds[text[at]] & WORD) != 0;
}

/* 8-4-4-4-12 hex characters; a word begins at ``at``. */
static int uuid_at(const uint8_t *text, int64_t at, int64_t size)
{
    static const int parts[5] = {8, 4, 4, 4, 12};
    int part;
    for (part = 0; part < 5; part++) {
        if (hex_at(text, at, size, parts[part]) != parts[part])
            return 0;
        at += parts[part];
        if (part < 4 && (at >= size || text[at++] != '-'))
            return 0;
    }
    return !word_at(text, at, size);
}

/* Six pairs of hex characters between colons; a word begins at ``at``. */
static int mac_at(const uint8_t *text, int64_t at, int64_t size)
{
    int pair;
    if (at > 0 && text[at - 1] == ':')
        return 0;
    for (pair = 0; pair < 6; pair++) {
        if (hex_at(text, at, size, 2) != 2)
            return 0;
        at += 2;
        if (pair < 5 && (at >= size || text[at++] != ':'))
            return 0;
    }
    return !word_at(text, at, size) && !(at < size && text[at] == ':');
}

/* Whether a whole word of digits and letters mixed is a run of a wide skeleton. */
static int mixed(const uint8_t *word, int64_t size)
{
    int64_t digits = 0, letters = 0, parts = 1, beyond = 0, tees = 0, at;
    int begins, zed;
    for (at = 0; at < size; at++) {
        uint8_t kind = kinds[word[at]];
        digits += (kind & DIGIT) != 0;
        letters += (kind & ALPHA) != 0;
        beyond += (kind & (ALPHA | HEX)) == ALPHA;
        tees += word[at] == 'T';
        parts += at && ((kinds[word[at - 1]] ^ kind) & DIGIT);
    }
    if (size < 4 || !digits || !letters)
        return 0;
    begins = (kinds[word[0]] & DIGIT) != 0;
    zed = begins && word[size - 1] == 'Z';
    if (begins && parts == 2 && (letters == 1 || (letters <= 3 && beyond)))
        return 0; /* a number with its unit */
    if (begins && tees == 1 && letters == 1 + zed && parts == 3 + zed)
        return 0; /* a time */
    if (!begins && parts == 2 && beyond)
        return 0; /* a name with its number */
    return !(word[0] == '0' && (word[1] | 32) == 'x' && beyond == 1);
}

typedef struct {
    int64_t *extra; /* per run: bytes that the runs before it lose */
    int64_t runs;
    int64_t lost;
    uint8_t *out; /* where the skeleton is written next */
} sink;

static void put(sink *to, int64_t size, uint8_t code)
{
    to->extra[to->runs++] = to->lost;
    to->lost += size - 1;
    *to->out++ = code;
}

/* The runs of a stretch of one word that is no run as a whole: its digits. */
static void digits_of(sink *to, const uint8_t *text, int64_t at, int64_t end)
{
    while (at < end) {
        int64_t first = at;
        if (kinds[text[at]] & DIGIT) {
            while (at < end && (kinds[text[at]] & DIGIT))
                at++;
            put(to, at - first, CODE_DIGITS);
        } else {
            *to->out++ = text[at++];
        }
    }
}

/* Write one word; returns where to go on. */
static int64_t word(sink *to, const uint8_t *text, int64_t at, int64_t size, int wide)
{
    int64_t end = at, pair;
    unsigned any = 0, all = HEX;
    while (end < size && (kinds[text[end]] & WORD)) {
        any |= kinds[text[end]];
        all &= kinds[text[end]];
        end++;
    }
    if (all && end - at == 8 && end < size && text[end] == '-' && uuid_at(text, at, size)) {
        put(to, 36, CODE_UUID);
        return at + 36;
    }
    if (all && end - at == 2 && end < size && text[end] == ':' && mac_at(text, at, size)) {
        for (pair = 0; pair < 6; pair++) {
            put(to, 2, CODE_DIGITS);
            if (pair < 5)
                *to->out++ = ':';
        }
        return at + 17;
    }
    if (!(any & DIGIT)) { /* nothing that could be a run */
        memcpy(to->out, text + at, (size_t)(end - at));
        to->out += end - at;
    } else if ((all && end - at >= 8 && (any & DIGIT) && (any & ALPHA)) || (wide && mixed(text + at, end - at))) {
        put(to, end - at, CODE_HEX);
    } else if (end - at > 2 && text[at] == '0' && (text[at + 1] | 32) == 'x' &&
               hex_at(text, at + 2, end, end) == end - at - 2) {
        put(to, 1, CODE_DIGITS);
        *to->out++ = text[at + 1];
        put(to, end - at - 2, CODE_HEX);
    } else {
        digits_of(to, text, at, end);
    }
    return end;
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

/* Scan ``size`` bytes of whole lines (the last byte is a newline), of which there are ``count``.
 *
 * Per line: ``starts`` and ``ends``, ``first_run`` (runs before the line), ``which`` (its skeleton's number).
 * Per run: ``extra`` (one more than there are runs). Per distinct skeleton, in the order of their first lines:
 * ``firsts`` (that line), ``bounds`` (where it begins in ``bones``; one more than there are).
 * ``slots`` is a table of 2^bits numbers below zero. ``most_runs`` and ``most_bones`` are what ``extra`` (less
 * one) and ``bones`` hold. Returns the number of distinct skeletons, or -1 when these two were too small; the
 * number of runs is first_run[count].
 */
int64_t scan(const uint8_t *text, int64_t size, int wide, int64_t count, int64_t *starts, int64_t *ends,
             int64_t *first_run, int64_t *which, int64_t *extra, int64_t most_runs, int64_t *firsts, int64_t *bounds,
             uint8_t *bones, int64_t most_bones, int32_t *slots, int bits)
{
    sink to = {extra, 0, 0, bones};
    int64_t at = 0, line, known = 0;
    const uint64_t mask = ((uint64_t)1 << bits) - 1;
    learn();
    bounds[0] = 0;
    for (line = 0; line < count && at < size; line++) {
        uint8_t *begun = to.out;
        const uint8_t *stop = memchr(text + at, '\n', (size_t)(size - at));
        size_t length = stop ? (size_t)(stop - text - at) : (size_t)(size - at);
        uint64_t slot;
        if (to.runs + (int64_t)length / 2 + 1 > most_runs || to.out - bones + (int64_t)length > most_bones)
            return -1; /* no two runs touch, and no skeleton is longer than its line */
        starts[line] = at;
        first_run[line] = to.runs;
        for (;;) {
            uint8_t c = text[at];
            if (c == '\n')
                break;
            if (kinds[c] & WORD) {
                at = word(&to, text, at, size, wide);
            } else {
                *to.out++ = c;
                at++;
            }
        }
        ends[line] = at++;
        length = (size_t)(to.out - begun);
        slot = hash(begun, length) & mask;
        while (slots[slot] >= 0) {
            int64_t other = slots[slot];
            if ((size_t)(bounds[other + 1] - bounds[other]) == length && !memcmp(bones + bounds[other], begun, length))
                break;
            slot = (slot + 1) & mask;
        }
        if (slots[slot] < 0) {
            slots[slot] = (int32_t)known;
            firsts[known++] = line;
            bounds[known] = to.out - bones;
        } else {
            to.out = begun;
        }
        which[line] = slots[slot];
    }
    first_run[count] = to.runs;
    extra[to.runs] = to.lost;
    return known;
}

/* Whether a UTF-8 character begins or ends here, rather than goes on. */
static int whole_at(const uint8_t *text, int64_t at, int64_t size)
{
    return at >= size || (text[at] & 0xC0) != 0x80;
}

/* Cut one variable out of each of ``count`` records: ``from`` and ``lengths``, -1 where its plan has none or where
 * an end lies inside a character.
 *
 * ``rows`` are the records' lines, ``which`` their plans; plan p's span is the four numbers at spans[p * stride]:
 * skeleton position and runs before it, of the start and of the end. See Lines in skeleton.py for the arithmetic.
 */
void cut(const uint8_t *text, int64_t size, int ascii, const int64_t *starts, const int64_t *first_run,
         const int64_t *extra, const int64_t *rows, const int64_t *which, int64_t count, const int64_t *spans,
         int64_t stride, int32_t *from, int32_t *lengths)
{
    int64_t at;
    for (at = 0; at < count; at++) {
        const int64_t *span = spans + which[at] * stride;
        const int64_t *lost;
        int64_t begin, end;
        from[at] = 0;
        lengths[at] = -1;
        if (span[0] < 0)
            continue;
        lost = extra + first_run[rows[at]];
        begin = starts[rows[at]] + span[0] + lost[span[1]] - lost[0];
        end = starts[rows[at]] + span[2] + lost[span[3]] - lost[0];
        from[at] = (int32_t)begin;
        if (ascii || (whole_at(text, begin, size) && whole_at(text, end, size)))
            lengths[at] = (int32_t)(end - begin);
    }
}
