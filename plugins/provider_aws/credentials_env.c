/*
 * credentials_env.c - the snapshot of the environment. Made and wiped by the cache, read by any
 * thread in between. It holds secrets: never print it.
 */
#include "credentials_env.h"

#include <stdlib.h>

#include "hmac.h"

static const char *const names[AWS_ENV_COUNT] = {
#define AWS_ENV_TEXT(name) "AWS_" #name,
    AWS_ENV_NAMES(AWS_ENV_TEXT)
#undef AWS_ENV_TEXT
        "HOME",
};

void *aws_alloc(size_t size) {
    void *ptr = calloc(1, size == 0 ? 1 : size);
    if (ptr == NULL) {
        abort();
    }
    return ptr;
}

char *aws_copy(struct eg_str text) {
    char *copy = aws_alloc(text.len + 1);
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return copy;
}

void aws_free_secret(char *text) {
    if (text != NULL) {
        aws_wipe(text, strlen(text));
        free(text);
    }
}

static const char *process_env(void *arg, const char *name) {
    (void)arg;
    return getenv(name);
}

void aws_env_read(struct aws_env *env, aws_getenv_fn lookup, void *arg) {
    for (size_t i = 0; i < AWS_ENV_COUNT; i++) {
        const char *value = (lookup == NULL ? process_env : lookup)(arg, names[i]);
        env->values[i] = value == NULL ? NULL : aws_copy(egx_str_c(value));
    }
}

void aws_env_wipe(struct aws_env *env) {
    for (size_t i = 0; i < AWS_ENV_COUNT; i++) {
        aws_free_secret(env->values[i]);
        env->values[i] = NULL;
    }
}

struct eg_str aws_env_get(const struct aws_env *env, enum aws_env_name name) {
    return egx_str_c(env->values[name]);
}
