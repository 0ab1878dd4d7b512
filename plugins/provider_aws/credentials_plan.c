/*
 * credentials_plan.c - the order of the credential chain. Blocks: pool threads only.
 *
 * The order is botocore's: environment, assume-role profile, web identity, keys of the credentials
 * file, credential_process, keys of the config file, container endpoint, instance metadata. The
 * first that is configured decides; when it fails the next is not tried. The environment's keys and
 * web identity do not count for a function that names a profile.
 */
#include "credentials_plan.h"

#include <stdlib.h>

#include "container.h"
#include "hmac.h"
#include "process.h"

struct making {
    const struct aws_env *env;
    struct aws_profiles profiles;
    const struct aws_profile *profile; /* the one asked for; NULL = not there */
    int32_t is_named;                  /* by the function */
    struct aws_plan plan;
    struct eg_why *why;
};

static char *copy_or_null(struct eg_str text) {
    return text.len == 0 ? NULL : aws_copy(text);
}

static int32_t take_keys(struct making *m, const char *where, struct eg_str id,
                         struct eg_str secret, struct eg_str token) {
    m->plan.base = AWS_BASE_KEYS;
    m->plan.where = where;
    m->plan.access_key_id = aws_copy(id);
    m->plan.secret_access_key = aws_copy(secret);
    m->plan.session_token = copy_or_null(token);
    return EG_OK;
}

static int32_t take_environment(struct making *m, int32_t *ret_found) {
    const struct eg_str id = aws_env_get(m->env, AWS_ENV_ACCESS_KEY_ID);
    const struct eg_str secret = aws_env_get(m->env, AWS_ENV_SECRET_ACCESS_KEY);
    *ret_found = id.len > 0 && secret.len > 0;
    return *ret_found
               ? take_keys(m, "environment", id, secret, aws_env_get(m->env, AWS_ENV_SESSION_TOKEN))
               : EG_OK;
}

static int32_t take_file_keys(struct making *m, const struct aws_profile *profile, uint32_t file) {
    char *const *fields = profile->fields[file];
    return take_keys(m, file == AWS_FILE_CREDENTIALS ? "credentials file" : "config file",
                     egx_str_c(fields[AWS_FIELD_aws_access_key_id]),
                     egx_str_c(fields[AWS_FIELD_aws_secret_access_key]),
                     egx_str_c(fields[AWS_FIELD_aws_session_token]));
}

/* ---- roles ---- */

static int32_t add_role(struct making *m, struct eg_str arn, struct eg_str session_name,
                        const struct aws_profile *profile) {
    if (m->plan.role_count == AWS_MAX_ROLES) {
        return egx_why(m->why, EG_E_INVAL, "more than %u profiles assume roles of one another",
                       AWS_MAX_ROLES);
    }
    struct aws_role *role = &m->plan.roles[m->plan.role_count++];
    role->arn = aws_copy(arn);
    role->session_name = aws_copy(session_name.len > 0 ? session_name : EGX_STR("event-gateway"));
    if (profile != NULL) {
        role->external_id = copy_or_null(aws_profile_get(profile, AWS_FIELD_external_id));
        role->duration_seconds = copy_or_null(aws_profile_get(profile, AWS_FIELD_duration_seconds));
    }
    return EG_OK;
}

static int32_t take_web_identity(struct making *m, struct eg_str file, struct eg_str arn,
                                 struct eg_str session_name) {
    char *path = aws_copy(file);
    int32_t status = arn.len == 0 ? EG_E_INVAL : aws_read_file(path, &m->plan.token);
    m->plan.base = AWS_BASE_WEB_IDENTITY;
    m->plan.where = "web identity";
    if (arn.len == 0) {
        status = egx_why(m->why, status, "a web identity token file needs a role ARN");
    } else if (status < 0) {
        status = egx_why(m->why, status, "cannot read the web identity token file %s: %s", path,
                         egx_error_text(status));
    } else {
        m->plan.token[strcspn(m->plan.token, "\r\n")] = '\0';
        status = add_role(m, arn, session_name, NULL);
    }
    free(path);
    return status;
}

static int32_t take_process(struct making *m, const struct aws_profile *profile) {
    char *command = aws_copy(aws_profile_get(profile, AWS_FIELD_credential_process));
    m->plan.base = AWS_BASE_DOCUMENT;
    m->plan.where = "credential_process";
    const int32_t status =
        aws_process_run(command, AWS_PROCESS_SECONDS * 1000, &m->plan.document, m->why);
    free(command);
    return status;
}

/* ---- container and instance ---- */

static int32_t take_container(struct making *m, int32_t *ret_found) {
    const struct eg_str relative = aws_env_get(m->env, AWS_ENV_CONTAINER_CREDENTIALS_RELATIVE_URI);
    const struct eg_str full = aws_env_get(m->env, AWS_ENV_CONTAINER_CREDENTIALS_FULL_URI);
    *ret_found = relative.len > 0 || full.len > 0;
    if (!*ret_found) {
        return EG_OK;
    }
    m->plan.base = AWS_BASE_CONTAINER;
    m->plan.where = "container endpoint";
    int32_t status = aws_container_url(relative, full, &m->plan.url, m->why);
    return status < 0 ? status : aws_container_token(m->env, &m->plan.token, m->why);
}

static int32_t take_metadata(struct making *m, int32_t *ret_found) {
    const struct eg_str endpoint = aws_env_get(m->env, AWS_ENV_EC2_METADATA_SERVICE_ENDPOINT);
    const struct eg_str mode = aws_env_get(m->env, AWS_ENV_EC2_METADATA_SERVICE_ENDPOINT_MODE);
    const int32_t is_ipv6 = egx_str_eq_nocase(mode, EGX_STR("IPv6"));
    *ret_found =
        !egx_str_eq_nocase(aws_env_get(m->env, AWS_ENV_EC2_METADATA_DISABLED), EGX_STR("true"));
    if (!*ret_found) {
        return EG_OK;
    }
    m->plan.base = AWS_BASE_METADATA;
    m->plan.where = "instance metadata";
    m->plan.url = aws_copy(endpoint.len > 0 ? endpoint
                           : is_ipv6        ? EGX_STR("http://[fd00:ec2::254]")
                                            : EGX_STR("http://169.254.169.254"));
    for (size_t len = strlen(m->plan.url); len > 0 && m->plan.url[len - 1] == '/'; len--) {
        m->plan.url[len - 1] = '\0';
    }
    return EG_OK;
}

/* ---- profiles ---- */

/* credential_source of a role: the name of a source without a profile. */
static int32_t take_named_source(struct making *m, struct eg_str name) {
    static const struct {
        const char *name;
        int32_t (*take)(struct making *m, int32_t *ret_found);
    } rows[] = {{"Environment", take_environment},
                {"EcsContainer", take_container},
                {"Ec2InstanceMetadata", take_metadata}};
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        if (egx_str_eq(name, egx_str_c(rows[i].name))) {
            int32_t is_found = 0;
            const int32_t status = rows[i].take(m, &is_found);
            return status < 0 || is_found
                       ? status
                       : egx_why(m->why, EG_E_NOTFOUND, "credential_source %s has no credentials",
                                 rows[i].name);
        }
    }
    return egx_why(m->why, EG_E_INVAL, "unknown credential_source \"%.*s\"", EGX_FMT(name));
}

static int32_t has_role(const struct aws_profile *profile) {
    return aws_profile_get(profile, AWS_FIELD_role_arn).len > 0 &&
           aws_profile_get(profile, AWS_FIELD_web_identity_token_file).len == 0;
}

static int32_t has_keys(const struct aws_profile *profile) {
    return aws_profile_has_keys(profile, AWS_FILE_CREDENTIALS) ||
           aws_profile_has_keys(profile, AWS_FILE_CONFIG);
}

/* What a profile has besides a role, in the chain's order. */
static int32_t take_profile(struct making *m, const struct aws_profile *profile,
                            int32_t *ret_found) {
    const struct eg_str file = aws_profile_get(profile, AWS_FIELD_web_identity_token_file);
    *ret_found = 1;
    if (file.len > 0) {
        return take_web_identity(m, file, aws_profile_get(profile, AWS_FIELD_role_arn),
                                 aws_profile_get(profile, AWS_FIELD_role_session_name));
    }
    if (aws_profile_has_keys(profile, AWS_FILE_CREDENTIALS)) {
        return take_file_keys(m, profile, AWS_FILE_CREDENTIALS);
    }
    if (aws_profile_get(profile, AWS_FIELD_credential_process).len > 0) {
        return take_process(m, profile);
    }
    if (aws_profile_has_keys(profile, AWS_FILE_CONFIG)) {
        return take_file_keys(m, profile, AWS_FILE_CONFIG);
    }
    *ret_found = 0;
    return EG_OK;
}

static int32_t take_source(struct making *m, const struct aws_profile *profile) {
    int32_t is_found = 0;
    const int32_t status = take_profile(m, profile, &is_found);
    return status < 0 || is_found
               ? status
               : egx_why(m->why, EG_E_NOTFOUND, "the source profile \"%s\" has no credentials",
                         profile->name);
}

/* One profile of a chain of roles: its role is noted. The next profile, or NULL when the base is
 * taken. A profile may name itself, or keys of its own stand behind a role further up. */
static int32_t follow_role(struct making *m, const struct aws_profile *profile,
                           const struct aws_profile **ret_next) {
    const struct eg_str source = aws_profile_get(profile, AWS_FIELD_source_profile);
    const struct eg_str named = aws_profile_get(profile, AWS_FIELD_credential_source);
    *ret_next = NULL;
    if (aws_profile_get(profile, AWS_FIELD_mfa_serial).len > 0) {
        return egx_why(m->why, EG_E_UNSUPPORTED,
                       "profile \"%s\" wants a one-time code (mfa_serial): nobody is there to type",
                       profile->name);
    }
    if ((source.len > 0) == (named.len > 0)) {
        return egx_why(m->why, EG_E_INVAL,
                       "profile \"%s\" needs either source_profile or credential_source beside "
                       "role_arn",
                       profile->name);
    }
    int32_t status = add_role(m, aws_profile_get(profile, AWS_FIELD_role_arn),
                              aws_profile_get(profile, AWS_FIELD_role_session_name), profile);
    if (status < 0 || named.len > 0) {
        return status < 0 ? status : take_named_source(m, named);
    }
    const struct aws_profile *next = aws_profile_find(&m->profiles, source);
    if (next == NULL) {
        return egx_why(m->why, EG_E_NOTFOUND,
                       "there is no AWS profile \"%.*s\", the source of \"%s\"", EGX_FMT(source),
                       profile->name);
    }
    if (next == profile || has_keys(next) || !has_role(next)) {
        return take_source(m, next);
    }
    *ret_next = next;
    return EG_OK;
}

static int32_t take_roles(struct making *m, const struct aws_profile *profile) {
    int32_t status = EG_OK;
    while (profile != NULL && status == EG_OK) { /* a circle ends at AWS_MAX_ROLES */
        status = follow_role(m, profile, &profile);
    }
    return status;
}

/* ---- the chain ---- */

static int32_t take_env_web_identity(struct making *m, int32_t *ret_found) {
    const struct eg_str file = aws_env_get(m->env, AWS_ENV_WEB_IDENTITY_TOKEN_FILE);
    *ret_found = file.len > 0;
    return *ret_found ? take_web_identity(m, file, aws_env_get(m->env, AWS_ENV_ROLE_ARN),
                                          aws_env_get(m->env, AWS_ENV_ROLE_SESSION_NAME))
                      : EG_OK;
}

static int32_t take_profile_role(struct making *m, int32_t *ret_found) {
    *ret_found = m->profile != NULL && has_role(m->profile);
    return *ret_found ? take_roles(m, m->profile) : EG_OK;
}

static int32_t take_own_profile(struct making *m, int32_t *ret_found) {
    *ret_found = 0;
    return m->profile == NULL ? EG_OK : take_profile(m, m->profile, ret_found);
}

static int32_t walk_chain(struct making *m) {
    static const struct {
        int32_t (*take)(struct making *m, int32_t *ret_found);
        int32_t is_for_named; /* also when the function names a profile */
    } rows[] = {{take_environment, 0}, {take_profile_role, 1}, {take_env_web_identity, 0},
                {take_own_profile, 1}, {take_container, 1},    {take_metadata, 1}};
    for (size_t i = 0; i < EGX_COUNT(rows); i++) {
        int32_t is_found = 0;
        const int32_t status =
            m->is_named && !rows[i].is_for_named ? EG_OK : rows[i].take(m, &is_found);
        if (status < 0 || is_found) {
            return status;
        }
    }
    return egx_why(m->why, EG_E_NOTFOUND,
                   "no AWS credentials: neither in the function nor in the environment, the shared "
                   "files or a container, and AWS_EC2_METADATA_DISABLED is true");
}

static int32_t find_profile(struct making *m, struct eg_str name) {
    const struct eg_str from_env = aws_env_get(m->env, AWS_ENV_PROFILE);
    const struct eg_str wanted = name.len > 0 ? name : from_env;
    m->is_named = name.len > 0;
    m->profile = aws_profile_find(&m->profiles, wanted.len > 0 ? wanted : EGX_STR("default"));
    if (m->profile == NULL && wanted.len > 0) {
        return egx_why(m->why, EG_E_NOTFOUND, "there is no AWS profile \"%.*s\"", EGX_FMT(wanted));
    }
    return EG_OK;
}

static void find_region(struct making *m) {
    const struct eg_str places[] = {
        m->profile == NULL ? egx_str_n(NULL, 0) : aws_profile_get(m->profile, AWS_FIELD_region),
        aws_env_get(m->env, AWS_ENV_REGION), aws_env_get(m->env, AWS_ENV_DEFAULT_REGION)};
    for (size_t i = 0; i < EGX_COUNT(places) && m->plan.region == NULL; i++) {
        m->plan.region = copy_or_null(places[i]);
    }
}

int32_t aws_plan_make(const struct aws_env *env, struct eg_str profile, struct aws_plan *ret_plan,
                      struct eg_why *ret_why) {
    struct making m = {.env = env, .why = ret_why};
    int32_t is_found = 0;
    int32_t status = profile.len == 0 ? take_environment(&m, &is_found) : EG_OK;
    if (!is_found) { /* else the files do not matter, not even when they cannot be read */
        status = aws_profiles_read(env, &m.profiles, ret_why);
        status = status < 0 ? status : find_profile(&m, profile);
        status = status < 0 ? status : walk_chain(&m);
        if (status == EG_OK) {
            find_region(&m);
        }
        aws_profiles_free(&m.profiles);
    }
    if (status < 0) {
        aws_plan_free(&m.plan);
        return status;
    }
    *ret_plan = m.plan;
    return EG_OK;
}

void aws_plan_free(struct aws_plan *plan) {
    char *const texts[] = {plan->access_key_id, plan->secret_access_key,
                           plan->session_token, plan->document,
                           plan->url,           plan->token,
                           plan->region};
    for (size_t i = 0; i < EGX_COUNT(texts); i++) {
        aws_free_secret(texts[i]);
    }
    for (size_t i = 0; i < plan->role_count; i++) {
        struct aws_role *role = &plan->roles[i];
        free(role->arn);
        free(role->session_name);
        aws_free_secret(role->external_id);
        free(role->duration_seconds);
    }
    memset(plan, 0, sizeof *plan);
}
