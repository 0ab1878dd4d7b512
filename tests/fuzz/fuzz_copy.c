/*
 * fuzz_copy.c - the cached copy of the configuration: whatever lies in the file, reading it ends
 * with a refusal or with records that lie in it. The checksum keeps strangers' bytes from the
 * records, so these are also read without it, and with a right one.
 */
#include <stdlib.h>

#include "base/slice.h"
#include "state/copy_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_records(struct eg_str records) {
    const struct eg_str all = records;
    struct gw_copy_record record;
    size_t bytes = 0;
    while (gw_copy_next(&records, &record) == 1) {
        bytes += record.key.len + record.value.len;
        if (bytes > all.len || record.key.ptr < all.ptr ||
            record.value.ptr + record.value.len > all.ptr + all.len) {
            abort();
        }
    }
}

static void read_copy(struct eg_str text) {
    struct gw_copy_head head = {0};
    struct eg_str records = {0};
    struct eg_why why = {.struct_size = sizeof why};
    if (gw_copy_read(text, GW_STR("etcd"), &head, &records, &why) == EG_OK) {
        read_records(records);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct eg_str text = gw_str((const char *)data, size);
    struct gw_bytes whole;
    gw_bytes_init(&whole, 0);
    gw_bytes_add(&whole, text);
    gw_copy_write_end(&whole);
    read_copy(text);
    read_copy(gw_bytes_str(&whole));
    read_records(text);
    gw_bytes_free(&whole);
    return 0;
}
