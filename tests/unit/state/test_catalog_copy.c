/* The cached copy: kept up to date on disk, and what a node without its store makes of it. */
#include <sys/stat.h>
#include <unistd.h>

#include "state/copy_file.h"
#include "state/copy_format.h"
#include "state/standing.h"
#include "state_rig.h"

#define F1 RIG_KEY("functions", "default", "f1")
#define F2 RIG_KEY("functions", "default", "f2")
#define T1 RIG_KEY("eventtypes", "default", "t1")

static struct gw_pool *pool;
static char directory[64];
static char file[96];

/* ---- the rig with a copy ---- */

static void catalog_up(void) {
    const struct gw_catalog_config config = {.storage = gw_manager_storage(rig.manager),
                                             .control = rig.loop,
                                             .timeout_ns = RIG_TIMEOUT_NS,
                                             .on_change = rig_on_change,
                                             .copy_file = gw_str_c(file),
                                             .pool = pool};
    gw_catalog_destroy(rig.catalog);
    rig.catalog = gw_catalog_create(&config);
}

static void copy_up(void) {
    (void)snprintf(directory, sizeof directory, "/tmp/catalog-copy-XXXXXX");
    rig_must(mkdtemp(directory) != NULL, "no directory");
    (void)snprintf(file, sizeof file, "%s/copy", directory);
    gw_clock_hold(GW_NS_PER_S, 1700000000 * (int64_t)GW_NS_PER_S);
    rig_up();
    rig_must(gw_pool_create(2, 16, &pool) == EG_OK, "no pool");
    catalog_up();
}

static void copy_down(void) {
    /* The loop has to outlive the pool, which wakes it: rig_down ends both the other way round. */
    fake_storage_away(NULL);
    fake_storage_silent(false);
    rig.ends = 0;
    gw_catalog_stop(rig.catalog, rig_on_stopped, NULL);
    rig_wait(&rig.ends, 1, "the catalog does not stop");
    gw_pool_destroy(pool);
    gw_catalog_destroy(rig.catalog);
    rig_make_catalog();
    rig_down();
    gw_clock_release();
    (void)unlink(file);
    rig_must(rmdir(directory) == 0, "something was left beside the copy");
}

/* As a restart of the process on the same file, with the store away. */
static void restart(void) {
    rig.ends = 0;
    gw_catalog_stop(rig.catalog, rig_on_stopped, NULL);
    rig_wait(&rig.ends, 1, "the catalog does not stop");
    catalog_up();
    rig.readies = rig.changes = 0;
}

/* ---- what is in the file ---- */

static struct gw_bytes text;

static void load(void) {
    struct eg_why why = {.struct_size = sizeof why};
    gw_bytes_free(&text);
    gw_bytes_init(&text, 0);
    (void)gw_copy_file_read(file, &text, &why);
}

/* 0 when there is no file yet. */
static uint64_t revision_in_file(void) {
    struct gw_copy_head head = {0};
    struct eg_str records;
    struct eg_why why = {.struct_size = sizeof why};
    load();
    (void)gw_copy_read(gw_bytes_str(&text), GW_STR("fake"), &head, &records, &why);
    gw_bytes_free(&text);
    return head.revision;
}

static void wait_written(uint64_t revision) {
    for (unsigned i = 0; i < 5000; i++) {
        gw_loop_turn(rig.loop, GW_NS_PER_MS);
        if (!gw_copy_is_busy(rig.catalog) && revision_in_file() == revision) {
            return;
        }
    }
    rig_must(false, "the copy is not written");
}

static void write_file(const char *content) {
    struct eg_why why = {.struct_size = sizeof why};
    rig_must(gw_copy_file_write(file, gw_str_c(content), &why) == EG_OK, "the file is not written");
}

/* A node that has seen two objects and has ended. */
static void leave_a_copy(void) {
    fake_storage_set(F1, RIG_FUNCTION("f1"));
    fake_storage_set(T1, "{\"space\":\"default\",\"name\":\"t1\"}");
    rig_watch();
    wait_written(2);
    fake_storage_away("connection refused");
    restart();
}

static size_t functions(void) {
    return gw_catalog_cache(rig.catalog, GW_FUNCTION)->count;
}

static void start(void) {
    gw_catalog_start(rig.catalog, rig_on_ready, NULL);
}

/* ---- writing ---- */

static void the_first_content_is_written_for_its_owner_only(void) {
    struct stat facts;
    copy_up();
    fake_storage_set(F1, RIG_FUNCTION("f1"));
    fake_storage_set(F2, "{ bad");
    rig_watch();
    wait_written(2);
    CU_ASSERT_EQUAL(stat(file, &facts), 0);
    CU_ASSERT_EQUAL(facts.st_mode & 07777, 0600);
    load();
    const char *expected = "{\"format\":\"event-gateway-copy\",\"version\":1,\"backend\":\"fake\","
                           "\"revision\":2,\"written\":1700000000,\"objects\":1}\n"
                           "46 84 1 1\n" F1 RIG_FUNCTION("f1") "\n";
    CU_ASSERT_TRUE(gw_str_starts(gw_bytes_str(&text), gw_str_c(expected)));
    gw_bytes_free(&text);
    copy_down();
}

static void changes_are_written_once_a_second_and_a_stop_writes_the_last(void) {
    copy_up();
    fake_storage_set(F1, RIG_FUNCTION("f1"));
    rig_watch();
    wait_written(1);
    rig_set(F1, RIG_FUNCTION("f2"));
    rig_set(F2, RIG_FUNCTION("f2"));
    gw_clock_advance(GW_NS_PER_S - GW_NS_PER_MS);
    rig_turn(5);
    CU_ASSERT_FALSE(gw_copy_is_busy(rig.catalog));
    CU_ASSERT_EQUAL(revision_in_file(), 1);
    gw_clock_advance(2 * GW_NS_PER_MS);
    wait_written(3);
    rig_set(F2, NULL);
    CU_ASSERT_EQUAL(revision_in_file(), 3);
    restart();
    CU_ASSERT_EQUAL(revision_in_file(), 4);
    copy_down();
}

/* ---- a stop right after a write ---- */

static void on_object_written(void *arg, int32_t status, struct eg_str why, uint64_t revision) {
    (void)revision;
    rig_on_end(arg, status, why);
}

/* Answered as stored, and by a store that tells its watch later. */
static void write_unheard(void) {
    struct eg_why why = {.struct_size = sizeof why};
    struct gw_object *object = NULL;
    rig_must(gw_object_load(GW_FUNCTION, GW_STR("default"), GW_STR("f1"), 0,
                            GW_STR("{\"type\":\"http\",\"provider\":{\"url\":\"http://a/f1\"}}"),
                            &object, &why) == EG_OK,
             "the object is not read");
    fake_storage_silent(true);
    rig.ends = 0;
    gw_catalog_write(rig.catalog,
                     &(struct gw_catalog_write){.object = object,
                                                .expect_revision = EG_REV_ABSENT,
                                                .deadline_ns = gw_catalog_deadline(rig.catalog),
                                                .on_written = on_object_written});
    gw_object_unref(object);
    rig_wait(&rig.ends, 1, "no answer");
    rig_must(rig.status == EG_OK, "it is not written");
}

/* Serving with an empty copy, and then a stop that is asked for right after a write. */
static void stop_after_a_write(void) {
    copy_up();
    rig_watch();
    wait_written(0);
    write_unheard();
    rig.changes = rig.ends = 0;
    gw_catalog_stop(rig.catalog, rig_on_stopped, NULL);
    rig_turn(5);
    CU_ASSERT_EQUAL(rig.ends, 0);
}

static void end_of_stop(uint64_t revision) {
    rig_wait(&rig.ends, 1, "the catalog does not stop");
    CU_ASSERT_EQUAL(revision_in_file(), revision);
    CU_ASSERT_EQUAL(rig.changes, 0); /* nobody routes any more */
    catalog_up();
    copy_down();
}

static void the_copy_of_a_stop_has_what_was_answered_and_not_told_yet(void) {
    stop_after_a_write();
    fake_storage_silent(false);
    fake_storage_set(F1, RIG_FUNCTION("f1"));
    end_of_stop(2);
}

static void a_stop_does_not_wait_for_ever_for_a_silent_store(void) {
    stop_after_a_write();
    gw_clock_advance(3 * GW_NS_PER_S - GW_NS_PER_MS);
    rig_turn(5);
    CU_ASSERT_EQUAL(rig.ends, 0);
    gw_clock_advance(2 * GW_NS_PER_MS);
    end_of_stop(0);
}

static void a_stop_does_not_wait_for_a_store_that_is_away(void) {
    stop_after_a_write();
    fake_storage_away("connection refused");
    end_of_stop(0);
}

static void a_stop_does_not_wait_for_a_watch_that_has_ended(void) {
    stop_after_a_write();
    rig.catalog->ops->unwatch(rig.catalog->config.storage->self, &rig.catalog->feed.pub);
    end_of_stop(0);
}

static void a_disk_that_refuses_is_told_once_and_tried_on(void) {
    copy_up();
    rig_must(mkdir(file, 0700) == 0, "no directory in the way");
    rig_watch();
    for (unsigned i = 0; rig.catalog->copy.next_ns == 0 && i < 5000; i++) {
        gw_loop_turn(rig.loop, GW_NS_PER_MS);
    }
    rig_set(F1, RIG_FUNCTION("f1"));
    CU_ASSERT_EQUAL(rig_logged("is not kept up to date"), 1);
    CU_ASSERT_EQUAL(rig_logged("Is a directory"), 1);
    gw_clock_advance(31 * GW_NS_PER_S);
    const uint64_t next_ns = rig.catalog->copy.next_ns;
    for (unsigned i = 0; rig.catalog->copy.next_ns == next_ns && i < 5000; i++) {
        gw_loop_turn(rig.loop, GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(rig_logged("is not kept up to date"), 1);
    rig_must(rmdir(file) == 0, "the directory is in the way");
    gw_clock_advance(31 * GW_NS_PER_S);
    wait_written(1);
    CU_ASSERT_EQUAL(rig_logged("is up to date again"), 1);
    copy_down();
}

/* ---- starting from it ---- */

static void a_node_without_its_store_starts_from_the_copy_and_says_so(void) {
    copy_up();
    leave_a_copy();
    gw_clock_advance(90 * GW_NS_PER_S);
    start();
    rig_wait(&rig.readies, 1, "it does not start");
    CU_ASSERT_EQUAL(rig.ready_status, EG_OK);
    CU_ASSERT_EQUAL(functions(), 1);
    CU_ASSERT_EQUAL(gw_catalog_cache(rig.catalog, GW_EVENTTYPE)->count, 1);
    CU_ASSERT_EQUAL(rig_cached(GW_FUNCTION, F1)->revision, 1);
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 2);
    CU_ASSERT_FALSE(gw_catalog_is_up(rig.catalog));
    CU_ASSERT_TRUE(rig.catalog->copy.is_used);
    CU_ASSERT_EQUAL(rig_logged("written 90 s ago, revision 2, 2 objects"), 1);
    CU_ASSERT_EQUAL(rig_logged(file), 1);
    CU_ASSERT_EQUAL(rig_logged("connection refused"), 2); /* the DOWN, and the start */
    copy_down();
}

static void the_copy_keeps_the_age_of_what_was_updated(void) {
    copy_up();
    fake_storage_set(F1, RIG_FUNCTION("f1"));
    fake_storage_set(F2, RIG_FUNCTION("f2"));
    fake_storage_set(F1, RIG_FUNCTION("changed"));
    rig_watch();
    wait_written(3);
    fake_storage_away("connection refused");
    restart();
    start();
    rig_wait(&rig.readies, 1, "it does not start");
    CU_ASSERT_TRUE(rig.catalog->copy.is_used);
    CU_ASSERT_EQUAL(rig_cached(GW_FUNCTION, F1)->revision, 3);
    CU_ASSERT_EQUAL(gw_catalog_born(rig.catalog, GW_STR(F1)), 1);
    CU_ASSERT_EQUAL(gw_catalog_born(rig.catalog, GW_STR(F2)), 2);
    copy_down();
}

static void the_store_that_comes_back_replaces_it_without_ghosts(void) {
    copy_up();
    leave_a_copy();
    start();
    rig_wait(&rig.readies, 1, "it does not start");
    struct gw_object *kept = rig_cached(GW_FUNCTION, F1);
    fake_storage_set(T1, NULL);
    fake_storage_set(F2, RIG_FUNCTION("f2"));
    fake_storage_away(NULL);
    rig_turn(3);
    CU_ASSERT_EQUAL(rig.readies, 1);
    CU_ASSERT_EQUAL(rig.changes, 1);
    CU_ASSERT_TRUE(gw_catalog_is_up(rig.catalog));
    CU_ASSERT_FALSE(rig.catalog->copy.is_used);
    CU_ASSERT_EQUAL(functions(), 2);
    CU_ASSERT_EQUAL(gw_catalog_cache(rig.catalog, GW_EVENTTYPE)->count, 0);
    CU_ASSERT_EQUAL(gw_catalog_revision(rig.catalog), 4);
    CU_ASSERT_PTR_EQUAL(rig_cached(GW_FUNCTION, F1), kept);
    CU_ASSERT_EQUAL(rig_logged("replaces the cached copy: 2 objects"), 1);
    wait_written(4);
    copy_down();
}

static void a_silent_store_is_waited_for_three_seconds(void) {
    copy_up();
    leave_a_copy();
    fake_storage_away(NULL);
    fake_storage_silent(true);
    const uint64_t began_ns = gw_monotonic_ns();
    start();
    gw_clock_advance(3 * GW_NS_PER_S - GW_NS_PER_MS);
    rig_turn(5);
    CU_ASSERT_FALSE(gw_copy_is_busy(rig.catalog));
    gw_clock_advance(2 * GW_NS_PER_MS);
    rig_wait(&rig.readies, 1, "it does not start");
    CU_ASSERT_EQUAL(rig.ready_status, EG_OK);
    CU_ASSERT_EQUAL(rig_logged("has told nothing since this gateway was started"), 1);
    struct gw_standing standing;
    gw_standing_read(rig.catalog, NULL, &standing);
    CU_ASSERT_FALSE(standing.is_up);
    CU_ASSERT_EQUAL(standing.down_ns, began_ns);
    ASSERT_STR(standing.down_why, "the storage has told nothing since this gateway was started");
    copy_down();
}

static void a_store_that_is_there_needs_no_copy(void) {
    copy_up();
    leave_a_copy();
    fake_storage_away(NULL);
    fake_storage_set(F2, RIG_FUNCTION("f2"));
    start();
    rig_wait(&rig.readies, 1, "it does not start");
    gw_clock_advance(5 * GW_NS_PER_S);
    rig_turn(5);
    CU_ASSERT_FALSE(rig.catalog->copy.is_asked);
    CU_ASSERT_EQUAL(functions(), 2);
    CU_ASSERT_EQUAL(rig_logged("cached copy"), 0);
    copy_down();
}

static void store_and_disk_may_answer_at_the_same_time(void) {
    copy_up();
    leave_a_copy();
    start();
    rig_turn(1);
    fake_storage_set(F2, RIG_FUNCTION("f2"));
    fake_storage_away(NULL); /* whoever of the two comes first, the store has the last word */
    rig_wait(&rig.readies, 1, "it does not start");
    wait_written(3);
    CU_ASSERT_EQUAL(rig.readies, 1);
    CU_ASSERT_EQUAL(functions(), 2);
    CU_ASSERT_FALSE(rig.catalog->copy.is_used);
    copy_down();
}

/* ---- copies that cannot be used ---- */

/* Without a usable copy the start fails as it does without any, with the store's own reason. */
static void fails_to_start(const char *told) {
    rig.log.len = 0;
    start();
    for (unsigned i = 0; rig_logged("is not used") == 0 && i < 5000; i++) {
        gw_loop_turn(rig.loop, GW_NS_PER_MS);
    }
    CU_ASSERT_EQUAL(rig_logged("is not used"), 1);
    CU_ASSERT_EQUAL(rig_logged(file), 1);
    if (rig_logged(told) != 1) {
        printf("  \"%s\" is not in: %.*s\n", told, (int)rig.log.len, rig.log.ptr);
        CU_FAIL("another reason");
    }
    CU_ASSERT_EQUAL(rig.readies, 0);
    gw_clock_advance(GW_CATALOG_START_NS + 1);
    rig_wait(&rig.readies, 1, "it is not given up");
    CU_ASSERT_EQUAL(rig.ready_status, EG_E_UNAVAILABLE);
    ASSERT_STR(gw_bytes_str(&rig.why), "connection refused");
    restart();
}

static void unusable_copies_are_named_and_the_start_fails_with_the_reason_of_the_store(void) {
    copy_up();
    leave_a_copy();
    struct gw_bytes good;
    load();
    gw_bytes_init(&good, 0);
    gw_bytes_add(&good, gw_bytes_str(&text));
    gw_bytes_add_char(&good, '\0');
    good.len--;
    gw_bytes_free(&text);

    rig_must(chmod(file, 0666) == 0, "chmod");
    fails_to_start("can be written by others");
    write_file("");
    fails_to_start("is empty");
    good.ptr[good.len - 20] ^= 1;
    write_file(good.ptr);
    fails_to_start("is damaged");
    good.ptr[good.len - 20] ^= 1;
    good.ptr[good.len - 30] = '\0';
    write_file(good.ptr);
    fails_to_start("is damaged");
    write_file("{\"format\":\"event-gateway-copy\",\"version\":2}\n");
    fails_to_start("of a later version");
    rig_must(unlink(file) == 0, "unlink");
    fails_to_start("No such file");
    gw_bytes_free(&good);
    copy_down();
}

/* Whoever can write the file can make its checksum too. */
static void write_hostile(uint64_t objects, const char *records) {
    struct gw_bytes out;
    gw_bytes_init(&out, 0);
    gw_copy_write_head(
        &out, &(struct gw_copy_head){
                  .backend = GW_STR("fake"), .revision = 1, .written_s = 1, .objects = objects});
    gw_bytes_add_c(&out, records);
    gw_copy_write_end(&out);
    gw_bytes_add_char(&out, '\0');
    write_file(out.ptr);
    gw_bytes_free(&out);
}

static void hostile_copies_with_a_right_checksum_are_refused_whole(void) {
    copy_up();
    leave_a_copy();
    write_hostile(UINT64_MAX, "");
    fails_to_start("do not fit together");
    write_hostile(1, "99999 1 1 1\nk");
    fails_to_start("do not fit together");
    write_hostile(1, "5 2 1 1\n/else{}\n");
    fails_to_start("a key that cannot be");
    write_hostile(1, "46 1 1 1\n" F1 "{\n");
    fails_to_start("an object cannot be read");
    write_hostile(2, "46 2 1 1\n" F1 "{}\n46 2 2 1\n" F1 "{}\n");
    fails_to_start("a key that cannot be");
    copy_down();
}

static void a_stop_while_the_copy_is_read_waits_for_the_thread(void) {
    copy_up();
    leave_a_copy();
    start();
    rig_turn(1);
    restart();
    CU_ASSERT_EQUAL(rig.readies, 0);
    copy_down();
}

UNIT_MAIN(UNIT(the_first_content_is_written_for_its_owner_only),
          UNIT(changes_are_written_once_a_second_and_a_stop_writes_the_last),
          UNIT(the_copy_of_a_stop_has_what_was_answered_and_not_told_yet),
          UNIT(a_stop_does_not_wait_for_ever_for_a_silent_store),
          UNIT(a_stop_does_not_wait_for_a_store_that_is_away),
          UNIT(a_stop_does_not_wait_for_a_watch_that_has_ended),
          UNIT(a_disk_that_refuses_is_told_once_and_tried_on),
          UNIT(a_node_without_its_store_starts_from_the_copy_and_says_so),
          UNIT(the_copy_keeps_the_age_of_what_was_updated),
          UNIT(the_store_that_comes_back_replaces_it_without_ghosts),
          UNIT(a_silent_store_is_waited_for_three_seconds),
          UNIT(a_store_that_is_there_needs_no_copy),
          UNIT(store_and_disk_may_answer_at_the_same_time),
          UNIT(unusable_copies_are_named_and_the_start_fails_with_the_reason_of_the_store),
          UNIT(hostile_copies_with_a_right_checksum_are_refused_whole),
          UNIT(a_stop_while_the_copy_is_read_waits_for_the_thread))
