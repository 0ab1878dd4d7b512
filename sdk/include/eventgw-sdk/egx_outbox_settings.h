/*
 * eventgw-sdk/egx_outbox_settings.h - the settings of plugins that deliver with egx_outbox.h: where
 * to, as whom, how much at once, how long to keep trying. The settings struct of the plugin has one
 * member `struct egx_outbox_settings outbox`:
 *
 *   struct hello_settings { struct egx_outbox_settings outbox; };
 *   EGX_OUTBOX_SETTINGS(hello_settings);
 *   static const struct eg_setting *const rows[] = {EGX_OUTBOX_ROWS(hello_settings)};
 */
#ifndef EVENTGW_SDK_OUTBOX_SETTINGS_H
#define EVENTGW_SDK_OUTBOX_SETTINGS_H

#include "egx.h"

/* What can be configured: see the rows below. */
struct egx_outbox_settings {
    struct eg_str token;
    struct eg_str headers;
    uint32_t allow_http;
    struct eg_str ca_file;
    struct eg_str cert_file;
    struct eg_str key_file;
    uint64_t timeout;
    int64_t batch_count;
    uint64_t batch_bytes;
    uint64_t batch_age;
    int64_t queue_count;
    uint64_t queue_bytes;
    int64_t attempts;
    uint64_t max_age;
};

/* A row, for the array of rows. */
#define EGX_OUTBOX_ROW(strct, field) &egx_row_##strct##_outbox_##field
/* A row with its range. */
#define EGX_OUTBOX_SETTING(strct, field, type, min, max, fallback, help)                           \
    static const struct eg_setting egx_row_##strct##_outbox_##field = {                            \
        (uint32_t)sizeof(struct eg_setting),                                                       \
        (type),                                                                                    \
        0,                                                                                         \
        (uint32_t)(offsetof(struct strct, outbox) + offsetof(struct egx_outbox_settings, field)),  \
        (min),                                                                                     \
        (max),                                                                                     \
        #field,                                                                                    \
        (fallback),                                                                                \
        NULL,                                                                                      \
        (help)}

/* Batches are at most 2 MiB: they are put together, signed and compressed on an event loop. */
#define EGX_OUTBOX_MS INT64_C(1000000)
#define EGX_OUTBOX_DAY (INT64_C(86400) * 1000 * EGX_OUTBOX_MS)
#define EGX_OUTBOX_SETTINGS(strct)                                                                 \
    EGX_OUTBOX_SETTING(strct, token, EG_SET_SECRET, 0, 0, NULL,                                    \
                       "Sent as Authorization: Bearer; empty = none.");                            \
    EGX_OUTBOX_SETTING(strct, headers, EG_SET_SECRET, 0, 0, NULL,                                  \
                       "Further headers, one a line: \"X-Api-Key: abc\".");                        \
    EGX_OUTBOX_SETTING(strct, allow_http, EG_SET_BOOL, 0, 0, "false",                              \
                       "Send token and headers to another machine without TLS.");                  \
    EGX_OUTBOX_SETTING(strct, ca_file, EG_SET_STRING, 0, 0, NULL,                                  \
                       "PEM file of the authorities to trust; empty = the system's.");             \
    EGX_OUTBOX_SETTING(strct, cert_file, EG_SET_STRING, 0, 0, NULL,                                \
                       "PEM file of the gateway's own certificate.");                              \
    EGX_OUTBOX_SETTING(strct, key_file, EG_SET_STRING, 0, 0, NULL,                                 \
                       "PEM file of its private key.");                                            \
    EGX_OUTBOX_SETTING(strct, timeout, EG_SET_DURATION, 10 * EGX_OUTBOX_MS,                        \
                       3600000 * EGX_OUTBOX_MS, "10s", "How long one try may take.");              \
    EGX_OUTBOX_SETTING(strct, batch_count, EG_SET_INT, 1, 100000, "200",                           \
                       "A batch is sent when it has so many.");                                    \
    EGX_OUTBOX_SETTING(strct, batch_bytes, EG_SET_SIZE, 1024, INT64_C(2) << 20, "512KiB",          \
                       "A batch is sent when it has so many bytes.");                              \
    EGX_OUTBOX_SETTING(strct, batch_age, EG_SET_DURATION, 0, 3600000 * EGX_OUTBOX_MS, "1s",        \
                       "A batch is sent when its oldest has waited so long.");                     \
    EGX_OUTBOX_SETTING(strct, queue_count, EG_SET_INT, 1, 10000000, "10000",                       \
                       "So many may wait on each loop; what comes then is lost.");                 \
    EGX_OUTBOX_SETTING(strct, queue_bytes, EG_SET_SIZE, 1024, INT64_C(1) << 36, "16MiB",           \
                       "So many bytes may wait on each loop; what comes then is lost.");           \
    EGX_OUTBOX_SETTING(strct, attempts, EG_SET_INT, 1, 1000, "10",                                 \
                       "A batch is lost after so many tries.");                                    \
    EGX_OUTBOX_SETTING(strct, max_age, EG_SET_DURATION, 10 * EGX_OUTBOX_MS, EGX_OUTBOX_DAY, "5m",  \
                       "What could not be delivered for so long is lost.")
#define EGX_OUTBOX_ROWS(strct)                                                                     \
    EGX_OUTBOX_ROW(strct, token), EGX_OUTBOX_ROW(strct, headers),                                  \
        EGX_OUTBOX_ROW(strct, allow_http), EGX_OUTBOX_ROW(strct, ca_file),                         \
        EGX_OUTBOX_ROW(strct, cert_file), EGX_OUTBOX_ROW(strct, key_file),                         \
        EGX_OUTBOX_ROW(strct, timeout), EGX_OUTBOX_ROW(strct, batch_count),                        \
        EGX_OUTBOX_ROW(strct, batch_bytes), EGX_OUTBOX_ROW(strct, batch_age),                      \
        EGX_OUTBOX_ROW(strct, queue_count), EGX_OUTBOX_ROW(strct, queue_bytes),                    \
        EGX_OUTBOX_ROW(strct, attempts), EGX_OUTBOX_ROW(strct, max_age)

#endif
