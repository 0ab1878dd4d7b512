/* api/v2017_cors.c - see v2017_cors.h. Constant, any thread. */
#include "api/v2017_cors.h"

#include "base/check.h"

#define ITEM(text)                                                                                 \
    { .ptr = (text), .len = sizeof(text) - 1 }

static const struct eg_str everything[] = {ITEM("*")};
static const struct eg_str methods[] = {ITEM("HEAD"), ITEM("GET"),   ITEM("POST"),
                                        ITEM("PUT"),  ITEM("PATCH"), ITEM("DELETE")};

const struct gw_cors gw_v2017_cors = {
    .allowed_origins = {everything, GW_COUNT(everything)},
    .allowed_methods = {methods, GW_COUNT(methods)},
    .allowed_headers = {everything, GW_COUNT(everything)},
    .allow_credentials = true,
};
