/* subject.h - patterns for the subjects of certificates. Pure. */
#ifndef MIDDLEWARE_AUTH_SUBJECT_H
#define MIDDLEWARE_AUTH_SUBJECT_H

#include <eventgw-sdk/egx.h>

/* Distinguished names as of RFC 4514. Part by part (the parts are separated by commas and plus
 * signs that are not escaped): as many, in the same order, `*` in a part stands for any text. So
 * "CN=*,O=Example" is not satisfied by a name whose CN merely contains ",O=Example". */
int auth_subject_matches(struct eg_str pattern, struct eg_str subject);
/* The value of the first CN; empty = none. */
struct eg_str auth_subject_common_name(struct eg_str subject);

#endif
