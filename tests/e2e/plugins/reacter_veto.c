/*
 * reacter_veto - of the end-to-end tests: logs which system events it was asked about and refuses
 * those of one type. Two synchronous interests a type would be asked in order; here one each.
 */
#include <eventgw-sdk/egx.h>

struct veto_settings {
    struct eg_str refuse;
};
EGX_SETTING_STRING(veto_settings, refuse, "none", "Type to refuse.");
static const struct eg_setting *const rows[] = {EGX_ROW(veto_settings, refuse)};

#define INTEREST(type)                                                                             \
    { sizeof(struct eg_interest), EG_INTEREST_SYNC, "eventgateway." type }
static const struct eg_interest all[] = {INTEREST("event.received"), INTEREST("function.invoking"),
                                         INTEREST("function.invoked"),
                                         INTEREST("function.invocationFailed")};
static const struct eg_interest *const all_refs[] = {&all[0], &all[1], &all[2], &all[3]};

struct veto {
    const struct eg_host *host;
    const struct veto_settings *settings;
};

static int32_t create(const struct eg_host *host, const void *settings, void **ret_instance,
                      struct eg_why *ret_why) {
    struct veto *veto = host->mem->alloc(host, sizeof *veto);
    (void)ret_why;
    *veto = (struct veto){.host = host, .settings = settings};
    *ret_instance = veto;
    return EG_OK;
}

static void destroy(void *instance) {
    struct veto *veto = instance;
    veto->host->mem->free(veto->host, veto);
}

static const struct eg_interest *const *interests(void *instance, size_t *ret_count) {
    (void)instance;
    *ret_count = EGX_COUNT(all_refs);
    return all_refs;
}

static int32_t react(void *instance, void *slot, const struct eg_event *event, struct eg_op *op) {
    const struct veto *veto = instance;
    const struct eg_str type = veto->host->event->attribute(event, EGX_STR("type"));
    (void)slot;
    egx_log(veto->host, EG_LOG_DEBUG, "asked %.*s", (int)type.len, type.ptr);
    if (!egx_str_eq(type, veto->settings->refuse)) {
        return EG_NEXT;
    }
    struct eg_result result = {.struct_size = sizeof result,
                               .verdict = EG_STOP,
                               .message = EGX_STR("refused by the test")};
    op->done(op, EG_OK, &result);
    return EG_PENDING;
}

static const struct eg_life_ops life = {
    .struct_size = sizeof life, .create = create, .destroy = destroy};
static const struct eg_reacter_ops ops = {
    .struct_size = sizeof ops, .interests = interests, .react = react};
EGX_COMPONENT(veto_component, EG_KIND_REACTER, "veto", "Refuses system events of one type.",
              veto_settings, rows, &life, &ops);
EGX_PLUGIN("reacter_veto", "0.1.0", "Apache-2.0", EG_ABI_MAKE(0, 1), &veto_component)
