/* endpoint.h - where a service is: the function's own address, the environment's, or AWS's. */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include "credentials_env.h"
#include "uri.h"

struct aws_endpoint {
    char base[512];     /* "https://lambda.eu-central-1.amazonaws.com", without a closing '/' */
    struct eg_str host; /* as the Host header has it; points into base */
    struct eg_str path; /* prefix of every path, mostly empty; points into base */
};

/* override empty = AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, else
 * https://<service>.<region>.amazonaws.com. EG_E_INVAL: no URL, or no region. ret_endpoint must not
 * be copied (slices point into it). */
int32_t aws_endpoint_make(const struct aws_env *env, struct eg_str service, struct eg_str region,
                          struct eg_str override, struct aws_endpoint *ret_endpoint);

#endif
