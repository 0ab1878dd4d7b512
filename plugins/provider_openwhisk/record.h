/*
 * record.h - activation records as OpenWhisk answers them: where the result is, and how it ended.
 * Slices of the text, nothing is copied or decoded: the result is handed on as it came.
 */
#ifndef PROVIDER_OPENWHISK_RECORD_H
#define PROVIDER_OPENWHISK_RECORD_H

#include <eventgw-sdk/egx.h>

struct record {
    struct eg_str activation_id; /* [A-Za-z0-9-]{1,64}, or empty */
    struct eg_str result;        /* JSON text, or empty */
    struct eg_str status;        /* "success", "application error", ...; empty = there is none */
    struct eg_str error;         /* a text that says why, still escaped; or empty */
    int32_t has_response;        /* 1 = a record; 0 = only an id, an error, or something else */
    int32_t has_error;           /* {"error": ...} without a record */
    uint32_t call_class;         /* of the record */
};

/* EG_E_PROTO when it is no JSON object. What is inside a value is only skimmed: who reads the
 * result checks it. Borrows text. */
int32_t record_read(struct eg_str text, struct record *ret_record);
/* May it be an activation id, and so a segment of a path? */
int record_is_id(struct eg_str text);

#endif
