/*
 * base/yaml_scalar.h - what an unquoted text means in YAML, whose versions differ in that. Pure.
 */
#ifndef GW_BASE_YAML_SCALAR_H
#define GW_BASE_YAML_SCALAR_H

#include <stdbool.h>

#include <eventgw/types.h>

enum gw_yaml_plain {
    GW_YAML_TEXT,
    GW_YAML_NULL,
    GW_YAML_TRUE,
    GW_YAML_FALSE,
    GW_YAML_NUMBER,   /* as JSON writes it */
    GW_YAML_DOUBTFUL, /* a number to some versions, but none that JSON has */
};
/* By the core schema of YAML 1.2. */
enum gw_yaml_plain gw_yaml_plain(struct eg_str text);

/* Is it a text to every version of YAML when it stands there without quotes? */
bool gw_yaml_is_plain(struct eg_str text);

#endif
