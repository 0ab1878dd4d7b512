/*
 * api/config_answer.h - how the Config API answers (chapter 3.3): objects, lists, errors, pages.
 * Each of these sends the one reply of a request and lets go of it (give). Bodies are written by
 * the face whose page it is. Inside api/ only.
 */
#ifndef GW_API_CONFIG_ANSWER_H
#define GW_API_CONFIG_ANSWER_H

#include "api/config_conditions.h"
#include "api/config_face.h"
#include "io/http_server.h"

/* Seconds told in Retry-After of 503 answers. */
#define GW_CONFIG_RETRY_AFTER "1"

/* No body, no Content-Type: /v1/status. */
void gw_config_answer_empty(struct gw_config_context *context, struct gw_http_request *request,
                            uint32_t status);
/* A body with its type; takes it out of the buffer. */
void gw_config_answer_bytes(struct gw_config_context *context, struct gw_http_request *request,
                            struct eg_str content_type, struct gw_bytes *body);
/* `404 page not found` and `Method Not Allowed`, as text. */
void gw_config_answer_plain(struct gw_config_context *context, struct gw_http_request *request,
                            uint32_t status, struct eg_str text);

/* Every 503 gets a Retry-After. */
void gw_config_answer_error(struct gw_config_context *context, const struct gw_config_face *face,
                            struct gw_http_request *request, uint32_t status,
                            struct eg_str message);
/* 401 with its challenge (RFC 6750 3). */
void gw_config_answer_unauthorized(struct gw_config_context *context,
                                   const struct gw_config_face *face,
                                   struct gw_http_request *request, bool was_given);
/* The store's text: 503 when it cannot be used now (away, too slow, busy, refusing our credentials,
 * not to be understood), 500 when it answers that it failed, or a stored value is damaged. */
void gw_config_answer_store_error(struct gw_config_context *context,
                                  const struct gw_config_face *face,
                                  struct gw_http_request *request, int32_t status,
                                  struct eg_str why);
/* Is it a preflight of a face that answers them? Then 200 (give), else false. */
bool gw_config_answer_preflight(struct gw_config_context *context,
                                const struct gw_config_face *face, struct gw_http_request *request);

/* 204 with the header Content-Type that clients know from the original. revision: of the write. */
void gw_config_answer_deleted(struct gw_config_context *context, const struct gw_config_face *face,
                              struct gw_http_request *request, uint64_t revision);
/* 200 with the object as it is stored, and its ETag. */
void gw_config_answer_object(struct gw_config_context *context, const struct gw_config_face *face,
                             struct gw_http_request *request, const struct gw_object *object,
                             struct gw_version version);
/* The object as it was written at the revision. */
void gw_config_answer_written(struct gw_config_context *context, const struct gw_config_face *face,
                              struct gw_http_request *request, uint32_t status,
                              const struct gw_object *object, uint64_t revision);
/* 304: the client has the object already. */
void gw_config_answer_unchanged(struct gw_config_context *context,
                                const struct gw_config_face *face, struct gw_http_request *request,
                                const struct gw_object *object, struct gw_version version);
/* 200 with the list of the kind. */
void gw_config_answer_list(struct gw_config_context *context, const struct gw_config_face *face,
                           struct gw_http_request *request, enum gw_kind kind,
                           struct gw_object *const *objects, size_t count);

#endif
