/*
 * profile.c - reads ~/.aws/credentials and ~/.aws/config (or what the environment names instead)
 * into profiles. Blocks: pool threads only.
 *
 * In the config file a profile's section is `[profile name]`, but `[default]`; in the credentials
 * file it is `[name]`. The credentials file wins for a key that both have.
 */
#include "profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "hmac.h"
#include "ini.h"

/* ---- files ---- */

static int32_t read_all(int fd, char *text, size_t *ret_len) {
    size_t len = 0;
    while (len <= AWS_MAX_FILE_BYTES) {
        const ssize_t got = read(fd, text + len, AWS_MAX_FILE_BYTES + 1 - len);
        if (got == 0) {
            *ret_len = len;
            return EG_OK;
        }
        if (got < 0 && errno != EINTR) {
            return EG_E_IO;
        }
        len += got > 0 ? (size_t)got : 0;
    }
    return EG_E_TOOBIG;
}

int32_t aws_read_file(const char *path, char **ret_text) {
    /* O_NONBLOCK: a named pipe without a writer must not hold a thread for ever. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t len = 0;
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR ? EG_E_NOTFOUND : EG_E_IO;
    }
    char *text = aws_alloc(AWS_MAX_FILE_BYTES + 2);
    int32_t status = read_all(fd, text, &len);
    (void)close(fd);
    if (status == EG_OK && memchr(text, '\0', len) != NULL) {
        status = EG_E_SYNTAX;
    }
    if (status == EG_OK) {
        *ret_text = aws_copy(egx_str_n(text, len));
    }
    aws_wipe(text, AWS_MAX_FILE_BYTES + 2);
    free(text);
    return status;
}

/* The path of a shared file: the variable's, else one in the home directory; NULL without a home.
 */
static char *shared_path(const struct aws_env *env, enum aws_env_name variable, const char *name) {
    const struct eg_str given = aws_env_get(env, variable);
    const struct eg_str home = aws_env_get(env, AWS_ENV_HOME);
    const int in_home = given.len == 0 || egx_str_starts(given, EGX_STR("~/"));
    if (!in_home) {
        return aws_copy(given);
    }
    if (home.len == 0) {
        return NULL;
    }
    char *path = NULL;
    const int len =
        given.len == 0 ? asprintf(&path, "%.*s/.aws/%s", EGX_FMT(home), name)
                       : asprintf(&path, "%.*s%.*s", EGX_FMT(home), EGX_FMT(egx_str_cut(given, 1)));
    return len < 0 ? NULL : path;
}

/* ---- profiles ---- */

static const char *const field_names[AWS_FIELD_COUNT] = {
#define AWS_FIELD_TEXT(name) #name,
    AWS_PROFILE_FIELDS(AWS_FIELD_TEXT)
#undef AWS_FIELD_TEXT
};

struct reading {
    struct aws_profiles *profiles;
    uint32_t file;
};

const struct aws_profile *aws_profile_find(const struct aws_profiles *profiles,
                                           struct eg_str name) {
    const struct aws_profile *p = profiles->first;
    while (p != NULL && !egx_str_eq(egx_str_c(p->name), name)) {
        p = p->next;
    }
    return p;
}

static struct aws_profile *find_or_add(struct aws_profiles *profiles, struct eg_str name) {
    struct aws_profile *p = profiles->first;
    while (p != NULL && !egx_str_eq(egx_str_c(p->name), name)) {
        p = p->next;
    }
    if (p == NULL && profiles->count < AWS_MAX_PROFILES) {
        p = aws_alloc(sizeof *p);
        p->name = aws_copy(name);
        p->next = profiles->first;
        profiles->first = p;
        profiles->count++;
    }
    return p;
}

/* The profile a section is of; empty = none (sso-session, services, plugins, ...). */
static struct eg_str profile_of(struct eg_str section, uint32_t file) {
    const struct eg_str prefix = EGX_STR("profile");
    if (file == AWS_FILE_CREDENTIALS || egx_str_eq(section, EGX_STR("default"))) {
        return section;
    }
    struct eg_str name = egx_str_cut(section, prefix.len);
    if (!egx_str_starts(section, prefix) || name.len == 0 ||
        (name.ptr[0] != ' ' && name.ptr[0] != '\t')) {
        return egx_str_n(NULL, 0);
    }
    while (name.len > 0 && (name.ptr[0] == ' ' || name.ptr[0] == '\t')) {
        name = egx_str_cut(name, 1);
    }
    if (name.len > 2 && name.ptr[0] == '"' && name.ptr[name.len - 1] == '"') {
        name = egx_str_n(name.ptr + 1, name.len - 2); /* [profile "a b"] */
    }
    return name;
}

static void on_key(void *arg, struct eg_str section, struct eg_str key, struct eg_str value) {
    const struct reading *reading = arg;
    const struct eg_str name = profile_of(section, reading->file);
    if (name.len == 0) {
        return;
    }
    struct aws_profile *profile = find_or_add(reading->profiles, name);
    for (size_t i = 0; profile != NULL && i < AWS_FIELD_COUNT; i++) {
        if (egx_str_eq_nocase(key, egx_str_c(field_names[i]))) {
            char **field = &profile->fields[reading->file][i];
            aws_free_secret(*field); /* the last one counts */
            *field = aws_copy(value);
        }
    }
}

static int32_t read_shared(const struct aws_env *env, uint32_t file, struct aws_profiles *profiles,
                           struct eg_why *ret_why) {
    static const struct {
        enum aws_env_name variable;
        const char *name;
    } rows[] = {{AWS_ENV_SHARED_CREDENTIALS_FILE, "credentials"}, {AWS_ENV_CONFIG_FILE, "config"}};
    struct reading reading = {.profiles = profiles, .file = file};
    char *text = NULL;
    char *path = shared_path(env, rows[file].variable, rows[file].name);
    if (path == NULL) {
        return EG_OK;
    }
    int32_t status = aws_read_file(path, &text);
    if (status == EG_OK) {
        aws_ini_read(egx_str_c(text), on_key, &reading);
    } else if (status == EG_E_NOTFOUND) {
        status = EG_OK;
    } else {
        status = egx_why(ret_why, status, "cannot read the AWS %s file %s: %s", rows[file].name,
                         path, egx_error_text(status));
    }
    aws_free_secret(text);
    free(path);
    return status;
}

int32_t aws_profiles_read(const struct aws_env *env, struct aws_profiles *ret_profiles,
                          struct eg_why *ret_why) {
    struct aws_profiles profiles = {.first = NULL};
    int32_t status = read_shared(env, AWS_FILE_CREDENTIALS, &profiles, ret_why);
    if (status == EG_OK) {
        status = read_shared(env, AWS_FILE_CONFIG, &profiles, ret_why);
    }
    if (status < 0) {
        aws_profiles_free(&profiles);
        return status;
    }
    *ret_profiles = profiles;
    return EG_OK;
}

void aws_profiles_free(struct aws_profiles *profiles) {
    while (profiles->first != NULL) {
        struct aws_profile *p = profiles->first;
        profiles->first = p->next;
        for (size_t i = 0; i < AWS_FIELD_COUNT; i++) {
            aws_free_secret(p->fields[AWS_FILE_CREDENTIALS][i]);
            aws_free_secret(p->fields[AWS_FILE_CONFIG][i]);
        }
        free(p->name);
        free(p);
    }
    profiles->count = 0;
}

struct eg_str aws_profile_get(const struct aws_profile *profile, enum aws_profile_field field) {
    const char *first = profile->fields[AWS_FILE_CREDENTIALS][field];
    return egx_str_c(first != NULL ? first : profile->fields[AWS_FILE_CONFIG][field]);
}

int32_t aws_profile_has_keys(const struct aws_profile *profile, uint32_t file) {
    return egx_str_c(profile->fields[file][AWS_FIELD_aws_access_key_id]).len > 0 &&
           egx_str_c(profile->fields[file][AWS_FIELD_aws_secret_access_key]).len > 0;
}
