/* domain/quote.h - a text in double quotes, as the errors of the older APIs show texts. */
#ifndef GW_DOMAIN_QUOTE_H
#define GW_DOMAIN_QUOTE_H

#include "base/bytes.h"

/* Appends text in double quotes: quotes, backslashes and control characters inside are escaped as
 * in C, bytes that are no UTF-8 as \x and two digits. One line, valid UTF-8. */
void gw_quote(struct gw_bytes *out, struct eg_str text);

#endif
