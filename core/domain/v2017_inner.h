/*
 * domain/v2017_inner.h - what the files of functions of 2017 share. Inside domain/ only.
 */
#ifndef GW_DOMAIN_V2017_INNER_H
#define GW_DOMAIN_V2017_INNER_H

#include "base/json.h"
#include "domain/v2017_objects.h"

#define GW_V2017_TYPE "type"

/* A field of a provider, beside its type. */
struct gw_v2017_field {
    const char *name;
    const char *inside; /* what it is called now */
    bool is_weights;    /* an array of functionId and weight; else a text */
};
#define GW_V2017_FIELDS 8u
/* In the order in which they are written. */
extern const struct gw_v2017_field gw_v2017_fields[GW_V2017_FIELDS];

/* A member, name without regard to case; NULL when it is not given: absent, null, or of no object.
 */
const struct eg_json *gw_v2017_member(const struct eg_json *object, const char *name);

#endif
