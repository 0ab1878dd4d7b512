/*
 * check_json.c - one member of a JSON object replaced. jansson, as in the fake: the settings were
 * read by it already. Any thread.
 */
#include <jansson.h>

#include "check_parts.h"

char *check_with_member(const char *object_json, const char *name, const char *value_json) {
    json_t *root = json_loads(object_json == NULL ? "{}" : object_json, 0, NULL);
    json_t *value = json_loads(value_json, JSON_DECODE_ANY, NULL);
    (void)json_object_set_new(root, name, value);
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}
