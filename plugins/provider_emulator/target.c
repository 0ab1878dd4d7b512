/*
 * target.c - what one function of type `emulator` may configure, its check, and the address made of
 * it. Control thread, no I/O.
 *
 * Only a missing field is refused. Another apiVersion, or an emulatorUrl that no address can be
 * made of, was taken in 2017 and failed when it was called; clients of that time rely on being
 * able to register it, so here too each call fails, with the reason.
 */
#include "provider_emulator.h"

EGX_SETTING(emulator_target_settings, emulator_url, "emulatorUrl", EG_SET_STRING, EG_SET_REQUIRED,
            0, 0, NULL, NULL, "where the emulator is: http://host:port");
EGX_SETTING(emulator_target_settings, api_version, "apiVersion", EG_SET_STRING, EG_SET_REQUIRED, 0,
            0, NULL, NULL, "version of the emulator's API: v0");
const struct eg_setting *const emulator_target_rows[EMULATOR_TARGET_ROWS] = {
    EGX_ROW(emulator_target_settings, emulator_url),
    EGX_ROW(emulator_target_settings, api_version)};

static int has_one_of(struct eg_str text, char a, char b) {
    return memchr(text.ptr, a, text.len) != NULL || memchr(text.ptr, b, text.len) != NULL;
}

/* NULL = none. That it is an http URL is checked by who sends it. */
static const char *defect_of(const struct emulator_target_settings *config) {
    if (!egx_str_eq(config->api_version, EGX_STR("v0"))) {
        return "apiVersion has to be v0, the only version there is";
    }
    if (has_one_of(config->emulator_url, '?', '#')) {
        return "emulatorUrl has to be a URL without query and fragment";
    }
    return NULL;
}

static void put_url(struct eg_str base, struct egx_json *out) {
    while (base.len > 0 && base.ptr[base.len - 1] == '/') {
        base.len--;
    }
    egx_json_raw(out, base);
    egx_json_raw(out, EGX_STR("/v0/emulator/api/functions/invoke"));
}

int32_t emulator_bind(void *instance, const void *config, void **ret_target,
                      struct eg_target_traits *ret_traits, struct eg_why *ret_why) {
    const struct emulator_instance *i = instance;
    const struct emulator_target_settings *settings = config;
    (void)ret_traits;
    if (settings->emulator_url.len == 0) {
        return egx_why(ret_why, EG_E_INVAL,
                       "missing required field emulatorURL for Emulator function");
    }
    if (settings->api_version.len == 0) {
        return egx_why(ret_why, EG_E_INVAL,
                       "missing required field apiVersion for Emulator function");
    }
    struct emulator_target *target = i->host->mem->alloc(i->host, sizeof *target);
    target->defect = defect_of(settings);
    put_url(settings->emulator_url, &target->url);
    *ret_target = target;
    return EG_OK;
}

void emulator_unbind(void *instance, void *target) {
    const struct emulator_instance *i = instance;
    struct emulator_target *t = target;
    egx_json_free(&t->url);
    i->host->mem->free(i->host, t);
}
