/* Times of one shape, read row by row: as telemetry/times.py says. */
#include "table.h"

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FRACTION, MILLIS, PARTS };
enum { NO_HALF, AM, PM };

typedef struct {
    int64_t places[PARTS][2]; /* from where to where behind a start the digits of a part stand; -1 for no part */
    int64_t month;            /* when it has a name */
    int64_t short_year;       /* two digits, of which those below 70 are of this century */
    int64_t scale;            /* of the fraction, to millionths */
    int64_t half;
    int64_t has_year, dated;
} Form;

static int64_t part(const Form *form, int which, const uint8_t *text)
{
    int64_t number = 0;
    for (int64_t at = form->places[which][0]; at < form->places[which][1]; at++)
        number = number * 10 + (uint8_t)(text[at] - 48);
    return number;
}

/* Days since 1970-01-01 (Hinnant's days_from_civil) of a year from 1 to 9999; 0 for a date that does not exist. */
static int civil(int64_t year, int64_t month, int64_t day, int64_t *days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > lengths[month - 1] + (leap && month == 2))
        return 0;
    int64_t shifted = year - (month <= 2), era = shifted / 400, within = shifted - era * 400;
    int64_t since = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    *days = era * 146097 + within * 365 + within / 4 - within / 100 + since - 719468;
    return 1;
}

/* Read the times at `starts` into the `rows` of `days` (since 1970, or month x 32 + day without a year), `times` (in
 * microseconds) and `known`, which have `room` rows.
 */
int64_t oncalm_times(const uint8_t *data, int64_t size, int64_t count, const int32_t *starts, const Form *form,
                     const int64_t *rows, int64_t room, int64_t *days, int64_t *times, uint8_t *known)
{
    int64_t longest = 0;
    for (int which = 0; which < PARTS; which++) {
        int64_t low = form->places[which][0], high = form->places[which][1];
        if ((low < 0 && high >= 0) || high - low > 18)
            return REFUSED;
        longest = high > longest ? high : longest;
    }
    for (int64_t at = 0; at < count; at++) {
        if (starts[at] < 0 || longest > size - starts[at] || rows[at] < 0 || rows[at] >= room)
            return REFUSED;
        const uint8_t *text = data + starts[at];
        int64_t year = part(form, YEAR, text), month = form->month ? form->month : part(form, MONTH, text);
        int64_t day = part(form, DAY, text), hour = part(form, HOUR, text), row = rows[at];
        int64_t minute = part(form, MINUTE, text), second = part(form, SECOND, text);
        if (form->half != NO_HALF)
            hour = hour % 12 + (form->half == PM) * 12;
        year += form->short_year ? 1900 + 100 * (year < 70) : 0;
        int fine = hour < 24 && minute < 60 && second <= 60;
        days[row] = 0;
        if (form->has_year)
            fine &= civil(year, month, day, &days[row]);
        else if (form->dated)
            fine &= month >= 1 && month <= 12 && day >= 1 && day <= 31;
        times[row] = 0;
        known[row] = (uint8_t)fine;
        if (!fine)
            continue;
        if (!form->has_year)
            days[row] = month * 32 + day;
        times[row] = (hour * 3600 + minute * 60 + second) * 1000000 + part(form, FRACTION, text) * form->scale
            + part(form, MILLIS, text) * 1000;
    }
    return count;
}
