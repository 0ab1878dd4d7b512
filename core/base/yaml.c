/*
 * base/yaml.c - see the header. Both directions go event by event with a stack of their own: no
 * tree is built, and nothing recurses.
 *
 * libyaml 0.2.5 keeps a list of possible keys that it walks for every token: nesting without limit
 * takes quadratic time. So a document that is too deep ends the stream.
 *
 * Any thread, one at a time for a reader.
 */
#include "base/yaml.h"

#include <yaml.h>

#include "base/check.h"
#include "base/jscan.h"
#include "base/jwrite.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/why.h"
#include "base/yaml_scalar.h"

#define CORE_TAG "tag:yaml.org,2002:"

struct level {
    bool is_mapping;
    bool has_key; /* of a mapping: the next is a value */
    bool is_first;
};

struct gw_yaml_reader {
    yaml_parser_t parser;
    bool is_over;
    size_t nesting; /* of the document, also of what is passed over */
    struct level levels[GW_JSON_DEPTH];
    size_t depth;
};

static bool is_one_of(const char *tag, const char *const *tags, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tag, tags[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- reading ---- */

/* Comma and colon before a value or key; a mapping's turn goes on. */
static void begin_node(struct gw_yaml_reader *reader, struct gw_bytes *out) {
    if (reader->depth == 0) {
        return;
    }
    struct level *level = &reader->levels[reader->depth - 1];
    if (level->has_key) {
        gw_bytes_add_char(out, ':');
        level->has_key = false;
        return;
    }
    if (!level->is_first) {
        gw_bytes_add_char(out, ',');
    }
    level->is_first = false;
    level->has_key = level->is_mapping;
}

static bool wants_key(const struct gw_yaml_reader *reader) {
    if (reader->depth == 0) {
        return false;
    }
    const struct level *level = &reader->levels[reader->depth - 1];
    return level->is_mapping && !level->has_key;
}

static int32_t refuse_anchor(const yaml_char_t *anchor, struct eg_why *ret_why) {
    if (anchor == NULL) {
        return EG_OK;
    }
    return gw_why(ret_why, EG_E_SYNTAX,
                  "anchors and aliases (& and *) are not read: write the value where it counts");
}

static int32_t refuse_tag(const char *tag, struct eg_why *ret_why) {
    return gw_why(ret_why, EG_E_SYNTAX, "the tag '%.100s' is not read", tag);
}

static int32_t add_plain(struct gw_bytes *out, struct eg_str text, struct eg_why *ret_why) {
    static const char *const words[] = {
        [GW_YAML_NULL] = "null", [GW_YAML_TRUE] = "true", [GW_YAML_FALSE] = "false"};
    const enum gw_yaml_plain plain = gw_yaml_plain(text);
    switch (plain) {
    case GW_YAML_TEXT:
        gw_jw_string(out, text);
        return EG_OK;
    case GW_YAML_NUMBER:
        gw_bytes_add(out, text);
        return EG_OK;
    case GW_YAML_DOUBTFUL:
        return gw_why(ret_why, EG_E_SYNTAX,
                      "'%.*s' is a number in some versions of YAML: quote it if it is a text",
                      GW_FMT(gw_str_sub(text, 0, 100)));
    default:
        gw_bytes_add_c(out, words[plain]);
        return EG_OK;
    }
}

static int32_t add_scalar(struct gw_yaml_reader *reader, struct gw_bytes *out,
                          const yaml_event_t *event, struct eg_why *ret_why) {
    static const char *const resolved[] = {CORE_TAG "null", CORE_TAG "bool", CORE_TAG "int",
                                           CORE_TAG "float"};
    static const char *const texts[] = {"!", CORE_TAG "str"};
    const char *tag = (const char *)event->data.scalar.tag;
    const struct eg_str text =
        gw_str((const char *)event->data.scalar.value, event->data.scalar.length);
    const bool is_key = wants_key(reader);
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (tag != NULL) {
        is_plain = is_one_of(tag, resolved, GW_COUNT(resolved));
        if (!is_plain && !is_one_of(tag, texts, GW_COUNT(texts))) {
            return refuse_tag(tag, ret_why);
        }
    }
    const int32_t rc = refuse_anchor(event->data.scalar.anchor, ret_why);
    if (rc < 0) {
        return rc;
    }
    begin_node(reader, out);
    if (is_key || !is_plain) {
        gw_jw_string(out, text);
        return EG_OK;
    }
    return add_plain(out, text, ret_why);
}

static int32_t open_container(struct gw_yaml_reader *reader, struct gw_bytes *out, bool is_mapping,
                              const yaml_char_t *anchor, const yaml_char_t *tag,
                              struct eg_why *ret_why) {
    const char *wanted = is_mapping ? CORE_TAG "map" : CORE_TAG "seq";
    if (tag != NULL && strcmp((const char *)tag, wanted) != 0) {
        return refuse_tag((const char *)tag, ret_why);
    }
    const int32_t rc = refuse_anchor(anchor, ret_why);
    if (rc < 0) {
        return rc;
    }
    if (wants_key(reader)) {
        return gw_why(ret_why, EG_E_SYNTAX, "a key has to be a text");
    }
    GW_ASSERT(reader->depth < GW_COUNT(reader->levels)); /* note_nesting has seen to it */
    begin_node(reader, out);
    gw_bytes_add_char(out, is_mapping ? '{' : '[');
    reader->levels[reader->depth++] = (struct level){.is_mapping = is_mapping, .is_first = true};
    return EG_OK;
}

static void close_container(struct gw_yaml_reader *reader, struct gw_bytes *out) {
    reader->depth--;
    gw_bytes_add_char(out, reader->levels[reader->depth].is_mapping ? '}' : ']');
}

static int32_t add_event(struct gw_yaml_reader *reader, struct gw_bytes *out,
                         const yaml_event_t *event, struct eg_why *ret_why) {
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return refuse_anchor(event->data.alias.anchor, ret_why);
    case YAML_SCALAR_EVENT:
        return add_scalar(reader, out, event, ret_why);
    case YAML_MAPPING_START_EVENT:
        return open_container(reader, out, true, event->data.mapping_start.anchor,
                              event->data.mapping_start.tag, ret_why);
    case YAML_SEQUENCE_START_EVENT:
        return open_container(reader, out, false, event->data.sequence_start.anchor,
                              event->data.sequence_start.tag, ret_why);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        close_container(reader, out);
        return EG_OK;
    default:
        return EG_OK;
    }
}

/* Too deep is the end, also of a document that is refused already. */
static int32_t note_nesting(struct gw_yaml_reader *reader, yaml_event_type_t type,
                            struct eg_why *ret_why) {
    if (type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT) {
        reader->nesting--;
    } else if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT) {
        reader->nesting++;
    }
    if (reader->nesting <= GW_COUNT(reader->levels)) {
        return EG_OK;
    }
    reader->is_over = true;
    return gw_why(ret_why, EG_E_TOOBIG, "nested deeper than %u", GW_JSON_DEPTH);
}

/* What the parser cannot go on behind. */
static int32_t refuse_syntax(const yaml_parser_t *parser, size_t *ret_line,
                             struct eg_why *ret_why) {
    const char *problem = parser->problem == NULL ? "it is no YAML" : parser->problem;
    *ret_line = parser->problem_mark.line + 1;
    return parser->context == NULL
               ? gw_why(ret_why, EG_E_SYNTAX, "%s", problem)
               : gw_why(ret_why, EG_E_SYNTAX, "%s: %s", parser->context, problem);
}

struct gw_yaml_reader *gw_yaml_open(struct eg_str text) {
    struct gw_yaml_reader *reader = gw_alloc(sizeof *reader);
    GW_ASSERT(yaml_parser_initialize(&reader->parser) != 0);
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader->parser,
                                 (const unsigned char *)(text.len == 0 ? "" : text.ptr), text.len);
    return reader;
}

void gw_yaml_close(struct gw_yaml_reader *reader) {
    if (reader != NULL) {
        yaml_parser_delete(&reader->parser);
        gw_free(reader);
    }
}

int32_t gw_yaml_next(struct gw_yaml_reader *reader, struct gw_bytes *out, size_t *ret_line,
                     struct eg_why *ret_why) {
    const size_t begin = out->len;
    int32_t rc = EG_OK; /* of the document: the rest of a refused one is passed over */
    reader->depth = reader->nesting = 0;
    while (!reader->is_over) {
        yaml_event_t event;
        if (yaml_parser_parse(&reader->parser, &event) == 0) {
            reader->is_over = true; /* from now on it would tell events without a type for ever */
            return rc < 0 ? rc : refuse_syntax(&reader->parser, ret_line, ret_why);
        }
        if (rc == EG_OK) {
            const bool is_before = out->len == begin;
            rc = note_nesting(reader, event.type, ret_why);
            rc = rc < 0 ? rc : add_event(reader, out, &event, ret_why);
            if (rc < 0 || (is_before && out->len > begin)) {
                *ret_line = event.start_mark.line + 1;
            }
        } else {
            (void)note_nesting(reader, event.type, NULL);
        }
        const yaml_event_type_t type = event.type;
        yaml_event_delete(&event);
        if (type == YAML_DOCUMENT_END_EVENT) {
            return rc < 0 ? rc : 1;
        }
        reader->is_over = reader->is_over || type == YAML_STREAM_END_EVENT;
    }
    return rc;
}

/* ---- writing ---- */

static int append(void *arg, unsigned char *bytes, size_t size) {
    gw_bytes_add(arg, gw_str((const char *)bytes, size));
    return 1;
}

/* Fails for want of memory only: everything that is written is valid UTF-8. */
static void emit(yaml_emitter_t *emitter, yaml_event_t *event, int is_made) {
    GW_ASSERT(is_made != 0 && yaml_emitter_emit(emitter, event) != 0);
}

static void emit_scalar(yaml_emitter_t *emitter, struct eg_str text, bool is_plain) {
    yaml_event_t event;
    const int made = yaml_scalar_event_initialize(
        &event, NULL, NULL, (const yaml_char_t *)(text.len == 0 ? "" : text.ptr), (int)text.len,
        is_plain, 1, is_plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
    emit(emitter, &event, made);
}

static void emit_text(yaml_emitter_t *emitter, struct gw_arena *arena, struct eg_str raw) {
    const struct eg_str text = gw_jstr_decode(arena, raw);
    emit_scalar(emitter, text, gw_yaml_is_plain(text));
    gw_arena_reset(arena);
}

/* YAML 1.1 takes 1e+20 for a text: it wants a dot. */
static void emit_number(yaml_emitter_t *emitter, struct gw_arena *arena, struct eg_str raw) {
    size_t at = 0;
    while (at < raw.len && raw.ptr[at] != 'e' && raw.ptr[at] != 'E') {
        at++;
    }
    if (at < raw.len && gw_str_find(raw, '.') == raw.len) {
        raw = gw_arena_printf(arena, "%.*s.0%.*s", (int)at, raw.ptr, GW_FMT(gw_str_cut(raw, at)));
    }
    emit_scalar(emitter, raw, true);
    gw_arena_reset(arena);
}

static void emit_open(yaml_emitter_t *emitter, bool is_mapping) {
    yaml_event_t event;
    const int made = is_mapping ? yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                                                      YAML_BLOCK_MAPPING_STYLE)
                                : yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                                       YAML_BLOCK_SEQUENCE_STYLE);
    emit(emitter, &event, made);
}

static void emit_close(yaml_emitter_t *emitter, bool is_mapping) {
    yaml_event_t event;
    const int made = is_mapping ? yaml_mapping_end_event_initialize(&event)
                                : yaml_sequence_end_event_initialize(&event);
    emit(emitter, &event, made);
}

/* Where the walk stands in a container. */
struct walk {
    struct gw_jval container;
    size_t cursor;
};

/* True: the value was a container, which is now open. */
static bool emit_value(yaml_emitter_t *emitter, struct gw_arena *arena, struct gw_jval value) {
    switch (value.type) {
    case GW_J_OBJECT:
    case GW_J_ARRAY:
        emit_open(emitter, value.type == GW_J_OBJECT);
        return true;
    case GW_J_STRING:
        emit_text(emitter, arena, value.raw);
        return false;
    case GW_J_NUMBER:
        emit_number(emitter, arena, value.raw);
        return false;
    default:
        emit_scalar(emitter, value.raw, true);
        return false;
    }
}

static bool next_child(yaml_emitter_t *emitter, struct gw_arena *arena, struct walk *walk,
                       struct gw_jval *ret_child) {
    if (walk->container.type == GW_J_ARRAY) {
        return gw_jarr_next(walk->container, &walk->cursor, ret_child);
    }
    struct eg_str name;
    const bool is_there = gw_jobj_next(walk->container, &walk->cursor, &name, ret_child);
    if (is_there) {
        emit_text(emitter, arena, name);
    }
    return is_there;
}

static void emit_tree(yaml_emitter_t *emitter, struct gw_jval root) {
    struct walk walks[GW_JSON_DEPTH_MAX];
    struct gw_arena arena = {0};
    size_t depth = 0;
    if (emit_value(emitter, &arena, root)) {
        walks[depth++] = (struct walk){.container = root};
    }
    while (depth > 0) {
        struct walk *walk = &walks[depth - 1];
        struct gw_jval child;
        if (!next_child(emitter, &arena, walk, &child)) {
            emit_close(emitter, walk->container.type == GW_J_OBJECT);
            depth--;
        } else if (emit_value(emitter, &arena, child)) {
            GW_ASSERT(depth < GW_COUNT(walks));
            walks[depth++] = (struct walk){.container = child};
        }
    }
    gw_arena_free(&arena);
}

void gw_yaml_write(struct gw_bytes *out, struct eg_str json) {
    yaml_emitter_t emitter;
    yaml_event_t event;
    struct gw_jval root;
    GW_ASSERT(gw_json_check(json, GW_JSON_DEPTH_MAX, &root, NULL) == EG_OK);
    GW_ASSERT(yaml_emitter_initialize(&emitter) != 0);
    yaml_emitter_set_output(&emitter, append, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1); /* folded lines are hard to compare */
    emit(&emitter, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    emit(&emitter, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 0));
    emit_tree(&emitter, root);
    emit(&emitter, &event, yaml_document_end_event_initialize(&event, 1));
    emit(&emitter, &event, yaml_stream_end_event_initialize(&event));
    yaml_emitter_delete(&emitter);
}
