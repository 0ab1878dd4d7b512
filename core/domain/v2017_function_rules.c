/*
 * domain/v2017_function_rules.c - the validation of functions in the API of 2017 (compatibility
 * chapter 15.1): lines for fields, and what each type of provider needs. Whether the provider is
 * there, and takes its configuration, is asked elsewhere. Pure.
 */
#include "base/check.h"
#include "base/slice.h"
#include "domain/object_fields.h"
#include "domain/v2017_inner.h"

#define MISSING_AWS "Missing required fields for AWS Lambda function."
/* What a provider type needs, and what is told about its absence. */
static const struct {
    const char *type;
    const char *field;
    const char *detail;
} needed[] = {
    {"awslambda", "arn", MISSING_AWS},
    {"awslambda", "region", MISSING_AWS},
    {"http", "url", "Missing required fields for HTTP endpoint."},
    {"weighted", "weighted", "Missing required fields for weighted function."},
    {"emulator", "emulatorUrl", "Missing required field emulatorURL for Emulator function."},
    {"emulator", "apiVersion", "Missing required field apiVersion for Emulator function."},
};

static bool is_type_known(struct eg_str type) {
    for (size_t i = 0; i < GW_COUNT(needed); i++) {
        if (gw_str_eq(type, gw_str_c(needed[i].type))) {
            return true;
        }
    }
    return false;
}

static bool is_scheme(struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        const char c = s.ptr[i];
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool is_other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!is_letter && (i == 0 || !is_other)) {
            return false;
        }
    }
    return s.len > 0;
}

/* Absolute (RFC 3986 3.1): begins with a scheme, and holds nothing that may not stand in a URL.
 * What else it has to be is the provider's matter. */
static bool is_url(struct eg_str s) {
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7f) {
            return false;
        }
    }
    const size_t colon = gw_str_find(s, ':');
    return colon < s.len && is_scheme(gw_str_sub(s, 0, colon));
}

static void check_provider(struct gw_bytes *lines, const struct gw_object *object,
                           const struct eg_json *provider) {
    const struct eg_str type = object->as.function.type;
    const struct eg_json *url = gw_v2017_member(provider, "url");
    if (object->as.function.provider_json.len == 0) {
        gw_validation_line(lines, "Function", "Provider", "required");
        return;
    }
    if (type.len == 0) {
        gw_validation_line(lines, "Function", "Provider.Type", "required");
    } else if (!is_type_known(type)) {
        gw_validation_line(lines, "Function", "Provider.Type",
                           "eq=awslambda|eq=http|eq=weighted|eq=emulator");
    }
    if (url != NULL && !is_url(gw_json_string(url))) {
        gw_validation_line(lines, "Function", "Provider.URL", "url");
    }
}

static bool is_sum_zero(const struct eg_json *weights) {
    for (size_t i = 0; i < gw_json_count(weights); i++) {
        const struct eg_json *weight = gw_v2017_member(gw_json_at(weights, i, NULL), "weight");
        if (weight != NULL && gw_json_integer(weight) != 0) {
            return false;
        }
    }
    return true;
}

static void check_needed(struct gw_bytes *lines, struct eg_str type,
                         const struct eg_json *provider) {
    for (size_t i = 0; lines->len == 0 && i < GW_COUNT(needed); i++) {
        if (gw_str_eq(type, gw_str_c(needed[i].type)) &&
            gw_v2017_member(provider, needed[i].field) == NULL) {
            gw_bytes_add_c(lines, needed[i].detail);
        }
    }
    if (lines->len == 0 && gw_str_eq(type, GW_STR("weighted")) &&
        is_sum_zero(gw_v2017_member(provider, "weighted"))) {
        gw_bytes_add_c(lines, "Function weights sum to zero.");
    }
}

int32_t gw_v2017_function_check(const struct gw_object *function, struct gw_refusal *ret_refusal) {
    const struct eg_str provider_json = function->as.function.provider_json;
    struct eg_json *provider = NULL;
    struct gw_bytes lines;
    int32_t rc = EG_OK;
    gw_bytes_init(&lines, 0);
    if (provider_json.len > 0) {
        (void)gw_json_parse(provider_json, false, &provider, NULL);
    }
    if (function->id.len == 0) {
        gw_validation_line(&lines, "Function", "ID", "required");
    } else if (!gw_is_space_name(function->id)) {
        gw_validation_line(&lines, "Function", "ID", "functionid");
    }
    check_provider(&lines, function, provider);
    if (lines.len == 0) {
        check_needed(&lines, function->as.function.type, provider);
    }
    if (lines.len > 0) {
        rc = gw_v2017_refuse_invalid(ret_refusal, GW_FUNCTION, gw_bytes_str(&lines));
    }
    gw_bytes_free(&lines);
    gw_json_free(provider);
    return rc;
}
