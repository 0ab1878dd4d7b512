/* api/v2017_cors.h - what both listeners of the API of 2017 say of origins (chapter 15.6). */
#ifndef GW_API_V2017_CORS_H
#define GW_API_V2017_CORS_H

#include "domain/object.h"

/* Every origin, with credentials, every header, and the methods that there are. */
extern const struct gw_cors gw_v2017_cors;

#endif
