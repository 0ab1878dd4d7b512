/* reacter_log without a gateway. */
#include <eventgw-sdk/egx.h>
#include <eventgw-sdk/fake_host.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static struct egx_fake *fake;
static void *instance;
static char directory[] = "/tmp/eventgw-log-XXXXXX";
static char path[128];
static char settings[512];
static struct eg_why why;

static const struct eg_component *component(void) {
    return eg_plugin.components[0];
}

static int32_t make(const char *more) {
    fake = egx_fake_new();
    instance = NULL;
    why = (struct eg_why){.struct_size = sizeof why};
    (void)snprintf(path, sizeof path, "%s/events.log", directory);
    (void)snprintf(settings, sizeof settings, "{\"path\":\"%s\"%s}", path, more);
    return egx_fake_create(fake, component(), settings, &instance, &why);
}
static void end(void) {
    if (instance != NULL) {
        egx_fake_destroy(fake, component(), instance);
    }
    CU_ASSERT_EQUAL(egx_fake_allocations(fake), 0);
    egx_fake_free(fake);
    (void)unlink(path);
}

static int32_t tell(const char *json) {
    const struct eg_reacter_ops *ops = component()->ops;
    struct egx_fake_op op;
    egx_fake_op_init(fake, &op);
    return ops->react(instance, NULL, egx_fake_event(fake, json), &op.pub);
}

static void assert_file(const char *expected) {
    char text[1024] = "";
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    const size_t len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    ASSERT_STR(egx_str_n(text, len), expected);
}

static size_t interests(void) {
    const struct eg_reacter_ops *ops = component()->ops;
    size_t count = 0;
    (void)ops->interests(instance, &count);
    return count;
}

static void every_event_is_one_line_appended(void) {
    CU_ASSERT_EQUAL_FATAL(make(""), EG_OK);
    CU_ASSERT_EQUAL(interests(), 4);
    CU_ASSERT_EQUAL_FATAL(egx_fake_start(fake, component(), instance), EG_OK);
    CU_ASSERT_EQUAL(tell("{\"id\":\"1\"}"), EG_NEXT);
    CU_ASSERT_EQUAL(tell("{\"id\":\"two\\nlines\"}"), EG_NEXT);
    assert_file("{\"id\":\"1\"}\n{\"id\":\"two\\nlines\"}\n");
    end();
}

static void types_choose_what_is_told(void) {
    CU_ASSERT_EQUAL_FATAL(make(",\"types\":[\"eventgateway.function.invoked\"]"), EG_OK);
    const struct eg_reacter_ops *ops = component()->ops;
    size_t count = 0;
    const struct eg_interest *const *rows = ops->interests(instance, &count);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_STRING_EQUAL(rows[0]->event_type, "eventgateway.function.invoked");
    CU_ASSERT_EQUAL(rows[0]->mode, EG_INTEREST_ASYNC);
    end();
}

static void an_unknown_type_is_refused(void) {
    CU_ASSERT_EQUAL(make(",\"types\":[\"eventgateway.nothing\"]"), EG_E_INVAL);
    CU_ASSERT_TRUE(why.len > 0);
    end();
}

static void a_file_that_cannot_be_opened_fails_the_start(void) {
    CU_ASSERT_EQUAL_FATAL(make(""), EG_OK);
    (void)mkdir(path, 0700); /* a directory is in its place */
    CU_ASSERT_EQUAL(egx_fake_start(fake, component(), instance), EG_E_IO);
    (void)rmdir(path);
    end();
}

/* To open a pipe that nobody reads would wait forever, and so would a write to one that is full. */
static void a_pipe_stops_nothing(void) {
    int reader = -1;
    char text[65536];
    CU_ASSERT_EQUAL_FATAL(make(""), EG_OK);
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    CU_ASSERT_EQUAL(egx_fake_start(fake, component(), instance), EG_E_IO);
    reader = open(path, O_RDONLY | O_NONBLOCK);
    CU_ASSERT_EQUAL_FATAL(egx_fake_start(fake, component(), instance), EG_OK);
    CU_ASSERT_EQUAL(tell("{\"id\":\"1\"}"), EG_NEXT);
    int32_t rc = EG_NEXT;
    for (int i = 0; i < 1000000 && rc == EG_NEXT; i++) {
        rc = tell("{\"id\":\"a line that nobody reads\"}");
    }
    CU_ASSERT_EQUAL(rc, EG_E_IO);
    CU_ASSERT_TRUE(read(reader, text, sizeof text) > 0);
    (void)close(reader);
    end();
}

static void make_directory(void) {
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
}
static void remove_directory(void) {
    CU_ASSERT_EQUAL(rmdir(directory), 0);
}

UNIT_MAIN(UNIT(make_directory), UNIT(every_event_is_one_line_appended),
          UNIT(types_choose_what_is_told), UNIT(an_unknown_type_is_refused),
          UNIT(a_file_that_cannot_be_opened_fails_the_start), UNIT(a_pipe_stops_nothing),
          UNIT(remove_directory))
