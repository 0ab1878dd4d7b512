/* Records of the configuration: what is kept, what is replaced, what counts as the same. */
#include "base/mem.h"
#include "base/slice.h"
#include "state/content.h"
#include "unit.h"

#define F1 GW_STORE_ROOT "functions/default/f1"
#define VALUE "{\"type\":\"http\",\"provider\":{\"url\":\"http://a/\"}}"

static struct gw_record *make_aged(const char *key, const char *value, uint64_t revision,
                                   uint64_t created, const struct gw_record *known) {
    struct gw_record *record = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    const struct gw_told_value told = {
        .key = gw_str_c(key), .value = gw_str_c(value), .revision = revision, .created = created};
    CU_ASSERT_EQUAL(gw_record_read(&told, known, &record, &why), EG_OK);
    CU_ASSERT_EQUAL(record->object == NULL, why.len > 0);
    return record;
}

static struct gw_record *make(const char *key, const char *value, uint64_t revision,
                              const struct gw_record *known) {
    return make_aged(key, value, revision, 0, known);
}

static void keys_of_others_are_no_records(void) {
    struct gw_record *record = NULL;
    struct eg_why why = {.struct_size = sizeof why};
    static const char *const keys[] = {"", "/else", GW_STORE_ROOT "functions/",
                                       GW_STORE_ROOT "nosuch/default/x"};
    for (size_t i = 0; i < 4; i++) {
        const struct gw_told_value told = {
            .key = gw_str_c(keys[i]), .value = GW_STR(VALUE), .revision = 1};
        CU_ASSERT_EQUAL(gw_record_read(&told, NULL, &record, &why), EG_E_INVAL);
    }
    CU_ASSERT_PTR_NULL(record);
}

static void the_object_stays_when_revision_and_value_do(void) {
    struct gw_record *first = make(F1, VALUE, 3, NULL);
    struct gw_record *same = make(F1, VALUE, 3, first);
    struct gw_record *later = make(F1, VALUE, 4, first);
    struct gw_record *other = make(F1, "{\"type\":\"http\"}", 3, first);
    CU_ASSERT_PTR_EQUAL(same->object, first->object);
    CU_ASSERT_PTR_NOT_EQUAL(later->object, first->object);
    CU_ASSERT_PTR_NOT_EQUAL(other->object, first->object);
    CU_ASSERT_EQUAL(later->born, 3);
    CU_ASSERT_EQUAL(later->revision, 4);
    CU_ASSERT_EQUAL(later->object->revision, 4);
    CU_ASSERT_TRUE(gw_record_says(first, 3, GW_STR(VALUE)));
    CU_ASSERT_FALSE(gw_record_says(first, 4, GW_STR(VALUE)));
    CU_ASSERT_FALSE(gw_record_says(first, 3, GW_STR("{}")));
    CU_ASSERT_FALSE(gw_record_says(NULL, 3, GW_STR(VALUE)));
    gw_record_free(first);
    gw_record_free(same);
    gw_record_free(later);
    gw_record_free(other);
    gw_record_free(NULL);
}

static void the_age_is_what_the_store_tells_and_else_what_was_seen_first(void) {
    struct gw_record *seen = make(F1, VALUE, 20, NULL);
    struct gw_record *told = make_aged(F1, VALUE, 20, 5, seen);
    struct gw_record *untold = make(F1, VALUE, 30, told);
    struct gw_record *made_again = make_aged(F1, VALUE, 40, 35, untold);
    CU_ASSERT_EQUAL(seen->born, 20);
    CU_ASSERT_EQUAL(told->born, 5);
    CU_ASSERT_EQUAL(untold->born, 5);
    CU_ASSERT_EQUAL(made_again->born, 35);
    gw_record_free(seen);
    gw_record_free(told);
    gw_record_free(untold);
    gw_record_free(made_again);
}

static void bad_values_are_counted_and_can_be_mended_and_removed(void) {
    struct gw_content content = {0};
    gw_content_put(&content, make(F1, "{", 1, NULL));
    CU_ASSERT_EQUAL(content.bad_count, 1);
    CU_ASSERT_EQUAL(content.objects[GW_FUNCTION].count, 0);
    gw_content_put(&content, make(F1, VALUE, 2, gw_content_get(&content, GW_STR(F1))));
    CU_ASSERT_EQUAL(content.bad_count, 0);
    CU_ASSERT_EQUAL(content.objects[GW_FUNCTION].count, 1);
    CU_ASSERT_EQUAL(content.records.count, 1);
    CU_ASSERT_EQUAL(gw_content_get(&content, GW_STR(F1))->born, 1);
    CU_ASSERT_TRUE(gw_content_remove(&content, GW_STR(F1)));
    CU_ASSERT_FALSE(gw_content_remove(&content, GW_STR(F1)));
    CU_ASSERT_EQUAL(content.objects[GW_FUNCTION].count, 0);
    gw_content_put(&content, make(F1, VALUE, 2, NULL));
    gw_content_free(&content);
    CU_ASSERT_EQUAL(content.records.count, 0);
    gw_content_free(&content);
}

#define KEY(id) GW_STORE_ROOT "functions/default/" id

/* "f1 f3 ": the functions, oldest first. */
static const char *ages(struct gw_content *content) {
    static char names[256];
    size_t count = 0;
    struct gw_record *const *all = gw_content_by_age(content, GW_FUNCTION, &count);
    names[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const size_t at = strlen(names);
        (void)snprintf(names + at, sizeof names - at, "%.*s ", GW_FMT(all[i]->object->id));
    }
    return names;
}

static void objects_are_in_order_of_age_whatever_order_they_were_told_in(void) {
    struct gw_content content = {0};
    CU_ASSERT_STRING_EQUAL(ages(&content), "");
    gw_content_put(&content, make_aged(KEY("a"), VALUE, 30, 30, NULL));
    gw_content_put(&content, make_aged(KEY("b"), VALUE, 10, 10, NULL));
    gw_content_put(&content, make_aged(KEY("d"), VALUE, 20, 20, NULL));
    gw_content_put(&content, make_aged(KEY("c"), VALUE, 20, 20, NULL)); /* ties go by key */
    CU_ASSERT_STRING_EQUAL(ages(&content), "b c d a ");
    /* An update keeps the place, an object that is made anew does not. */
    gw_content_put(&content, make_aged(KEY("b"), VALUE, 40, 10, NULL));
    CU_ASSERT_STRING_EQUAL(ages(&content), "b c d a ");
    gw_content_put(&content, make_aged(KEY("c"), VALUE, 50, 50, NULL));
    CU_ASSERT_STRING_EQUAL(ages(&content), "b d a c ");
    /* A removal while the order is not made yet. */
    gw_content_put(&content, make_aged(KEY("e"), VALUE, 51, 5, NULL));
    CU_ASSERT_TRUE(gw_content_remove(&content, GW_STR(KEY("a"))));
    CU_ASSERT_STRING_EQUAL(ages(&content), "e b d c ");
    /* What cannot be read has no place, until it can. */
    gw_content_put(&content, make_aged(KEY("d"), "{", 52, 20, NULL));
    CU_ASSERT_STRING_EQUAL(ages(&content), "e b c ");
    gw_content_put(&content, make_aged(KEY("d"), VALUE, 53, 20, NULL));
    CU_ASSERT_STRING_EQUAL(ages(&content), "e b d c ");
    gw_content_free(&content);
}

static void objects_are_counted_by_space_as_long_as_there_are_some(void) {
    struct gw_content content = {0};
    gw_content_put(&content, make(KEY("a"), VALUE, 1, NULL));
    gw_content_put(&content, make(KEY("b"), VALUE, 2, NULL));
    gw_content_put(&content, make(KEY("b"), VALUE, 3, NULL));
    gw_content_put(&content, make(GW_STORE_ROOT "functions/other/a", "{", 4, NULL));
    const struct gw_space_count *space = gw_map_get(&content.spaces, GW_STR("default"));
    CU_ASSERT_EQUAL(content.spaces.count, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(space);
    CU_ASSERT_EQUAL(space->counts[GW_FUNCTION], 2);
    CU_ASSERT_EQUAL(space->counts[GW_CORS], 0);
    CU_ASSERT_TRUE(gw_content_remove(&content, GW_STR(KEY("a"))));
    CU_ASSERT_EQUAL(space->counts[GW_FUNCTION], 1);
    CU_ASSERT_TRUE(gw_content_remove(&content, GW_STR(KEY("b"))));
    CU_ASSERT_EQUAL(content.spaces.count, 0);
    gw_content_free(&content);
}

static void changes_are_kept_with_the_age_of_what_was_there(void) {
    struct gw_content content = {0};
    gw_content_put(&content, make(KEY("a"), VALUE, 7, NULL));
    CU_ASSERT_EQUAL(content.changes.keys.count, 0); /* nobody has asked */
    (void)gw_changes_begin(&content.changes);
    gw_content_put(&content, make_aged(KEY("a"), VALUE, 8, 7, NULL));
    gw_content_put(&content, make(KEY("b"), VALUE, 9, NULL));
    CU_ASSERT_TRUE(gw_content_remove(&content, GW_STR(KEY("b"))));
    CU_ASSERT_FALSE(gw_content_remove(&content, GW_STR(KEY("c"))));
    CU_ASSERT_EQUAL(content.changes.keys.count, 2);
    const struct gw_changed *a = gw_map_get(&content.changes.keys, GW_STR(KEY("a")));
    const struct gw_changed *b = gw_map_get(&content.changes.keys, GW_STR(KEY("b")));
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    CU_ASSERT_EQUAL(a->born, 7);
    CU_ASSERT_EQUAL(b->born, 0);
    gw_content_free(&content);
    CU_ASSERT_EQUAL(content.changes.since, 0);
}

UNIT_MAIN(UNIT(objects_are_in_order_of_age_whatever_order_they_were_told_in),
          UNIT(objects_are_counted_by_space_as_long_as_there_are_some),
          UNIT(changes_are_kept_with_the_age_of_what_was_there),
          UNIT(keys_of_others_are_no_records), UNIT(the_object_stays_when_revision_and_value_do),
          UNIT(the_age_is_what_the_store_tells_and_else_what_was_seen_first),
          UNIT(bad_values_are_counted_and_can_be_mended_and_removed))
