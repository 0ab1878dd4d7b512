/*
 * state/copy_format.c - see copy_format.h. The checksum finds what disks and half-done copies do
 * to a file, not what people do: whoever may write the file may also decide what is routed, which
 * is why copy_file.c looks at owner and mode. It is CRC-64 as the xz file format defines it
 * (ECMA-182, reflected, inverted before and after). Pure.
 */
#include "state/copy_format.h"

#include "base/check.h"
#include "base/jscan.h"
#include "base/jwrite.h"
#include "base/slice.h"
#include "base/why.h"

#define FORMAT "event-gateway-copy"
#define POLYNOMIAL 0xc96c5795d7870f42u
#define SUM_WORD "crc64 "
#define SUM_DIGITS 16u
#define END_BYTES (sizeof SUM_WORD - 1 + SUM_DIGITS + 1)
#define MAX_HEAD_BYTES ((size_t)4096)

static uint64_t checksum(struct eg_str bytes) {
    uint64_t table[256];
    uint64_t sum = UINT64_MAX;
    for (size_t i = 0; i < 256; i++) {
        uint64_t value = i;
        for (int bit = 0; bit < 8; bit++) {
            value = (value >> 1) ^ ((value & 1) != 0 ? POLYNOMIAL : 0);
        }
        table[i] = value;
    }
    for (size_t i = 0; i < bytes.len; i++) {
        sum = table[(sum ^ (unsigned char)bytes.ptr[i]) & 0xff] ^ (sum >> 8);
    }
    return ~sum;
}

/* ---- writing ---- */

void gw_copy_write_head(struct gw_bytes *out, const struct gw_copy_head *head) {
    gw_bytes_addf(out, "{\"format\":\"" FORMAT "\",\"version\":%u,\"backend\":", GW_COPY_VERSION);
    gw_jw_string(out, head->backend);
    gw_bytes_add_c(out, ",\"revision\":");
    gw_bytes_add_u64(out, head->revision);
    gw_bytes_add_c(out, ",\"written\":");
    gw_bytes_add_i64(out, head->written_s);
    gw_bytes_add_c(out, ",\"objects\":");
    gw_bytes_add_u64(out, head->objects);
    gw_bytes_add_c(out, "}\n");
}

void gw_copy_write_record(struct gw_bytes *out, const struct gw_copy_record *record) {
    gw_bytes_add_u64(out, record->key.len);
    gw_bytes_add_char(out, ' ');
    gw_bytes_add_u64(out, record->value.len);
    gw_bytes_add_char(out, ' ');
    gw_bytes_add_u64(out, record->revision);
    gw_bytes_add_char(out, ' ');
    gw_bytes_add_u64(out, record->created);
    gw_bytes_add_char(out, '\n');
    gw_bytes_add(out, record->key);
    gw_bytes_add(out, record->value);
    gw_bytes_add_char(out, '\n');
}

static void add_end(struct gw_bytes *out, uint64_t sum) {
    gw_bytes_addf(out, SUM_WORD "%016llx\n", (unsigned long long)sum);
}

void gw_copy_write_end(struct gw_bytes *out) {
    add_end(out, checksum(gw_bytes_str(out)));
}

/* ---- reading ---- */

static int32_t damaged(struct eg_why *ret_why, const char *what) {
    return gw_why(ret_why, EG_E_SYNTAX, "is damaged: %s", what);
}

/* The member of the first line; its type is GW_J_NULL when it is not there. */
static struct gw_jval member(struct gw_jval head, struct eg_str name) {
    size_t cursor = 0;
    struct eg_str found = {0};
    struct gw_jval value = {0};
    while (gw_jobj_next(head, &cursor, &found, &value)) {
        if (gw_jname_eq(found, name)) {
            return value;
        }
    }
    return (struct gw_jval){.type = GW_J_NULL};
}

static int32_t number(struct gw_jval head, struct eg_str name, uint64_t *ret_value) {
    const struct gw_jval value = member(head, name);
    return value.type == GW_J_NUMBER ? gw_str_u64(value.raw, ret_value) : EG_E_SYNTAX;
}

/* Names of components need no escapes. */
static bool is_text(struct gw_jval value, struct eg_str expected) {
    return value.type == GW_J_STRING && value.raw.len == expected.len + 2 &&
           gw_str_eq(gw_str_sub(value.raw, 1, expected.len), expected);
}

/* Later versions may differ in all but the first two members. */
static int32_t read_version(struct eg_str line, struct gw_jval *ret_head, struct eg_why *ret_why) {
    uint64_t version = 0;
    if (gw_json_check(line, 2, ret_head, NULL) < 0 || ret_head->type != GW_J_OBJECT ||
        !is_text(member(*ret_head, GW_STR("format")), GW_STR(FORMAT)) ||
        number(*ret_head, GW_STR("version"), &version) < 0 || version == 0) {
        return damaged(ret_why, "its first line is not that of a cached copy");
    }
    if (version > GW_COPY_VERSION) {
        return gw_why(ret_why, EG_E_UNSUPPORTED,
                      "has format %llu, of a later version of the gateway; this one reads %u",
                      (unsigned long long)version, GW_COPY_VERSION);
    }
    return EG_OK;
}

/* The text without its last line, when that is the right one. */
static int32_t cut_end(struct eg_str text, struct eg_str *ret_before, struct eg_why *ret_why) {
    if (text.len < END_BYTES) {
        return damaged(ret_why, "it is cut off");
    }
    const struct eg_str before = gw_str_sub(text, 0, text.len - END_BYTES);
    struct gw_bytes end;
    gw_bytes_init(&end, 0);
    add_end(&end, checksum(before));
    const bool is_right = gw_str_eq(gw_bytes_str(&end), gw_str_cut(text, before.len));
    gw_bytes_free(&end);
    if (!is_right) {
        return damaged(ret_why, "it is cut off, or its checksum is wrong");
    }
    *ret_before = before;
    return EG_OK;
}

static int32_t read_head(struct gw_jval line, struct eg_str backend, struct gw_copy_head *ret_head,
                         struct eg_why *ret_why) {
    struct gw_copy_head head = {.backend = backend};
    const struct gw_jval kept = member(line, GW_STR("backend"));
    uint64_t written_s = 0;
    if (kept.type != GW_J_STRING || number(line, GW_STR("revision"), &head.revision) < 0 ||
        number(line, GW_STR("written"), &written_s) < 0 || written_s > INT64_MAX ||
        number(line, GW_STR("objects"), &head.objects) < 0) {
        return damaged(ret_why, "its first line is incomplete");
    }
    if (!is_text(kept, backend)) {
        return gw_why(ret_why, EG_E_UNSUPPORTED, "is of the storage %.*s, not of \"%.*s\"",
                      GW_FMT(kept.raw), GW_FMT(backend));
    }
    head.written_s = (int64_t)written_s;
    *ret_head = head;
    return EG_OK;
}

int32_t gw_copy_read(struct eg_str text, struct eg_str backend, struct gw_copy_head *ret_head,
                     struct eg_str *ret_records, struct eg_why *ret_why) {
    struct gw_jval line = {0};
    struct eg_str before = {0};
    if (text.len == 0) {
        return gw_why(ret_why, EG_E_SYNTAX, "is empty");
    }
    const size_t line_len = gw_str_find(gw_str_sub(text, 0, MAX_HEAD_BYTES), '\n');
    int32_t rc = read_version(gw_str_sub(text, 0, line_len), &line, ret_why);
    if (rc == EG_OK) {
        rc = cut_end(text, &before, ret_why);
    }
    if (rc == EG_OK && before.len <= line_len) {
        rc = damaged(ret_why, "it is cut off");
    }
    if (rc == EG_OK) {
        rc = read_head(line, backend, ret_head, ret_why);
    }
    if (rc == EG_OK) {
        *ret_records = gw_str_cut(before, line_len + 1);
    }
    return rc;
}

int32_t gw_copy_next(struct eg_str *records, struct gw_copy_record *ret_record) {
    struct eg_str line = {0};
    struct eg_str word = {0};
    struct eg_str rest = *records;
    uint64_t numbers[4] = {0}; /* bytes of key and value, revision, created */
    if (rest.len == 0) {
        return 0;
    }
    if (gw_str_find(rest, '\n') == rest.len || !gw_str_next(&rest, '\n', &line)) {
        return EG_E_SYNTAX;
    }
    for (size_t i = 0; i < GW_COUNT(numbers); i++) {
        if (!gw_str_next(&line, ' ', &word) || gw_str_u64(word, &numbers[i]) < 0) {
            return EG_E_SYNTAX;
        }
    }
    /* One by one, so that no sum can wrap. */
    const bool fits = line.len == 0 && numbers[0] <= rest.len &&
                      numbers[1] <= rest.len - numbers[0] &&
                      rest.len - numbers[0] - numbers[1] >= 1;
    const size_t len = fits ? (size_t)(numbers[0] + numbers[1]) : 0;
    if (!fits || rest.ptr[len] != '\n') {
        return EG_E_SYNTAX;
    }
    *ret_record = (struct gw_copy_record){
        .key = gw_str_sub(rest, 0, (size_t)numbers[0]),
        .value = gw_str_sub(rest, (size_t)numbers[0], (size_t)numbers[1]),
        .revision = numbers[2],
        .created = numbers[3],
    };
    *records = gw_str_cut(rest, len + 1);
    return 1;
}
