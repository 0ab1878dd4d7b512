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
    UNIT_MAIN_BOTH(engines, GW_HTTP_AUTO, "plain", GW_HTTP_CURL_ONLY, "curl", __VA_ARGS__)

#endif
