/*
 * clock_skew.c - the clock that signatures are made with: the gateway's, moved by what the services
 * say. A signature five minutes off is refused (RequestTimeTooSkewed). Any thread.
 */
#include "clock_skew.h"

#include <time.h>

#define NS_PER_S 1000000000
#define NOTABLE_S 60

int64_t aws_clock_now_s(const struct aws_clock *clock, const struct eg_host *host) {
    return host->clock->unix_ns(host) / NS_PER_S + atomic_load(&clock->skew_s);
}

int32_t aws_http_date(struct eg_str text, int64_t *ret_unix_s) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm parts = {.tm_isdst = 0};
    char copy[40];
    char month[4];
    if (text.len != 29) {
        return EG_E_SYNTAX;
    }
    (void)snprintf(copy, sizeof copy, "%.*s", EGX_FMT(text));
    if (sscanf(copy, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &parts.tm_mday, month, &parts.tm_year,
               &parts.tm_hour, &parts.tm_min, &parts.tm_sec) != 6) {
        return EG_E_SYNTAX;
    }
    const char *found = strstr(months, month);
    if (found == NULL || (found - months) % 3 != 0 || strlen(month) != 3) {
        return EG_E_SYNTAX;
    }
    parts.tm_mon = (int)(found - months) / 3;
    parts.tm_year -= 1900;
    *ret_unix_s = (int64_t)timegm(&parts);
    return EG_OK;
}

int32_t aws_clock_learn(struct aws_clock *clock, const struct eg_host *host,
                        const struct eg_kv *headers, size_t header_count) {
    int64_t theirs_s = 0;
    for (size_t i = 0; i < header_count; i++) {
        if (egx_str_eq_nocase(headers[i].name, EGX_STR("date")) &&
            aws_http_date(headers[i].value, &theirs_s) == EG_OK) {
            const int64_t skew_s = theirs_s - host->clock->unix_ns(host) / NS_PER_S;
            const int64_t moved_s = skew_s - atomic_load(&clock->skew_s);
            if (moved_s > NOTABLE_S || moved_s < -NOTABLE_S) {
                atomic_store(&clock->skew_s, skew_s);
                return 1;
            }
            return 0;
        }
    }
    return 0;
}
