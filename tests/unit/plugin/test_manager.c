/* What is known: loading, look-ups, chains, instances that cannot be made. */
#include "bench_plugin.h"

static struct eg_why why;
#define ASSERT_WHY(sentence) ASSERT_STR(((struct eg_str){why.text, why.len}), sentence)

/* ---- a reacter whose interests a test may choose ---- */

static const struct eg_interest *const *list;
static size_t list_count;
static const struct eg_interest *const *interests(void *instance, size_t *ret_count) {
    (void)instance;
    *ret_count = list_count;
    return list;
}
static int32_t react(void *instance, void *slot, const struct eg_event *event, struct eg_op *op) {
    (void)instance;
    (void)slot;
    (void)event;
    (void)op;
    return EG_NEXT;
}
static const struct eg_reacter_ops reacter_ops = {
    .struct_size = sizeof reacter_ops, .interests = interests, .react = react};
static const struct eg_component reacter = {.struct_size = sizeof reacter,
                                            .kind = EG_KIND_REACTER,
                                            .name = "ears",
                                            .summary = "Listens.",
                                            .life = &bench_life,
                                            .ops = &reacter_ops};
static const struct eg_storage_ops storage_ops = {.struct_size = sizeof storage_ops};
static const struct eg_component storage = {.struct_size = sizeof storage,
                                            .kind = EG_KIND_STORAGE,
                                            .name = "shelf",
                                            .summary = "Keeps.",
                                            .life = &bench_life,
                                            .ops = &storage_ops};

static int32_t add(const struct eg_component *component) {
    why = (struct eg_why){.struct_size = sizeof why};
    return gw_manager_add(manager, component, NULL, 0, NULL, &why);
}

static void a_shared_object_of_the_build_is_loaded_once(void) {
    size_t count = 0;
    const char *path = TEST_BUILD_DIR "/plugins/middleware_auth.so";
    bench_open();
    CU_ASSERT_EQUAL_FATAL(gw_manager_load(manager, path, &why), EG_OK);
    CU_ASSERT_EQUAL(gw_manager_load(manager, path, &why), EG_OK);
    (void)gw_manager_components(manager, &count);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_PTR_NOT_NULL(gw_manager_component(manager, EG_KIND_MIDDLEWARE, GW_STR("auth")));
    CU_ASSERT_PTR_NOT_NULL(gw_manager_component(manager, 0, GW_STR("auth")));
    CU_ASSERT_PTR_NULL(gw_manager_component(manager, EG_KIND_STORAGE, GW_STR("auth")));
    CU_ASSERT_PTR_NULL(gw_manager_component(manager, 0, GW_STR("aut")));
    bench_close();
}

static void a_missing_directory_is_an_error_that_names_it(void) {
    bench_open();
    CU_ASSERT_EQUAL(gw_manager_load_directory(manager, "/nowhere/plugins", &why), EG_E_NOTFOUND);
    ASSERT_WHY("plugin directory '/nowhere/plugins' cannot be read: No such file or directory");
    bench_close();
}

static void an_instance_has_settings_a_host_and_a_place_in_its_chain(void) {
    struct gw_instance *instance = NULL;
    size_t count = 0;
    bench_open();
    CU_ASSERT_EQUAL_FATAL(gw_manager_add(manager, &bench_provider, NULL, 0, &instance, &why),
                          EG_OK);
    ASSERT_STORY("create");
    CU_ASSERT_PTR_EQUAL(gw_manager_chain(manager, EG_KIND_PROVIDER, &count)[0], instance);
    CU_ASSERT_EQUAL(count, 1);
    ASSERT_STR(bench_host->component, "bench");
    ASSERT_STR(bench_host->gateway_version, "test");
    CU_ASSERT_EQUAL(bench_host->abi, EG_ABI);
    CU_ASSERT_PTR_NULL(gw_manager_storage(manager));
    bench_close();
    ASSERT_STORY("destroy");
}

static void a_component_that_cannot_be_made_says_why(void) {
    const struct gw_setting_input input = {GW_STR("what"), GW_STR("1"), GW_STR("gw.conf:3")};
    bench_open();
    plan.create_rc = EG_E_TOOBIG;
    CU_ASSERT_EQUAL(add(&bench_provider), EG_E_TOOBIG);
    ASSERT_WHY("plugins.bench: no room");
    CU_ASSERT_TRUE(gw_manager_add(manager, &bench_provider, &input, 1, NULL, &why) < 0);
    ASSERT_WHY("gw.conf:3: unknown key 'plugins.bench.what'");
    ASSERT_STORY("create");
    bench_close();
}

static void there_is_one_storage_and_one_of_each_provider(void) {
    bench_open();
    CU_ASSERT_EQUAL(add(&storage), EG_OK);
    CU_ASSERT_PTR_NOT_NULL(gw_manager_storage(manager));
    CU_ASSERT_EQUAL(add(&storage), EG_E_EXISTS);
    ASSERT_WHY("storage 'shelf': 'shelf' is the storage already");
    CU_ASSERT_EQUAL(add(&bench_provider), EG_OK);
    CU_ASSERT_EQUAL(add(&bench_provider), EG_E_EXISTS);
    ASSERT_WHY("provider 'bench' is there already");
    bench_close();
}

static void reactions_come_in_call_order(void) {
    static const struct eg_interest rows[] = {
        {sizeof rows[0], EG_INTEREST_SYNC, "eventgateway.function.invoking"},
        {sizeof rows[0], EG_INTEREST_ASYNC, "eventgateway.event.received"}};
    static const struct eg_interest *const both[] = {&rows[0], &rows[1]};
    list = both;
    list_count = 2;
    bench_open();
    CU_ASSERT_EQUAL(add(&reacter), EG_OK);
    CU_ASSERT_EQUAL(add(&reacter), EG_OK);
    const struct gw_chains *chains = gw_manager_chains(manager);
    const struct gw_reaction *reactions = chains->reactions;
    CU_ASSERT_EQUAL_FATAL(chains->reaction_count, 4);
    CU_ASSERT_TRUE(chains->has_reaction[GW_SYS_INVOKING] && chains->has_reaction[GW_SYS_RECEIVED]);
    CU_ASSERT_FALSE(chains->has_reaction[GW_SYS_INVOKED] || chains->has_reaction[GW_SYS_FAILED]);
    ASSERT_STR(reactions[0].event_type, "eventgateway.function.invoking");
    CU_ASSERT_TRUE(reactions[0].is_sync);
    ASSERT_STR(reactions[1].event_type, "eventgateway.event.received");
    CU_ASSERT_FALSE(reactions[1].is_sync);
    CU_ASSERT_PTR_EQUAL(reactions[1].instance, reactions[0].instance);
    CU_ASSERT_PTR_NOT_EQUAL(reactions[2].instance, reactions[0].instance);
    bench_close();
}

static void broken_interests_are_refused(void) {
    static const struct eg_interest odd[] = {{sizeof odd[0], 7, "a"},
                                             {sizeof odd[0], EG_INTEREST_SYNC, NULL},
                                             {4, EG_INTEREST_SYNC, "a"}};
    bench_open();
    for (size_t i = 0; i < 4; i++) {
        const struct eg_interest *const one[] = {i < 3 ? &odd[i] : NULL};
        list = one;
        list_count = 1;
        CU_ASSERT_EQUAL(add(&reacter), EG_E_INVAL);
        ASSERT_WHY("plugins.ears: an interest is not a known mode and type");
    }
    list = NULL;
    CU_ASSERT_EQUAL(add(&reacter), EG_E_INVAL);
    list_count = SIZE_MAX;
    CU_ASSERT_EQUAL(add(&reacter), EG_E_INVAL);
    list_count = 0;
    CU_ASSERT_EQUAL(add(&reacter), EG_OK);
    bench_close();
}

static void without_loops_components_can_still_be_made_and_checked(void) {
    const struct gw_manager_config config = {.version = "check"};
    struct gw_target *target = NULL;
    story[0] = '\0';
    memset(&plan, 0, sizeof plan);
    manager = gw_manager_create(&config);
    CU_ASSERT_EQUAL(add(&bench_provider), EG_OK);
    CU_ASSERT_EQUAL(
        gw_target_bind(manager, GW_STR("bench"), GW_STR("{\"url\":\"u\"}"), &target, NULL, &why),
        EG_OK);
    gw_target_unref(target);
    gw_manager_destroy(manager);
    ASSERT_STORY("create bind unbind destroy");
    gw_manager_destroy(NULL);
}

UNIT_MAIN(UNIT(a_shared_object_of_the_build_is_loaded_once),
          UNIT(a_missing_directory_is_an_error_that_names_it),
          UNIT(an_instance_has_settings_a_host_and_a_place_in_its_chain),
          UNIT(a_component_that_cannot_be_made_says_why),
          UNIT(there_is_one_storage_and_one_of_each_provider), UNIT(reactions_come_in_call_order),
          UNIT(broken_interests_are_refused),
          UNIT(without_loops_components_can_still_be_made_and_checked))
