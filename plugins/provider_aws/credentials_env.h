/*
 * credentials_env.h - the environment variables this plugin obeys, read once when the cache is
 * made: getenv is not safe beside threads, and tests bring their own.
 */
#ifndef AWS_CREDENTIALS_ENV_H
#define AWS_CREDENTIALS_ENV_H

#include "credentials.h"

/* Every name here begins with "AWS_", but HOME. */
#define AWS_ENV_NAMES(X)                                                                           \
    X(ACCESS_KEY_ID)                                                                               \
    X(SECRET_ACCESS_KEY)                                                                           \
    X(SESSION_TOKEN)                                                                               \
    X(PROFILE)                                                                                     \
    X(CONFIG_FILE)                                                                                 \
    X(SHARED_CREDENTIALS_FILE)                                                                     \
    X(REGION)                                                                                      \
    X(DEFAULT_REGION)                                                                              \
    X(WEB_IDENTITY_TOKEN_FILE)                                                                     \
    X(ROLE_ARN)                                                                                    \
    X(ROLE_SESSION_NAME)                                                                           \
    X(CONTAINER_CREDENTIALS_RELATIVE_URI)                                                          \
    X(CONTAINER_CREDENTIALS_FULL_URI)                                                              \
    X(CONTAINER_AUTHORIZATION_TOKEN)                                                               \
    X(CONTAINER_AUTHORIZATION_TOKEN_FILE)                                                          \
    X(EC2_METADATA_DISABLED)                                                                       \
    X(EC2_METADATA_SERVICE_ENDPOINT)                                                               \
    X(EC2_METADATA_SERVICE_ENDPOINT_MODE)                                                          \
    X(CA_BUNDLE)                                                                                   \
    X(IGNORE_CONFIGURED_ENDPOINT_URLS)                                                             \
    X(ENDPOINT_URL)                                                                                \
    X(ENDPOINT_URL_LAMBDA)                                                                         \
    X(ENDPOINT_URL_KINESIS)                                                                        \
    X(ENDPOINT_URL_FIREHOSE)                                                                       \
    X(ENDPOINT_URL_SQS)                                                                            \
    X(ENDPOINT_URL_STS)

enum aws_env_name {
#define AWS_ENV_ENUM(name) AWS_ENV_##name,
    AWS_ENV_NAMES(AWS_ENV_ENUM)
#undef AWS_ENV_ENUM
        AWS_ENV_HOME,
    AWS_ENV_COUNT
};

struct aws_env {
    char *values[AWS_ENV_COUNT]; /* NULL = not set */
};

/* lookup NULL = the process's own. */
void aws_env_read(struct aws_env *env, aws_getenv_fn lookup, void *arg);
void aws_env_wipe(struct aws_env *env);
/* Empty when not set. Borrowed from env. */
struct eg_str aws_env_get(const struct aws_env *env, enum aws_env_name name);

/* Memory of the cache belongs to no component; these end the process when it is out. */
void *aws_alloc(size_t size);
char *aws_copy(struct eg_str text);
/* Wiped before it is freed; NULL is fine. */
void aws_free_secret(char *text);

#endif
