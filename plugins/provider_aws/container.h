/* container.h - where a container (ECS, EKS Pod Identity) gets its credentials. */
#ifndef AWS_CONTAINER_H
#define AWS_CONTAINER_H

#include "credentials_env.h"

/* The url to ask: any https, http only for the addresses that stay on the machine. take. */
int32_t aws_container_url(struct eg_str relative, struct eg_str full, char **ret_url,
                          struct eg_why *ret_why);
/* What the Authorization header has to be; NULL = none. The file wins and is read each time (it is
 * rotated). Blocks. take: aws_free_secret. */
int32_t aws_container_token(const struct aws_env *env, char **ret_token, struct eg_why *ret_why);

#endif
