/* Log lines: formats, levels, and what strangers cannot do to them. */
#include <pthread.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/jscan.h"
#include "base/log.h"
#include "unit.h"

static struct gw_bytes seen;
static size_t seen_lines;

static void remember(void *arg, struct eg_str line) {
    (void)arg;
    gw_bytes_add(&seen, line);
    seen_lines++;
}

static void begin(enum gw_log_format format) {
    gw_clock_hold(0, 1525176000000000000);
    gw_bytes_free(&seen);
    seen_lines = 0;
    gw_log_setup(EG_LOG_DEBUG, format);
    gw_log_capture(remember, NULL);
}

static void end(void) {
    gw_log_capture(NULL, NULL);
    gw_log_setup(EG_LOG_INFO, GW_LOG_TEXT);
    gw_bytes_free(&seen);
    gw_clock_release();
}

static void a_text_line_has_time_level_message_and_fields(void) {
    begin(GW_LOG_TEXT);
    GW_LOG(EG_LOG_INFO, "function \"f\" called", {GW_STR("key"), GW_STR("value")},
           {GW_STR("quoted"), GW_STR("a value")}, {GW_STR("empty"), GW_STR("")});
    ASSERT_STR(gw_bytes_str(&seen), "2018-05-01T12:00:00.000Z INFO  function \"f\" called "
                                    "key=value quoted=\"a value\" empty=\"\"\n");
    end();
}

static void a_json_line_is_an_object(void) {
    begin(GW_LOG_JSON);
    const struct eg_kv field = {GW_STR("key"), GW_STR("a \"value\"\n")};
    gw_clock_advance(7 * GW_NS_PER_MS);
    gw_log_write(EG_LOG_WARN, GW_STR("http"), GW_STR("me\tssage"), &field, 1);
    ASSERT_STR(gw_bytes_str(&seen),
               "{\"level\":\"warn\",\"ts\":\"2018-05-01T12:00:00.007Z\",\"msg\":\"me\\tssage\","
               "\"component\":\"http\",\"key\":\"a \\\"value\\\"\\n\"}\n");
    end();
}

static void lower_levels_are_not_written(void) {
    begin(GW_LOG_TEXT);
    gw_log_setup(EG_LOG_WARN, GW_LOG_TEXT);
    gw_logf(EG_LOG_DEBUG, "no");
    gw_logf(EG_LOG_INFO, "no");
    CU_ASSERT_EQUAL(seen_lines, 0);
    gw_logf(EG_LOG_WARN, "yes %d", 1);
    gw_logf(EG_LOG_ERROR, "yes");
    CU_ASSERT_EQUAL(seen_lines, 2);
    CU_ASSERT_FALSE(gw_log_enabled(EG_LOG_INFO));
    CU_ASSERT_TRUE(gw_log_enabled(EG_LOG_ERROR));
    end();
}

static void level_names_are_those_of_the_command_line(void) {
    uint32_t level = 99;
    CU_ASSERT_EQUAL(gw_log_level_parse(GW_STR("debug"), &level), EG_OK);
    CU_ASSERT_EQUAL(level, EG_LOG_DEBUG);
    CU_ASSERT_EQUAL(gw_log_level_parse(GW_STR("error"), &level), EG_OK);
    CU_ASSERT_EQUAL(level, EG_LOG_ERROR);
    CU_ASSERT_EQUAL(gw_log_level_parse(GW_STR("err"), &level), EG_OK);
    CU_ASSERT_EQUAL(level, EG_LOG_ERROR);
    CU_ASSERT_EQUAL(gw_log_level_parse(GW_STR("fatal"), &level), EG_OK);
    CU_ASSERT_TRUE(level > EG_LOG_ERROR);
    level = 99;
    CU_ASSERT_EQUAL(gw_log_level_parse(GW_STR("loud"), &level), EG_E_INVAL);
    CU_ASSERT_EQUAL(gw_log_level_parse(GW_STR(""), &level), EG_E_INVAL);
    CU_ASSERT_EQUAL(level, 99);
}

/* Control bytes of every sort, in message, name and value. */
static void nobody_can_begin_a_line_or_drive_a_terminal(void) {
    static const char bytes[] = "a\r\n2018 ERROR x\x1b[31m\x7f\xc2\x9b"
                                "1m\0\xff\"=}";
    const struct eg_str evil = gw_str(bytes, sizeof bytes - 1);
    for (int format = GW_LOG_TEXT; format <= GW_LOG_JSON; format++) {
        begin((enum gw_log_format)format);
        const struct eg_kv field = {evil, evil};
        gw_log_write(EG_LOG_ERROR, evil, evil, &field, 1);
        CU_ASSERT_EQUAL(seen_lines, 1);
        for (size_t i = 0; i + 1 < seen.len; i++) {
            const unsigned char c = (unsigned char)seen.ptr[i];
            CU_ASSERT_TRUE(c >= 0x20 && c != 0x7f);
            CU_ASSERT_FALSE(c == 0xc2 && (unsigned char)seen.ptr[i + 1] < 0xa0);
        }
        CU_ASSERT_EQUAL(seen.ptr[seen.len - 1], '\n');
        struct gw_jval value;
        const int32_t rc = gw_json_check(gw_bytes_str(&seen), 0, &value, NULL);
        CU_ASSERT_EQUAL(rc == EG_OK, format == GW_LOG_JSON);
        end();
    }
}

static void endless_input_makes_a_bounded_line(void) {
    begin(GW_LOG_JSON);
    struct gw_bytes huge;
    gw_bytes_init(&huge, 0);
    memset(gw_bytes_grow(&huge, 1u << 20), '\x01', 1u << 20);
    huge.len = 1u << 20;
    struct eg_kv fields[200];
    for (size_t i = 0; i < 200; i++) {
        fields[i] = (struct eg_kv){gw_bytes_str(&huge), gw_bytes_str(&huge)};
    }
    gw_log_write(EG_LOG_ERROR, gw_bytes_str(&huge), gw_bytes_str(&huge), fields, 200);
    CU_ASSERT_EQUAL(seen_lines, 1);
    CU_ASSERT_TRUE(seen.len > 1000 && seen.len < 2000000);
    CU_ASSERT_EQUAL(gw_json_check(gw_bytes_str(&seen), 0, NULL, NULL), EG_OK);
    gw_logf(EG_LOG_ERROR, "%*d", 100000, 1);
    CU_ASSERT_EQUAL(seen_lines, 2);
    gw_bytes_free(&huge);
    end();
}

#define THREADS 4
#define LINES 200

static void *write_lines(void *arg) {
    (void)arg;
    for (int i = 0; i < LINES; i++) {
        GW_LOG(EG_LOG_INFO, "a line", {GW_STR("end"), GW_STR("here")});
        gw_log_setup(EG_LOG_INFO, GW_LOG_TEXT);
    }
    return NULL;
}

static size_t count_whole_lines(int fd) {
    struct gw_bytes all;
    size_t lines = 0;
    gw_bytes_init(&all, 0);
    for (ssize_t got = 1; got > 0;) {
        got = read(fd, gw_bytes_grow(&all, 65536), 65536);
        all.len += got > 0 ? (size_t)got : 0;
    }
    struct eg_str rest = gw_bytes_str(&all);
    struct eg_str line;
    while (gw_str_next(&rest, '\n', &line)) {
        lines += gw_str_ends(line, GW_STR("Z INFO  a line end=here")) && line.len == 46;
    }
    gw_bytes_free(&all);
    return lines;
}

/* All threads' lines fit into the pipe (64 KiB), so nobody has to read meanwhile. */
static void lines_of_threads_do_not_mix_on_stderr(void) {
    int ends[2];
    pthread_t threads[THREADS];
    gw_log_setup(EG_LOG_INFO, GW_LOG_TEXT);
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    const int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, write_lines, NULL);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    CU_ASSERT_EQUAL(count_whole_lines(ends[0]), THREADS * LINES);
    close(ends[0]);
}

UNIT_MAIN(UNIT(a_text_line_has_time_level_message_and_fields), UNIT(a_json_line_is_an_object),
          UNIT(lower_levels_are_not_written), UNIT(level_names_are_those_of_the_command_line),
          UNIT(nobody_can_begin_a_line_or_drive_a_terminal),
          UNIT(endless_input_makes_a_bounded_line), UNIT(lines_of_threads_do_not_mix_on_stderr))
