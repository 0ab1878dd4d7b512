/* domain/media_type.h - reading the Content-Type header (RFC 9110 8.3). */
#ifndef GW_DOMAIN_MEDIA_TYPE_H
#define GW_DOMAIN_MEDIA_TYPE_H

#include <stdbool.h>

#include "base/arena.h"

/* The bare media type in lower case: borrows the header where it is lower case already, else in the
 * arena. Parameters are checked and dropped. EG_E_INVAL with `mime: ...`. */
int32_t gw_media_type_parse(struct gw_arena *arena, struct eg_str header,
                            struct eg_str *ret_media_type, struct eg_why *ret_why);
/* Is this well-formed, with its parameters? NULL, or the complaint. */
const char *gw_media_type_check(struct eg_str header);

/* Questions to a bare media type. */
bool gw_media_is_json(struct eg_str media_type); /* application/json or ...+json */
bool gw_media_is_form(struct eg_str media_type); /* the two types HTML forms are sent as */
bool gw_media_is_text(struct eg_str media_type); /* text/... or XML */

#endif
