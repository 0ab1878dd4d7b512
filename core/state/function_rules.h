/*
 * state/function_rules.h - what is asked of a function's provider before the function is stored:
 * the one rule behind the Configuration API and the import of a whole configuration. Control
 * thread; no state.
 */
#ifndef GW_STATE_FUNCTION_RULES_H
#define GW_STATE_FUNCTION_RULES_H

#include "domain/object.h"
#include "plugin/target.h"

/* Is any member of the provider object "*****", which stands for the stored secret (Q20)? */
bool gw_function_is_masked(struct eg_str provider_json);

/* Asks the provider of `sent`; *ret_object (take) is a copy of it with the normalised
 * configuration. knows_masks: "*****" stands for the secret of `stored` (which may be NULL), and is
 * refused where that has none. A refusal is EG_E_SYNTAX with the words of the Config API. */
int32_t gw_function_bind(struct gw_manager *manager, const struct gw_object *sent,
                         const struct gw_object *stored, bool knows_masks,
                         struct gw_object **ret_object, struct gw_refusal *ret_refusal);

#endif
