/*
 * profile.h - the profiles of the two shared files. Reading them blocks: pool threads only. What
 * was read holds secrets and is wiped by aws_profiles_free.
 */
#ifndef AWS_PROFILE_H
#define AWS_PROFILE_H

#include "credentials_env.h"

#define AWS_MAX_PROFILES 1024u
#define AWS_MAX_FILE_BYTES (1024u * 1024u)

/* X(field): the key in the files, in lower case. */
#define AWS_PROFILE_FIELDS(X)                                                                      \
    X(aws_access_key_id)                                                                           \
    X(aws_secret_access_key)                                                                       \
    X(aws_session_token)                                                                           \
    X(role_arn)                                                                                    \
    X(source_profile)                                                                              \
    X(credential_source)                                                                           \
    X(external_id)                                                                                 \
    X(role_session_name)                                                                           \
    X(duration_seconds)                                                                            \
    X(mfa_serial)                                                                                  \
    X(web_identity_token_file)                                                                     \
    X(credential_process)                                                                          \
    X(region)

enum aws_profile_field {
#define AWS_FIELD_ENUM(name) AWS_FIELD_##name,
    AWS_PROFILE_FIELDS(AWS_FIELD_ENUM)
#undef AWS_FIELD_ENUM
        AWS_FIELD_COUNT
};

#define AWS_FILE_CREDENTIALS 0u
#define AWS_FILE_CONFIG 1u

struct aws_profile {
    struct aws_profile *next;
    char *name;
    char *fields[2][AWS_FIELD_COUNT]; /* by file; NULL = not there */
};

struct aws_profiles {
    struct aws_profile *first;
    size_t count;
};

/* Reads a whole file of at most AWS_MAX_FILE_BYTES. take: aws_free_secret. EG_E_NOTFOUND, _IO,
 * _TOOBIG, _SYNTAX (a NUL in it). */
int32_t aws_read_file(const char *path, char **ret_text);

/* A file that is not there has no profiles; one that cannot be read is an error with a sentence. */
int32_t aws_profiles_read(const struct aws_env *env, struct aws_profiles *ret_profiles,
                          struct eg_why *ret_why);
void aws_profiles_free(struct aws_profiles *profiles);

const struct aws_profile *aws_profile_find(const struct aws_profiles *profiles, struct eg_str name);
/* Of the credentials file, else of the config file; empty when in neither. */
struct eg_str aws_profile_get(const struct aws_profile *profile, enum aws_profile_field field);
/* Both the id and the secret are in that file. */
int32_t aws_profile_has_keys(const struct aws_profile *profile, uint32_t file);

#endif
