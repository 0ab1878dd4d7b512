/*
 * base/log.c - one line an event, one write(2) a line.
 *
 *   text  2018-05-01T12:00:00.000Z INFO  message key=value key="quoted value"
 *   JSON  {"level":"info","ts":"2018-05-01T12:00:00.000Z","msg":"message","key":"value"}
 *
 * Messages and values may come from strangers: control bytes, quotes and invalid UTF-8 are escaped,
 * so that nobody can begin a line or drive a terminal, and long ones are cut. Any thread: level and
 * format are atomics, a line is built on the caller's side. Only the capture of tests takes a lock.
 */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/jwrite.h"
#include "base/slice.h"

#define MESSAGE_MAX ((size_t)16384)
#define NAME_MAX_BYTES ((size_t)128)
#define VALUE_MAX ((size_t)4096)
#define FIELDS_MAX ((size_t)64)

struct level_name {
    const char *name;
    uint32_t level;
};

/* Above error there is nothing the gateway would say: these three switch the log off. */
static const struct level_name level_names[] = {
    {"debug", EG_LOG_DEBUG},     {"info", EG_LOG_INFO},       {"warn", EG_LOG_WARN},
    {"error", EG_LOG_ERROR},     {"err", EG_LOG_ERROR},       {"dpanic", EG_LOG_ERROR + 1},
    {"panic", EG_LOG_ERROR + 2}, {"fatal", EG_LOG_ERROR + 3},
};

static const struct {
    const char *text;
    const char *json;
} level_words[] = {
    [EG_LOG_DEBUG] = {"DEBUG ", "debug"},
    [EG_LOG_INFO] = {"INFO  ", "info"},
    [EG_LOG_WARN] = {"WARN  ", "warn"},
    [EG_LOG_ERROR] = {"ERROR ", "error"},
};

static atomic_uint min_level = EG_LOG_INFO;
static atomic_int line_format = GW_LOG_TEXT;

typedef void (*capture_fn)(void *arg, struct eg_str line);
static atomic_int is_captured;
static pthread_mutex_t capture_lock = PTHREAD_MUTEX_INITIALIZER;
static capture_fn capture;
static void *capture_arg;

void gw_log_setup(uint32_t level, enum gw_log_format format) {
    atomic_store(&min_level, level);
    atomic_store(&line_format, (int)format);
}

bool gw_log_enabled(uint32_t level) {
    return level >= atomic_load_explicit(&min_level, memory_order_relaxed);
}

int32_t gw_log_level_parse(struct eg_str name, uint32_t *ret_level) {
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (gw_str_eq(name, gw_str_c(level_names[i].name))) {
            *ret_level = level_names[i].level;
            return EG_OK;
        }
    }
    return EG_E_INVAL;
}

void gw_log_capture(void (*fn)(void *arg, struct eg_str line), void *arg) {
    pthread_mutex_lock(&capture_lock);
    capture = fn;
    capture_arg = arg;
    atomic_store(&is_captured, fn != NULL);
    pthread_mutex_unlock(&capture_lock);
}

/* False when the capture was lifted meanwhile. */
static bool give_to_capture(struct eg_str line) {
    pthread_mutex_lock(&capture_lock);
    const bool is_there = capture != NULL;
    if (is_there) {
        capture(capture_arg, line);
    }
    pthread_mutex_unlock(&capture_lock);
    return is_there;
}

static void write_out(struct eg_str line) {
    const int saved = errno;
    if (atomic_load(&is_captured) != 0 && give_to_capture(line)) {
        return;
    }
    while (line.len > 0) {
        const ssize_t wrote = write(STDERR_FILENO, line.ptr, line.len);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            break; /* nobody to tell */
        }
        line = gw_str_cut(line, (size_t)wrote);
    }
    errno = saved;
}

/* Milliseconds always, so that lines are of one width. */
static void add_time(struct gw_bytes *out) {
    char text[40];
    const int64_t now_ns = gw_unix_ns();
    const int64_t second_ns = (int64_t)GW_NS_PER_S;
    const int64_t part_ns = ((now_ns % second_ns) + second_ns) % second_ns;
    const size_t len = gw_rfc3339(now_ns - part_ns, text);
    gw_bytes_add(out, gw_str(text, len - 1));
    gw_bytes_addf(out, ".%03dZ", (int)(part_ns / (int64_t)GW_NS_PER_MS));
}

/* The message of the text format: escapes as in JSON, but quotes stay as they are. */
static void add_message(struct gw_bytes *out, struct eg_str message) {
    struct eg_str piece;
    for (bool is_first = true; gw_str_next(&message, '"', &piece); is_first = false) {
        if (!is_first) {
            gw_bytes_add_char(out, '"');
        }
        gw_jw_string_part(out, piece);
    }
}

static bool is_bare(struct eg_str value) {
    for (size_t i = 0; i < value.len; i++) {
        const char c = value.ptr[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return value.len > 0;
}

static void add_text_field(struct gw_bytes *out, struct eg_str name, struct eg_str value) {
    gw_bytes_add_char(out, ' ');
    for (size_t i = 0; i < name.len; i++) {
        gw_bytes_add_char(out, is_bare(gw_str(name.ptr + i, 1)) ? name.ptr[i] : '_');
    }
    gw_bytes_add_char(out, '=');
    if (is_bare(value)) {
        gw_bytes_add(out, value);
    } else {
        gw_jw_string(out, value);
    }
}

static void add_json_field(struct gw_bytes *out, struct eg_str name, struct eg_str value) {
    gw_bytes_add_char(out, ',');
    gw_jw_string(out, name);
    gw_bytes_add_char(out, ':');
    gw_jw_string(out, value);
}

static void begin_text(struct gw_bytes *out, uint32_t level, struct eg_str message) {
    add_time(out);
    gw_bytes_add_char(out, ' ');
    gw_bytes_add_c(out, level_words[level].text);
    add_message(out, message);
}

static void begin_json(struct gw_bytes *out, uint32_t level, struct eg_str message) {
    gw_bytes_add_c(out, "{\"level\":\"");
    gw_bytes_add_c(out, level_words[level].json);
    gw_bytes_add_c(out, "\",\"ts\":\"");
    add_time(out);
    gw_bytes_add_c(out, "\",\"msg\":");
    gw_jw_string(out, message);
}

static const struct {
    void (*begin)(struct gw_bytes *out, uint32_t level, struct eg_str message);
    void (*field)(struct gw_bytes *out, struct eg_str name, struct eg_str value);
    const char *end;
} formats[] = {
    [GW_LOG_TEXT] = {begin_text, add_text_field, "\n"},
    [GW_LOG_JSON] = {begin_json, add_json_field, "}\n"},
};

/* DEL and the C1 controls (U+0080 to U+009F) are valid UTF-8 and valid JSON, but terminals obey
 * them. Both formats can hold them as \u00XX. */
static void escape_terminal_controls(struct gw_bytes *line) {
    const struct eg_str s = gw_bytes_str(line);
    if (memchr(s.ptr, 0x7f, s.len) == NULL && memchr(s.ptr, 0xc2, s.len) == NULL) {
        return;
    }
    struct gw_bytes clean;
    gw_bytes_init(&clean, 0);
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.ptr[i];
        const unsigned char next = i + 1 < s.len ? (unsigned char)s.ptr[i + 1] : 0;
        if (c == 0x7f) {
            gw_bytes_add(&clean, GW_STR("\\u007f"));
        } else if (c == 0xc2 && next >= 0x80 && next <= 0x9f) {
            gw_bytes_addf(&clean, "\\u00%02x", next);
            i++;
        } else {
            gw_bytes_add_char(&clean, s.ptr[i]);
        }
    }
    gw_bytes_free(line);
    *line = clean;
}

void gw_log_write(uint32_t level, struct eg_str component, struct eg_str message,
                  const struct eg_kv *fields, size_t field_count) {
    if (!gw_log_enabled(level)) {
        return;
    }
    const uint32_t shown = level > EG_LOG_ERROR ? EG_LOG_ERROR : level;
    const int format = atomic_load_explicit(&line_format, memory_order_relaxed);
    struct gw_bytes line;
    gw_bytes_init(&line, 0);
    formats[format].begin(&line, shown, gw_str_sub(message, 0, MESSAGE_MAX));
    if (component.len > 0) {
        formats[format].field(&line, GW_STR("component"), gw_str_sub(component, 0, VALUE_MAX));
    }
    for (size_t i = 0; i < field_count && i < FIELDS_MAX; i++) {
        formats[format].field(&line, gw_str_sub(fields[i].name, 0, NAME_MAX_BYTES),
                              gw_str_sub(fields[i].value, 0, VALUE_MAX));
    }
    gw_bytes_add_c(&line, formats[format].end);
    escape_terminal_controls(&line);
    write_out(gw_bytes_str(&line));
    gw_bytes_free(&line);
}

void gw_logf(uint32_t level, const char *format, ...) {
    if (!gw_log_enabled(level)) {
        return;
    }
    char text[4096];
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const size_t bytes = len < 0 ? 0 : (size_t)len;
    gw_log_write(level, gw_str(NULL, 0),
                 gw_str(text, bytes < sizeof text ? bytes : sizeof text - 1), NULL, 0);
}
