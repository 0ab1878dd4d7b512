/*
 * engines.h - a table of tests that is run with both engines of the HTTP client: the same tests,
 * the same hostile servers. A test makes its client with `engines`; what the two do not share, and
 * should not, it says itself.
 */
#ifndef TESTS_ENGINES_H
#define TESTS_ENGINES_H

#include "unit.h"

#include "io/http_client.h"

static enum gw_http_engines engines;

#define ENGINES_MAIN(...)                                                                          \
    int main(void) {                                                                               \
        static const struct unit_case cases_[] = {__VA_ARGS__};                                    \
        const size_t count_ = sizeof cases_ / sizeof cases_[0];                                    \
        engines = GW_HTTP_AUTO;                                                                    \
        const int auto_ = unit_run("plain", cases_, count_);                                       \
        engines = GW_HTTP_CURL_ONLY;                                                               \
        const int curl_ = unit_run("curl", cases_, count_);                                        \
        return auto_ != 0 ? auto_ : curl_;                                                         \
    }

#endif
