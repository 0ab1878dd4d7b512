/* fake_providers.c - see the header. */
#include "support/fake_providers.h"

#include <stddef.h>
#include <string.h>

struct http_config {
    struct eg_str url;
};
struct vault_config {
    struct eg_str url;
    struct eg_str key;
    struct eg_str token;
};
struct lambda_config {
    struct eg_str arn;
    struct eg_str region;
    struct eg_str awsAccessKeyId;
    struct eg_str awsSecretAccessKey;
};
#define ROW(struct_type, field, kind)                                                              \
    {                                                                                              \
        .struct_size = sizeof(struct eg_setting), .type = kind,                                    \
        .offset = offsetof(struct struct_type, field), .name = #field, .help = "for tests"         \
    }
static const struct eg_setting http_url = ROW(http_config, url, EG_SET_STRING);
static const struct eg_setting vault_url = ROW(vault_config, url, EG_SET_STRING);
static const struct eg_setting vault_key = ROW(vault_config, key, EG_SET_SECRET);
static const struct eg_setting vault_token = ROW(vault_config, token, EG_SET_SECRET);
static const struct eg_setting lambda_arn = ROW(lambda_config, arn, EG_SET_STRING);
static const struct eg_setting lambda_region = ROW(lambda_config, region, EG_SET_STRING);
static const struct eg_setting lambda_id = ROW(lambda_config, awsAccessKeyId, EG_SET_STRING);
static const struct eg_setting lambda_key = ROW(lambda_config, awsSecretAccessKey, EG_SET_SECRET);
static const struct eg_setting *const lambda_rows[] = {&lambda_arn, &lambda_region, &lambda_id,
                                                       &lambda_key};
static const struct eg_setting *const http_rows[] = {&http_url};
/* Of the components, not of functions: what the gateway tells its provider "http". */
struct own_settings {
    struct eg_str fail_on;
};
static const struct eg_setting own_fail_on = ROW(own_settings, fail_on, EG_SET_STRING);
static const struct eg_setting *const own_rows[] = {&own_fail_on};
static const struct eg_setting *const vault_rows[] = {&vault_url, &vault_key, &vault_token};

static int32_t refuse(struct eg_why *ret_why, const char *text) {
    ret_why->len = (uint32_t)strlen(text);
    memcpy(ret_why->text, text, ret_why->len);
    return EG_E_INVAL;
}

static int32_t http_bind(void *instance, const void *config, void **ret_target,
                         struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    const struct http_config *http = config;
    (void)instance;
    (void)ret_traits;
    *ret_target = NULL;
    return http->url.len > 0 ? EG_OK : refuse(ret_why, "missing required fields for HTTP endpoint");
}

static int32_t vault_bind(void *instance, const void *config, void **ret_target,
                          struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    const struct vault_config *vault = config;
    (void)instance;
    (void)ret_traits;
    *ret_target = NULL;
    return vault->key.len > 0 && vault->key.ptr[0] == 'k' ? EG_OK
                                                          : refuse(ret_why, "the key is no key");
}

static int32_t lambda_bind(void *instance, const void *config, void **ret_target,
                           struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    const struct lambda_config *lambda = config;
    (void)instance;
    (void)ret_traits;
    *ret_target = NULL;
    return lambda->arn.len > 0 ? EG_OK : refuse(ret_why, "no ARN");
}

static void no_unbind(void *instance, void *target) {
    (void)instance;
    (void)target;
}

static int32_t no_invoke(void *instance, void *slot, void *target,
                         const struct eg_invocation *invocation, struct eg_op *op) {
    (void)instance;
    (void)slot;
    (void)target;
    (void)invocation;
    (void)op;
    return EG_E_UNSUPPORTED;
}

static int instance_of_all;

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    (void)host;
    (void)settings;
    (void)ret_why;
    *ret_instance = &instance_of_all;
    return EG_OK;
}

static void destroy(void *instance) {
    (void)instance;
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .destroy = destroy};
static const struct eg_provider_ops http_ops = {
    .struct_size = sizeof http_ops, .bind = http_bind, .unbind = no_unbind, .invoke = no_invoke};
static const struct eg_provider_ops vault_ops = {
    .struct_size = sizeof vault_ops, .bind = vault_bind, .unbind = no_unbind, .invoke = no_invoke};
static const struct eg_provider_ops lambda_ops = {.struct_size = sizeof lambda_ops,
                                                  .bind = lambda_bind,
                                                  .unbind = no_unbind,
                                                  .invoke = no_invoke};
#define PROVIDER(title, rows, settings_struct, provider_ops)                                       \
    {                                                                                              \
        .struct_size = sizeof(struct eg_component), .kind = EG_KIND_PROVIDER, .name = title,       \
        .summary = "for tests", .settings = own_rows, .setting_count = 1,                          \
        .settings_size = sizeof(struct own_settings), .target_settings = rows,                     \
        .target_setting_count = sizeof rows / sizeof rows[0],                                      \
        .target_settings_size = sizeof(struct settings_struct), .life = &life,                     \
        .ops = &provider_ops                                                                       \
    }
static const struct eg_component http = PROVIDER("http", http_rows, http_config, http_ops);
static const struct eg_component vault = PROVIDER("vault", vault_rows, vault_config, vault_ops);
static const struct eg_component lambda =
    PROVIDER("awslambda", lambda_rows, lambda_config, lambda_ops);
static const struct eg_component *const components[] = {&http, &vault, &lambda};
const struct eg_plugin fake_providers_plugin = {.magic = EG_PLUGIN_MAGIC,
                                                .struct_size = sizeof fake_providers_plugin,
                                                .abi_built = EG_ABI,
                                                .abi_needs = EG_ABI_MAKE(0, 1),
                                                .name = "fake_providers",
                                                .version = "1",
                                                .licence = "MIT",
                                                .components = components,
                                                .component_count = 3};
