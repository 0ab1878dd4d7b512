/* consumers.c - see consumers.h. Control thread. */
#include "consumers.h"

#include "password.h"

static int32_t read_metadata(const struct auth_consumers *consumers, const struct eg_json *group,
                             struct auth_consumer *consumer, struct eg_why *ret_why) {
    const struct eg_json_api *json = consumers->host->json;
    const struct eg_json *metadata = json->member(group, EGX_STR("metadata"));
    if (metadata == NULL) {
        return EG_OK;
    }
    if (json->kind(metadata) != EG_JSON_OBJECT) {
        return egx_why(ret_why, EG_E_INVAL, "'metadata' has to be a group of texts");
    }
    egx_json_open(&consumer->context, '{');
    for (size_t i = 0; i < json->count(metadata); i++) {
        struct eg_str name = egx_str_n(NULL, 0);
        const struct eg_json *value = json->at(metadata, i, &name);
        if (json->kind(value) != EG_JSON_STRING) {
            return egx_why(ret_why, EG_E_INVAL, "'metadata' has to be a group of texts");
        }
        egx_json_key(&consumer->context, name);
        egx_json_string(&consumer->context, json->string(value));
    }
    egx_json_close(&consumer->context, '}');
    return EG_OK;
}

static int32_t read_secrets(const struct auth_consumers *consumers, const struct eg_json *group,
                            struct auth_consumer *consumer, const char *name, enum auth_kind kind,
                            struct auth_credentials *credentials, struct eg_why *ret_why) {
    struct eg_str_list secrets = {0};
    int32_t rc = auth_read_texts(consumers->host, group, name, &secrets, ret_why);
    for (size_t i = 0; rc >= 0 && i < secrets.count; i++) {
        rc = auth_credentials_add(credentials,
                                  (struct auth_credential){.kind = kind, .consumer = consumer},
                                  secrets.items[i], ret_why);
        consumer->kinds |= 1u << kind;
    }
    consumers->host->mem->free(consumers->host, (void *)(uintptr_t)secrets.items);
    return rc;
}

static int32_t read_password(const struct auth_consumers *consumers, const struct eg_json *group,
                             struct auth_consumer *consumer, struct eg_why *ret_why) {
    int32_t rc = auth_read_text(consumers->host, group, "password", &consumer->password, ret_why);
    if (rc < 0 || consumer->password.len == 0) {
        return rc;
    }
    if (!auth_password_is_hash(consumer->password)) {
        return egx_why(ret_why, EG_E_INVAL,
                       "'password' has to be a hash of crypt(3) ($y$, $7$, $2b$, $6$ or $5$)");
    }
    if (memchr(consumer->name.ptr, ':', consumer->name.len) != NULL) { /* RFC 7617 2 */
        return egx_why(ret_why, EG_E_INVAL, "a 'name' with a colon cannot have a 'password'");
    }
    consumer->kinds |= 1u << AUTH_BY_BASIC;
    return EG_OK;
}

/* Also of those without a password, so that no two have the same name. */
static int32_t read_name(const struct auth_consumers *consumers, const struct eg_json *group,
                         struct auth_consumer *consumer, struct auth_credentials *credentials,
                         struct eg_why *ret_why) {
    const struct auth_credential named = {.kind = AUTH_BY_BASIC, .consumer = consumer};
    const int32_t rc = auth_read_text(consumers->host, group, "name", &consumer->name, ret_why);
    if (rc >= 0 && consumer->name.len == 0) {
        return egx_why(ret_why, EG_E_INVAL, "it needs a 'name'");
    }
    if (rc >= 0 && egx_str_starts(consumer->name, EGX_STR("sha"))) {
        struct auth_digest digest;
        if (auth_read_digest(consumer->name, &digest)) {
            return egx_why(ret_why, EG_E_INVAL, "a 'name' cannot be a hash");
        }
    }
    return rc < 0 ? rc : auth_credentials_add(credentials, named, consumer->name, ret_why);
}

int32_t auth_read_certificates(const struct eg_host *host, const struct eg_json *group,
                               struct auth_credential whose, struct auth_credentials *credentials,
                               struct eg_str_list *ret_subjects, struct eg_why *ret_why) {
    struct eg_str_list texts = {0};
    int32_t rc = auth_read_texts(host, group, "certificates", &texts, ret_why);
    struct eg_str *subjects = (struct eg_str *)(uintptr_t)texts.items;
    size_t count = 0;
    whose.kind = AUTH_BY_CERTIFICATE;
    for (size_t i = 0; rc >= 0 && i < texts.count; i++) {
        if (egx_str_starts(texts.items[i], EGX_STR("sha256:"))) {
            rc = auth_credentials_add(credentials, whose, texts.items[i], ret_why);
        } else if (egx_str_eq(texts.items[i], EGX_STR("*")) ||
                   memchr(texts.items[i].ptr, '=', texts.items[i].len) != NULL) {
            subjects[count++] = texts.items[i];
        } else {
            rc = egx_why(ret_why, EG_E_INVAL,
                         "'certificates': '%.*s' is neither a subject such as \"CN=*,O=Example\" "
                         "nor \"sha256:\" and a fingerprint",
                         EGX_FMT(texts.items[i]));
        }
    }
    *ret_subjects = (struct eg_str_list){subjects, count};
    return rc;
}

static int32_t read_consumer(const struct auth_consumers *consumers, const struct eg_json *group,
                             struct auth_consumer *consumer, struct auth_credentials *credentials,
                             struct eg_why *ret_why) {
    static const char *const known[] = {"name",   "metadata", "api_keys",
                                        "tokens", "password", "certificates"};
    const struct eg_host *host = consumers->host;
    const struct auth_credential whose = {.consumer = consumer};
    int32_t rc = auth_check_keys(host, group, known, EGX_COUNT(known), ret_why);
    rc = rc < 0 ? rc : read_name(consumers, group, consumer, credentials, ret_why);
    rc = rc < 0 ? rc : read_metadata(consumers, group, consumer, ret_why);
    rc = rc < 0 ? rc
                : read_secrets(consumers, group, consumer, "api_keys", AUTH_BY_KEY, credentials,
                               ret_why);
    rc = rc < 0 ? rc
                : read_secrets(consumers, group, consumer, "tokens", AUTH_BY_TOKEN, credentials,
                               ret_why);
    rc = rc < 0 ? rc : read_password(consumers, group, consumer, ret_why);
    if (rc >= 0 && host->json->member(group, EGX_STR("certificates")) != NULL) {
        consumer->kinds |= 1u << AUTH_BY_CERTIFICATE;
        rc = auth_read_certificates(host, group, whose, credentials, &consumer->subjects, ret_why);
    }
    if (rc >= 0 && consumer->kinds == 0) {
        return egx_why(ret_why, EG_E_INVAL,
                       "it needs 'api_keys', 'tokens', 'password' or 'certificates'");
    }
    return rc;
}

static void choose_any_password(struct auth_consumers *consumers) {
    for (size_t i = 0; i < consumers->count && consumers->any_password.len == 0; i++) {
        consumers->any_password = consumers->items[i].password;
    }
}

int32_t auth_consumers_read(struct auth_consumers *consumers, const struct eg_host *host,
                            struct eg_str json, struct auth_credentials *credentials,
                            struct eg_why *ret_why) {
    size_t count = 0;
    consumers->host = host;
    int32_t rc = auth_read_groups(host, json, "consumers", &consumers->root, &count, ret_why);
    if (rc >= 0 && count > AUTH_ITEMS_MAX) {
        rc = egx_why(ret_why, EG_E_INVAL, "'consumers' has more than %u groups", AUTH_ITEMS_MAX);
    }
    if (rc < 0) {
        return rc;
    }
    consumers->items = host->mem->alloc(host, (count + 1) * sizeof *consumers->items);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        struct eg_why why = {.struct_size = sizeof why};
        struct auth_consumer *consumer = &consumers->items[consumers->count++];
        consumer->index = i;
        rc = read_consumer(consumers, host->json->at(consumers->root, i, NULL), consumer,
                           credentials, &why);
        if (rc < 0) {
            rc = egx_why(ret_why, rc, "consumer %zu: %.*s", i + 1, (int)why.len, why.text);
        }
    }
    choose_any_password(consumers);
    return rc;
}

void auth_consumers_free(struct auth_consumers *consumers) {
    const struct eg_host *host = consumers->host;
    if (host == NULL) {
        return;
    }
    for (size_t i = 0; i < consumers->count; i++) {
        egx_json_free(&consumers->items[i].context);
        host->mem->free(host, (void *)(uintptr_t)consumers->items[i].subjects.items);
    }
    host->mem->free(host, consumers->items);
    if (consumers->root != NULL) {
        host->json->free(host, consumers->root);
    }
    *consumers = (struct auth_consumers){0};
}

const struct auth_consumer *auth_consumer_find(const struct auth_consumers *consumers,
                                               struct eg_str name) {
    for (size_t i = 0; i < consumers->count; i++) {
        if (egx_str_eq(consumers->items[i].name, name)) {
            return &consumers->items[i];
        }
    }
    return NULL;
}
