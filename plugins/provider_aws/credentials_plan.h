/*
 * credentials_plan.h - from the environment and the profiles to a plan: where the first keys come
 * from, and which roles are assumed with them one after the other. Making a plan blocks (files, a
 * credential_process): pool threads only. A plan holds secrets and is wiped by aws_plan_free.
 */
#ifndef AWS_CREDENTIALS_PLAN_H
#define AWS_CREDENTIALS_PLAN_H

#include "profile.h"

#define AWS_BASE_KEYS 0u         /* keys: environment, files */
#define AWS_BASE_DOCUMENT 1u     /* document: what a credential_process wrote */
#define AWS_BASE_WEB_IDENTITY 2u /* role[0] is assumed with token */
#define AWS_BASE_CONTAINER 3u    /* url, token = its Authorization header */
#define AWS_BASE_METADATA 4u     /* url of the instance metadata service */

struct aws_role {
    char *arn;
    char *session_name;
    char *external_id;      /* NULL = none */
    char *duration_seconds; /* NULL = the service's default */
};
#define AWS_MAX_ROLES 8u

struct aws_plan {
    uint32_t base;     /* AWS_BASE_* */
    const char *where; /* where the base is from, for logs */
    char *access_key_id;
    char *secret_access_key;
    char *session_token;
    char *document;
    char *url;
    char *token;
    char *region; /* for STS; NULL = not configured */
    /* The last one is assumed first (behind the web identity's, which is the very first). */
    struct aws_role roles[AWS_MAX_ROLES];
    uint32_t role_count;
};

/* profile: named by the function, empty = AWS_PROFILE or "default". EG_E_NOTFOUND: nothing is
 * configured. take: aws_plan_free. */
int32_t aws_plan_make(const struct aws_env *env, struct eg_str profile, struct aws_plan *ret_plan,
                      struct eg_why *ret_why);
void aws_plan_free(struct aws_plan *plan);

#endif
