/* One pass over a block of lines: where they start and end, their runs, and their distinct skeletons.
 *
 * vectorstore/runs.py says what a run is and vectorstore/skeleton.py what this gives: the numpy code there is the
 * specification. Here and in columns.c the caller owns the memory but for hash tables. Nothing keeps state, calls
 * Python or trusts an offset: what does not fit makes a function return REFUSED, and the caller goes on with numpy.
 */
#include "table.h"

enum { DIGIT = 1, HEXA = 2, OTHER = 4 }; /* a digit, a letter of hex numbers, another letter; 0 is no word */
enum { CODE_DIGITS = '0', CODE_HEX = 2, CODE_UUID = 3 }; /* how skeletons write runs */

typedef struct {
    uint8_t kind[256];
    const uint8_t *data;
    int64_t size;
    int wide;
    int32_t *extra; /* extra[r]: octets that the runs before run r lose in skeletons */
    int64_t runs;
    uint8_t *out; /* where the skeleton goes on */
    const uint8_t *bones; /* where it began, for `places` */
    int32_t *places; /* by run: its place in the skeleton, if not NULL */
} Scan;

static void classify(uint8_t *kind)
{
    memset(kind, 0, 256);
    for (int c = '0'; c <= '9'; c++)
        kind[c] = DIGIT;
    for (int c = 'a'; c <= 'z'; c++)
        kind[c] = kind[c - 32] = c <= 'f' ? HEXA : OTHER;
}

static void run(Scan *scan, int64_t size, uint8_t code)
{
    scan->extra[scan->runs + 1] = scan->extra[scan->runs] + (int32_t)(size - 1);
    if (scan->places)
        scan->places[scan->runs] = (int32_t)(scan->out - scan->bones);
    scan->runs++;
    *scan->out++ = code;
}

/* Whether there are hex digits in groups of these sizes with `mark` between them, then no letter or digit. */
static int grouped(const Scan *scan, int64_t at, const int *sizes, int groups, uint8_t mark)
{
    for (int group = 0; group < groups; group++) {
        if (group && (at >= scan->size || scan->data[at++] != mark))
            return 0;
        for (int left = sizes[group]; left; left--)
            if (at >= scan->size || !(scan->kind[scan->data[at++]] & (DIGIT | HEXA)))
                return 0;
    }
    return at >= scan->size || !scan->kind[scan->data[at]];
}

static int is_uuid(const Scan *scan, int64_t at)
{
    static const int sizes[] = {8, 4, 4, 4, 12};
    return grouped(scan, at, sizes, 5, '-');
}

static int is_mac(const Scan *scan, int64_t at)
{
    static const int sizes[] = {2, 2, 2, 2, 2, 2};
    return (!at || scan->data[at - 1] != ':') && grouped(scan, at, sizes, 6, ':')
        && (at + 17 >= scan->size || scan->data[at + 17] != ':');
}

/* Whether a word of letters and digits is read as one in wide skeletons, as vectorstore/runs.py says. */
static int is_mixed(const Scan *scan, const uint8_t *word, int64_t size)
{
    int64_t letters = 0, beyond_hex = 0, parts = 1, stamps = 0;
    for (int64_t at = 0; at < size; at++) {
        int kind = scan->kind[word[at]];
        letters += kind != DIGIT;
        beyond_hex += kind == OTHER;
        stamps += word[at] == 'T';
        parts += at && (kind == DIGIT) != (scan->kind[word[at - 1]] == DIGIT);
    }
    if (size < 4 || !letters || letters == size)
        return 0;
    if (scan->kind[word[0]] != DIGIT)
        return !(parts == 2 && beyond_hex); /* node7 */
    int zed = word[size - 1] == 'Z';
    int unit = parts == 2 && (letters == 1 || (letters <= 3 && beyond_hex));
    int stamp = stamps == 1 && letters == 1 + zed && parts == 3 + zed;
    return !unit && !stamp;
}

/* A word with a digit that is no UUID or MAC: write it anew. */
static void word_with_digits(Scan *scan, int64_t at, int64_t end, int kinds)
{
    const uint8_t *data = scan->data;
    int64_t size = end - at;
    if (size >= 3 && data[at] == '0' && (data[at + 1] | 32) == 'x') {
        int64_t digits = at + 2;
        while (digits < end && scan->kind[data[digits]] != OTHER)
            digits++;
        if (digits == end) {
            run(scan, 1, CODE_DIGITS);
            *scan->out++ = data[at + 1];
            run(scan, size - 2, CODE_HEX);
            return;
        }
    }
    if ((kinds == (DIGIT | HEXA) && size >= 8) || (scan->wide && is_mixed(scan, data + at, size))) {
        run(scan, size, CODE_HEX);
        return;
    }
    while (at < end) {
        int64_t first = at;
        while (at < end && scan->kind[data[at]] == DIGIT)
            at++;
        if (at > first)
            run(scan, at - first, CODE_DIGITS);
        else
            *scan->out++ = data[at++];
    }
}

/* Write the skeleton of the line at `at`; returns where its newline is. */
static int64_t scan_line(Scan *scan, int64_t at)
{
    for (;;) {
        uint8_t here = scan->data[at];
        if (here == '\n')
            return at;
        int kinds = scan->kind[here];
        *scan->out++ = here; /* a word without digits stays */
        if (!kinds) {
            at++;
            continue;
        }
        int64_t end = at + 1;
        for (int kind; (kind = scan->kind[scan->data[end]]); end++) { /* the newline at the end is no word */
            kinds |= kind;
            *scan->out++ = scan->data[end];
        }
        if (!(kinds & OTHER) && end - at == 8 && scan->data[end] == '-' && is_uuid(scan, at)) {
            scan->out -= 8;
            run(scan, 36, CODE_UUID);
            end = at + 36;
        } else if (!(kinds & OTHER) && end - at == 2 && scan->data[end] == ':' && is_mac(scan, at)) {
            scan->out -= 2;
            for (int pair = 0; pair < 6; pair++) {
                if (pair)
                    *scan->out++ = ':';
                run(scan, 2, CODE_DIGITS);
            }
            end = at + 17;
        } else if (kinds == DIGIT) {
            scan->out -= end - at;
            run(scan, end - at, CODE_DIGITS);
        } else if (kinds & DIGIT) {
            scan->out -= end - at;
            word_with_digits(scan, at, end, kinds);
        }
        at = end;
    }
}

/* Find the lines of a block that ends with a newline, their runs, and the distinct skeletons.
 *
 * `starts`, `ends`, `first_run` and `ids` have room for `lines`, `first` and `bone_ends` too; `extra` for half
 * the octets and two more, `bones` for all octets. Returns the number of distinct skeletons, `runs` that of runs.
 */
int64_t oncalm_scan(const uint8_t *data, int64_t size, int wide, uint64_t seed, int64_t lines, int64_t *starts,
                    int64_t *ends, int64_t *first_run, int32_t *extra, int32_t *ids, int64_t *first,
                    uint8_t *bones, int64_t *bone_ends, int64_t *runs)
{
    Scan scan = {.data = data, .size = size, .wide = wide, .extra = extra, .out = bones};
    Table table;
    int64_t at = 0, line = 0, top = 0;
    if (size < 0 || size >= INT32_MAX || (size && data[size - 1] != '\n'))
        return REFUSED;
    classify(scan.kind);
    extra[0] = 0;
    int opened = table_open(&table, bones, seed);
    for (; opened && at < size && line < lines; line++) {
        starts[line] = at;
        first_run[line] = scan.runs;
        scan.out = bones + top;
        at = scan_line(&scan, at);
        ends[line] = at++;
        int64_t before = table.count, number = table_number(&table, top, scan.out - bones - top);
        if (number == REFUSED)
            break;
        ids[line] = (int32_t)number;
        if (number == before) { /* only distinct skeletons are kept */
            first[number] = line;
            bone_ends[number] = top = scan.out - bones;
        }
    }
    *runs = scan.runs;
    table_close(&table);
    return opened && at == size && line == lines ? table.count : REFUSED;
}

/* The runs of one text that ends with its only newline: `places` in its skeleton, and `extra` as above; both and
 * `bones` have room as above, and `length` gets the skeleton's. Returns the number of runs.
 */
int64_t oncalm_runs(const uint8_t *data, int64_t size, int wide, int32_t *extra, int32_t *places, uint8_t *bones,
                    int64_t *length)
{
    Scan scan = {.data = data, .size = size, .wide = wide, .extra = extra, .out = bones, .bones = bones, .places = places};
    if (size < 1 || size >= INT32_MAX || data[size - 1] != '\n')
        return REFUSED;
    classify(scan.kind);
    extra[0] = 0;
    if (scan_line(&scan, 0) != size - 1)
        return REFUSED;
    *length = scan.out - bones;
    return scan.runs;
}
