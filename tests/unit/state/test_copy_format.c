/* The bytes of the cached copy: what is written comes back; nothing else is believed. */
#include "base/mem.h"
#include "base/slice.h"
#include "state/copy_format.h"
#include "unit.h"

static struct gw_bytes text;
static struct gw_copy_head head;
static struct eg_str records;
static struct eg_why why;

static void write_copy(size_t count) {
    static const struct gw_copy_record all[] = {
        {{"a", 1}, {"{\"x\":1}", 7}, 5, 3},
        {{"key\0with\nall", 12}, {"\n\n9 9 9\n", 8}, UINT64_MAX, UINT64_MAX},
        {{"empty", 5}, {NULL, 0}, 0, 0},
    };
    gw_bytes_init(&text, 0);
    gw_copy_write_head(&text, &(struct gw_copy_head){.backend = GW_STR("etcd"),
                                                     .revision = 18446744073709551615u,
                                                     .written_s = 1700000000,
                                                     .objects = count});
    for (size_t i = 0; i < count; i++) {
        gw_copy_write_record(&text, &all[i]);
    }
    gw_copy_write_end(&text);
}

static int32_t read_copy(struct eg_str copy) {
    why = (struct eg_why){.struct_size = sizeof why};
    return gw_copy_read(copy, GW_STR("etcd"), &head, &records, &why);
}

/* A text of the test's own with the right checksum. */
static void write_raw(const char *raw) {
    gw_bytes_init(&text, 0);
    gw_bytes_add_c(&text, raw);
    gw_copy_write_end(&text);
}

static void the_checksum_is_that_of_xz(void) {
    write_raw("123456789");
    ASSERT_STR(gw_bytes_str(&text), "123456789crc64 995dc9bbdf1939fa\n");
    gw_bytes_free(&text);
}

static void what_is_written_comes_back(void) {
    struct gw_copy_record record;
    write_copy(3);
    CU_ASSERT_EQUAL_FATAL(read_copy(gw_bytes_str(&text)), EG_OK);
    ASSERT_STR(head.backend, "etcd");
    CU_ASSERT_EQUAL(head.revision, UINT64_MAX);
    CU_ASSERT_EQUAL(head.written_s, 1700000000);
    CU_ASSERT_EQUAL(head.objects, 3);
    CU_ASSERT_EQUAL(gw_copy_next(&records, &record), 1);
    ASSERT_STR(record.key, "a");
    ASSERT_STR(record.value, "{\"x\":1}");
    CU_ASSERT_EQUAL(record.revision, 5);
    CU_ASSERT_EQUAL(record.created, 3);
    CU_ASSERT_EQUAL(gw_copy_next(&records, &record), 1);
    CU_ASSERT_EQUAL(record.key.len, 12);
    CU_ASSERT_EQUAL(memcmp(record.key.ptr, "key\0with\nall", 12), 0);
    ASSERT_STR(record.value, "\n\n9 9 9\n");
    CU_ASSERT_EQUAL(record.revision, UINT64_MAX);
    CU_ASSERT_EQUAL(gw_copy_next(&records, &record), 1);
    CU_ASSERT_EQUAL(record.value.len, 0);
    CU_ASSERT_EQUAL(gw_copy_next(&records, &record), 0);
    CU_ASSERT_EQUAL(gw_copy_next(&records, &record), 0);
    gw_bytes_free(&text);
    write_copy(0);
    CU_ASSERT_EQUAL(read_copy(gw_bytes_str(&text)), EG_OK);
    CU_ASSERT_EQUAL(gw_copy_next(&records, &record), 0);
    gw_bytes_free(&text);
}

static void a_copy_that_is_cut_anywhere_is_refused(void) {
    write_copy(3);
    for (size_t len = 0; len < text.len; len++) {
        /* An own block, so that a sanitizer sees reads past its end. */
        char *cut = gw_alloc(len + 1);
        memcpy(cut, text.ptr, len);
        char *exact = len == 0 ? NULL : gw_realloc(cut, len);
        CU_ASSERT_EQUAL(read_copy(gw_str(exact, len)), EG_E_SYNTAX);
        gw_free(len == 0 ? cut : exact);
    }
    gw_bytes_free(&text);
}

static void a_copy_with_any_other_byte_is_refused(void) {
    write_copy(3);
    for (size_t i = 0; i < text.len; i++) {
        text.ptr[i] ^= 0x20;
        CU_ASSERT_TRUE(read_copy(gw_bytes_str(&text)) < 0);
        text.ptr[i] ^= 0x20;
    }
    CU_ASSERT_EQUAL(read_copy(gw_bytes_str(&text)), EG_OK);
    gw_bytes_free(&text);
}

static void refuses(const char *raw, int32_t status, const char *told) {
    write_raw(raw);
    CU_ASSERT_EQUAL(read_copy(gw_bytes_str(&text)), status);
    if (memmem(why.text, why.len, told, strlen(told)) == NULL) {
        printf("  got \"%.*s\"\n", (int)why.len, why.text);
        CU_FAIL("another reason");
    }
    gw_bytes_free(&text);
}

static void heads_that_do_not_fit_are_named(void) {
    const char *other = "{\"format\":\"event-gateway-copy\",\"version\":1,\"backend\":\"consul\","
                        "\"revision\":1,\"written\":1,\"objects\":0}\n";
    CU_ASSERT_EQUAL(read_copy((struct eg_str){0}), EG_E_SYNTAX);
    ASSERT_STR(gw_str(why.text, why.len), "is empty");
    refuses("", EG_E_SYNTAX, "first line");
    refuses("\n", EG_E_SYNTAX, "first line");
    refuses("[]\n", EG_E_SYNTAX, "first line");
    refuses("{\"format\":\"something\",\"version\":1}\n", EG_E_SYNTAX, "first line");
    refuses("{\"format\":\"event-gateway-copy\",\"version\":0}\n", EG_E_SYNTAX, "first line");
    refuses("{\"format\":\"event-gateway-copy\",\"version\":1}\n", EG_E_SYNTAX, "incomplete");
    refuses("{\"format\":\"event-gateway-copy\",\"version\":1,\"backend\":\"etcd\",\"revision\":-1,"
            "\"written\":1,\"objects\":0}\n",
            EG_E_SYNTAX, "incomplete");
    refuses("{\"format\":\"event-gateway-copy\",\"version\":1,\"backend\":\"etcd\",\"revision\":1,"
            "\"written\":99999999999999999999,\"objects\":0}\n",
            EG_E_SYNTAX, "incomplete");
    refuses(other, EG_E_UNSUPPORTED, "is of the storage \"consul\", not of \"etcd\"");
    refuses("{\"format\":\"event-gateway-copy\",\"version\":2,\"all\":[\"else\"]}\nx",
            EG_E_UNSUPPORTED, "later version");
}

/* Of a later version even the checksum may be another one. */
static void a_later_version_is_named_whatever_follows(void) {
    CU_ASSERT_EQUAL(
        read_copy(GW_STR("{\"format\":\"event-gateway-copy\",\"version\":7}\nanything at all")),
        EG_E_UNSUPPORTED);
}

static void records_that_do_not_fit_are_refused(void) {
    static const char *const bad[] = {
        "1",
        "1 1 1 1",
        "1 1 1 1\n",
        "1 1 1 1\nk",
        "1 1 1 1\nkv",
        "1 1 1 1\nkvx",
        "1 1 1 1\nkv\r",
        "1 1 1\nkv\n",
        "1 1 1 1 1\nkv\n",
        "a 1 1 1\nkv\n",
        "-1 1 1 1\nkv\n",
        "1  1 1\nkv\n",
        "\n",
        "18446744073709551615 1 1 1\nkv\n",
        "1 18446744073709551615 1 1\nkv\n",
        "18446744073709551615 18446744073709551615 1 1\nkv\n",
        "9223372036854775808 9223372036854775808 1 1\nkv\n",
        "18446744073709551616 1 1 1\nkv\n",
        "1 1 18446744073709551616 1\nkv\n",
        "1 1 1 18446744073709551616\nkv\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const size_t len = strlen(bad[i]);
        char *exact = gw_alloc(len);
        memcpy(exact, bad[i], len);
        struct eg_str rest = gw_str(exact, len);
        struct gw_copy_record record = {.revision = 77};
        CU_ASSERT_EQUAL(gw_copy_next(&rest, &record), EG_E_SYNTAX);
        CU_ASSERT_EQUAL(record.revision, 77);
        gw_free(exact);
    }
}

UNIT_MAIN(UNIT(the_checksum_is_that_of_xz), UNIT(what_is_written_comes_back),
          UNIT(a_copy_that_is_cut_anywhere_is_refused), UNIT(a_copy_with_any_other_byte_is_refused),
          UNIT(heads_that_do_not_fit_are_named), UNIT(a_later_version_is_named_whatever_follows),
          UNIT(records_that_do_not_fit_are_refused))
