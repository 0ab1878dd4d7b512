/*
 * app/transfer.c - what the command line says about export and import. Control thread.
 */
#include "app/transfer.h"

#include "app/options.h"
#include "base/slice.h"
#include "base/why.h"

int32_t gw_transfer_act_store(struct gw_options *options, const char *value,
                              struct eg_why *ret_why) {
    (void)ret_why;
    gw_source_add(&options->source, GW_STR("store"), GW_STR("backend"), gw_str_c(value),
                  GW_STR("--store"), true);
    return EG_OK;
}

int32_t gw_transfer_act_format(struct gw_options *options, const char *value,
                               struct eg_why *ret_why) {
    static const char *const words[] = {
        [GW_FORMAT_AUTO] = "auto", [GW_FORMAT_JSON] = "json", [GW_FORMAT_YAML] = "yaml"};
    for (unsigned i = 0; i <= GW_FORMAT_YAML; i++) {
        if (gw_str_eq(gw_str_c(value), gw_str_c(words[i]))) {
            options->transfer.format = (enum gw_transfer_format)i;
            return EG_OK;
        }
    }
    return gw_why(ret_why, EG_E_INVAL, "invalid value \"%s\" for flag -format: json, yaml or auto",
                  value);
}

int32_t gw_transfer_act_space(struct gw_options *options, const char *value,
                              struct eg_why *ret_why) {
    if (value[0] == '\0') {
        return gw_why(ret_why, EG_E_INVAL, "invalid value \"\" for flag -space: a name");
    }
    options->transfer.space = gw_str_c(value);
    return EG_OK;
}

int32_t gw_transfer_act_kind(struct gw_options *options, const char *value,
                             struct eg_why *ret_why) {
    enum gw_kind kind = GW_KINDS;
    const int32_t rc = gw_document_kind(gw_str_c(value), &kind, ret_why);
    if (rc == EG_OK) {
        options->transfer.kinds |= 1u << kind;
    }
    return rc;
}

unsigned gw_transfer_kinds(const struct gw_transfer *transfer) {
    return transfer->kinds == 0 ? (1u << GW_KINDS) - 1 : transfer->kinds;
}

bool gw_transfer_has(const struct gw_transfer *transfer, enum gw_kind kind, struct eg_str space) {
    return (gw_transfer_kinds(transfer) & 1u << kind) != 0 &&
           (transfer->space.len == 0 || gw_str_eq(transfer->space, space));
}
