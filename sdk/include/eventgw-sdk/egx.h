/*
 * eventgw-sdk/egx.h - what makes a plugin short: slices, sentences, results, settings rows, JSON
 * text. Include this one.
 *
 * All of it is static inline C11 that also compiles as C++17: nothing to link, and no second ABI
 * beside include/eventgw. Only headers of libc are needed.
 */
#ifndef EVENTGW_SDK_EGX_H
#define EVENTGW_SDK_EGX_H

#include <eventgw/plugin.h>

#include "egx_json.h"
#include "egx_settings.h"
#include "egx_str.h"
#include "egx_text.h"

#include "egx_result.h"

#endif
