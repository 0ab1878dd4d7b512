/*
 * domain/event_validate.c - is this a valid event of its version? One line for each attribute that
 * is not, in the order of the version's table, as the clients of 0.1 know them (chapters 3.4, 5.3);
 * later versions are told in the same words with their own attribute names.
 */
#include "base/bytes.h"
#include "base/check.h"
#include "base/codec.h"
#include "domain/event_internal.h"
#include "domain/media_type.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
static bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- RFC 3339 5.6 ---- */

/* Two digits at `at`, or -1. */
static int two(struct eg_str s, size_t at) {
    if (at + 2 > s.len || !is_digit(s.ptr[at]) || !is_digit(s.ptr[at + 1])) {
        return -1;
    }
    return (s.ptr[at] - '0') * 10 + (s.ptr[at + 1] - '0');
}

static bool in_range(int value, int low, int high) {
    return value >= low && value <= high;
}

static int days_of(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

static bool is_date(struct eg_str s) {
    const int century = two(s, 0);
    const int year = two(s, 2);
    const int month = two(s, 5);
    if (century < 0 || year < 0 || !in_range(month, 1, 12) || s.ptr[4] != '-' || s.ptr[7] != '-') {
        return false;
    }
    return in_range(two(s, 8), 1, days_of(century * 100 + year, month));
}

/* Leap seconds (:60) are part of RFC 3339, also where no table is at hand to tell which day. */
static bool is_clock(struct eg_str s) {
    return s.ptr[2] == ':' && s.ptr[5] == ':' && in_range(two(s, 0), 0, 23) &&
           in_range(two(s, 3), 0, 59) && in_range(two(s, 6), 0, 60);
}

static bool is_offset(struct eg_str s) {
    if (s.len == 1) {
        return *s.ptr == 'Z' || *s.ptr == 'z';
    }
    return s.len == 6 && (*s.ptr == '+' || *s.ptr == '-') && s.ptr[3] == ':' &&
           in_range(two(s, 1), 0, 23) && in_range(two(s, 4), 0, 59);
}

/* End of the fraction that may stand at 19: 19 when there is none, 0 when it has no digits. */
static size_t fraction_end(struct eg_str s) {
    size_t at = 19;
    if (s.ptr[at] != '.') {
        return at;
    }
    for (at++; at < s.len && is_digit(s.ptr[at]);) {
        at++;
    }
    return at == 20 ? 0 : at;
}

bool gw_is_rfc3339(struct eg_str s) {
    if (s.len < 20 || !is_date(s) || (s.ptr[10] != 'T' && s.ptr[10] != 't') ||
        !is_clock(gw_str_sub(s, 11, 8))) {
        return false;
    }
    const size_t end = fraction_end(s);
    return end != 0 && is_offset(gw_str_cut(s, end));
}

/* Days since 1970 of a day of the Gregorian calendar. Years begin with March here, so that the leap
 * day is the last: 153 days are five months, whatever the year. */
static int64_t day_number(int year, int month, int day) {
    const int64_t y = year - (month < 3);
    const int64_t m = (month + 9) % 12;
    const int64_t leaps = y >= 0 ? y / 4 - y / 100 + y / 400 : -1; /* y is -1 at least */
    return y * 365 + leaps + (153 * m + 2) / 5 + day - 1 - 719468;
}

static int64_t fraction_millis(struct eg_str s, size_t end) {
    int64_t millis = 0;
    for (size_t at = 20; at < 23; at++) {
        millis = millis * 10 + (at < end ? s.ptr[at] - '0' : 0);
    }
    return end == 19 ? 0 : millis;
}

int64_t gw_rfc3339_millis(struct eg_str s) {
    const size_t end = fraction_end(s);
    const struct eg_str zone = gw_str_cut(s, end);
    int64_t seconds = day_number(two(s, 0) * 100 + two(s, 2), two(s, 5), two(s, 8)) * 86400;
    seconds += two(s, 11) * 3600 + two(s, 14) * 60 + two(s, 17);
    if (zone.len == 6) {
        const int offset = two(zone, 1) * 3600 + two(zone, 4) * 60;
        seconds += *zone.ptr == '-' ? offset : -offset;
    }
    return seconds * 1000 + fraction_millis(s, end);
}

/* 0.1 events carry their time without trailing zeros of the fraction (chapter 5.3). */
static struct eg_str without_zeros(struct gw_arena *arena, struct eg_str time) {
    const size_t end = fraction_end(time);
    size_t keep = end;
    while (keep > 20 && time.ptr[keep - 1] == '0') {
        keep--;
    }
    keep -= keep == 20 ? 1 : 0; /* a dot alone */
    if (end == 19 || keep == end) {
        return time;
    }
    return gw_arena_printf(arena, "%.*s%.*s", (int)keep, time.ptr, (int)(time.len - end),
                           time.ptr + end);
}

/* ---- URIs ---- */

static size_t scheme_len(struct eg_str s) {
    if (s.len == 0 || !is_alpha(*s.ptr)) {
        return 0;
    }
    size_t n = 1;
    while (n < s.len && (is_alpha(s.ptr[n]) || is_digit(s.ptr[n]) || s.ptr[n] == '+' ||
                         s.ptr[n] == '-' || s.ptr[n] == '.')) {
        n++;
    }
    return n < s.len && s.ptr[n] == ':' ? n : 0;
}

bool gw_is_source_uri(struct eg_str s) {
    const struct eg_str uri = gw_str_sub(s, 0, gw_str_find(s, '#'));
    for (size_t i = 0; i < uri.len; i++) {
        if ((unsigned char)uri.ptr[i] <= ' ' || uri.ptr[i] == 0x7f) {
            return false;
        }
    }
    return uri.len > 0 && (*uri.ptr == '/' || scheme_len(uri) > 0);
}

static bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Letters beyond ASCII pass: senders write IRIs (RFC 3987) where URIs are asked for. */
static bool is_uri_char(unsigned char c) {
    return c > ' ' && c != 0x7f && strchr("\"<>\\^`{|}", (int)c) == NULL;
}

bool gw_is_uri_reference(struct eg_str s) {
    size_t fragments = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_uri_char((unsigned char)s.ptr[i])) {
            return false;
        }
        fragments += s.ptr[i] == '#';
        if (s.ptr[i] == '%' && (i + 2 >= s.len || !is_hex(s.ptr[i + 1]) || !is_hex(s.ptr[i + 2]))) {
            return false;
        }
    }
    return fragments <= 1;
}

/* ---- base64 ---- */

static size_t base64_run(struct eg_str s) {
    size_t n = 0;
    while (n < s.len &&
           (is_alpha(s.ptr[n]) || is_digit(s.ptr[n]) || s.ptr[n] == '+' || s.ptr[n] == '/')) {
        n++;
    }
    return n;
}

bool gw_is_base64(struct eg_str s) {
    const size_t run = base64_run(s);
    const size_t padding = s.len - run;
    if (s.len % 4 != 0 || padding > 2) {
        return false;
    }
    return padding == 0 || (s.ptr[s.len - 1] == '=' && s.ptr[run] == '=');
}

/* ---- the rules of a version ---- */

static bool passes(struct eg_str text, uint8_t check, const char **ret_tag) {
    static const char *const tags[] = {"", "uri", "uri_reference", "rfc3339", "mediatype"};
    *ret_tag = tags[check];
    switch (check) {
    case GW_CHECK_URI:
        return gw_is_source_uri(text);
    case GW_CHECK_URI_REFERENCE:
        return gw_is_uri_reference(text);
    case GW_CHECK_TIME:
        return text.len == 0 || gw_is_rfc3339(text);
    case GW_CHECK_MEDIA_TYPE:
        return text.len == 0 || gw_media_type_check(text) == NULL;
    default:
        return true;
    }
}

/* The tag of the first rule that the attribute breaks, or NULL. */
static const char *broken_rule(const struct gw_attr *attr, struct eg_str text) {
    const char *tag = NULL;
    if ((attr->flags & GW_AT_REQUIRED) != 0 && text.len == 0) {
        return "required";
    }
    return passes(text, attr->check, &tag) ? NULL : tag;
}

/* An old rule with a text of its own, told before all others. */
static int32_t check_time_0_1(struct eg_event *event, struct eg_why *ret_why) {
    if (event->time.len == 0) {
        return EG_OK;
    }
    if (!gw_is_rfc3339(event->time)) {
        return gw_why(ret_why, EG_E_INVAL, "parsing time \"%.*s\": not a time of RFC 3339",
                      GW_SHOW(event->time));
    }
    event->time = without_zeros(event->arena, event->time);
    return EG_OK;
}

int32_t gw_event_validate(struct eg_event *event, struct eg_why *ret_why) {
    const struct gw_ce_version *version = &gw_ce_versions[event->version];
    if (event->version == EG_CE_0_1 && check_time_0_1(event, ret_why) < 0) {
        return EG_E_INVAL;
    }
    struct gw_bytes lines;
    gw_bytes_init_arena(&lines, event->arena, 0);
    for (size_t i = 0; i < version->attr_count; i++) {
        const struct gw_attr *attr = &version->attrs[i];
        const char *tag =
            attr->kind <= GW_AT_MILLIS ? broken_rule(attr, *gw_attr_text(event, attr)) : NULL;
        if (tag != NULL) {
            gw_bytes_addf(&lines,
                          "%sKey: 'Event.%s' Error:Field validation for '%s' failed on the "
                          "'%s' tag",
                          lines.len == 0 ? "" : "\n", attr->field, attr->field, tag);
        }
    }
    if (lines.len == 0) {
        return EG_OK;
    }
    return gw_why(ret_why, EG_E_INVAL, "CloudEvent doesn't validate: %.*s",
                  GW_FMT(gw_bytes_str(&lines)));
}
