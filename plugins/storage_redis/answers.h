/* answers.h - what replies mean: errors by their first word, and the parts of what scripts return.
 */
#ifndef STORAGE_REDIS_ANSWERS_H
#define STORAGE_REDIS_ANSWERS_H

#include <stdbool.h>

#include <eventgw-sdk/egx.h>

struct redisReply;

struct redis_refusal {
    int32_t rc;
    bool ends_session; /* another server has to be looked for */
    bool is_noscript;
};

/* Of an error reply. */
struct redis_refusal redis_refusal_of(struct eg_str error, struct eg_why *ret_why);

/* The reply is an array of so many parts at least. */
bool redis_is_array(const struct redisReply *reply, size_t count);
/* A string part; {NULL, 0} when it is none. */
struct eg_str redis_part(const struct redisReply *reply, size_t index);
/* An array part with a multiple of `group` strings; NULL when it is none. */
const struct redisReply *redis_list_part(const struct redisReply *reply, size_t index,
                                         size_t group);
/* Digits, up to the end of the text or a space. */
bool redis_number(struct eg_str text, uint64_t *ret_number);
/* The first two numbers of "REVISION CREATED SHA1". */
bool redis_revisions(struct eg_str text, uint64_t *ret_revision, uint64_t *ret_created);

#endif
