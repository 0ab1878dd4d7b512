/*
 * state/copy_format.h - the file from which a node can start without its store, as bytes:
 *
 *   {"format":"event-gateway-copy","version":1,"backend":"etcd","revision":42,
 *    "written":1700000000,"objects":1}                                  one line
 *   <bytes of key> <bytes of value> <revision> <created>\n<key><value>\n  for each object
 *   crc64 <16 hexadecimal digits>\n                                     of all before
 *
 * Pure. A text that is read is believed in nothing: whatever does not fit is refused.
 */
#ifndef GW_STATE_COPY_FORMAT_H
#define GW_STATE_COPY_FORMAT_H

#include "base/bytes.h"

#define GW_COPY_VERSION 1u
#define GW_COPY_MAX_BYTES ((size_t)256 * 1024 * 1024)

struct gw_copy_head {
    struct eg_str backend; /* name of the storage component */
    uint64_t revision;
    int64_t written_s; /* unix time */
    uint64_t objects;
};
struct gw_copy_record {
    struct eg_str key;
    struct eg_str value;
    uint64_t revision;
    uint64_t created; /* the age of the key */
};

void gw_copy_write_head(struct gw_bytes *out, const struct gw_copy_head *head);
void gw_copy_write_record(struct gw_bytes *out, const struct gw_copy_record *record);
/* The last line: out holds all before. */
void gw_copy_write_end(struct gw_bytes *out);

/* Checks the frame: version and checksum, and that it is of this backend. ret_records is what lies
 * between head and end. ret_why reads on after the name of the file: "is empty". head->backend is
 * the one that was asked for. EG_E_SYNTAX, or EG_E_UNSUPPORTED for other versions and backends. */
int32_t gw_copy_read(struct eg_str text, struct eg_str backend, struct gw_copy_head *ret_head,
                     struct eg_str *ret_records, struct eg_why *ret_why);
/* Cuts the next record off *records. 1, 0 at the end, or EG_E_SYNTAX. Borrows. */
int32_t gw_copy_next(struct eg_str *records, struct gw_copy_record *ret_record);

#endif
