/*
 * domain/document.c - see the header. YAML becomes JSON text first, so that both are judged by the
 * same rules, which are those of a body of the Config API: names in any case, unknown fields left
 * out. Here a person wrote the file, so the latter is told. Pure.
 */
#include "domain/document.h"

#include "base/check.h"
#include "base/codec.h"
#include "base/jscan.h"
#include "base/mem.h"
#include "base/slice.h"
#include "base/yaml.h"
#include "domain/object_fields.h"

#define BYTE_ORDER_MARK GW_STR("\xef\xbb\xbf")
#define MAX_FIELDS 16u
#define MAX_ERRORS 1000u /* then it is another kind of file, and nobody reads on either */

/* ---- kinds ---- */

int32_t gw_document_kind(struct eg_str word, enum gw_kind *ret_kind, struct eg_why *ret_why) {
    const char *words[GW_KINDS];
    for (unsigned kind = 0; kind < GW_KINDS; kind++) {
        words[kind] = gw_kind_words[kind].metric;
        if (gw_str_eq(word, gw_str_c(words[kind])) ||
            gw_str_eq(word, gw_str_c(gw_kind_words[kind].route))) {
            *ret_kind = (enum gw_kind)kind;
            return EG_OK;
        }
    }
    const char *nearest = gw_str_nearest(word, words, GW_KINDS);
    if (nearest != NULL) {
        return gw_why(ret_why, EG_E_NOTFOUND, "unknown kind '%.*s'; did you mean '%s'?",
                      GW_FMT(gw_str_sub(word, 0, 100)), nearest);
    }
    return gw_why(ret_why, EG_E_NOTFOUND, "unknown kind '%.*s'; there is: %s, %s, %s, %s",
                  GW_FMT(gw_str_sub(word, 0, 100)), words[0], words[1], words[2], words[3]);
}

/* The field that holds the identifier: "name", "functionId", ... */
static const struct gw_field *id_field(enum gw_kind kind) {
    const struct gw_field_list *fields = &gw_fields[kind];
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->items[i].offset == offsetof(struct gw_object, id)) {
            return &fields->items[i];
        }
    }
    GW_ASSERT(false);
    return NULL;
}

static bool has_derived_id(enum gw_kind kind) {
    return kind == GW_SUBSCRIPTION || kind == GW_CORS;
}

/* ---- one document ---- */

struct reading {
    struct gw_documents *documents;
    size_t line;
    struct gw_jval root;
};

/* The member; the type is GW_J_NULL when there is none. */
static struct gw_jval member(struct gw_jval object, const char *wanted) {
    struct gw_jval found = {.type = GW_J_NULL};
    struct gw_jval value;
    struct eg_str name;
    size_t cursor = 0;
    while (gw_jobj_next(object, &cursor, &name, &value)) {
        if (gw_jname_eq_nocase(name, gw_str_c(wanted))) {
            found = value;
        }
    }
    return found;
}

/* The text of a string; what is none is told by whoever reads the object. */
static struct eg_str text_of(struct gw_arena *arena, struct gw_jval value, struct eg_str fallback) {
    return value.type == GW_J_STRING ? gw_jstr_decode(arena, value.raw) : fallback;
}

static int32_t read_kind(const struct reading *r, enum gw_kind *ret_kind) {
    struct gw_remarks *errors = &r->documents->errors;
    const struct gw_jval value = member(r->root, "kind");
    struct eg_why why = {.struct_size = sizeof why};
    if (value.type != GW_J_STRING) {
        gw_remark(errors, r->line, "%s",
                  value.type == GW_J_NULL ? "the document does not say which 'kind' it is"
                                          : "'kind' has to be a text");
        return EG_E_INVAL;
    }
    const struct eg_str word = gw_jstr_decode(&r->documents->arena, value.raw);
    if (gw_document_kind(word, ret_kind, &why) < 0 ||
        !gw_str_eq(word, gw_str_c(gw_kind_words[*ret_kind].metric))) {
        if (why.len == 0) {
            (void)gw_why(&why, EG_E_INVAL, "unknown kind '%.*s'; did you mean '%s'?", GW_FMT(word),
                         gw_kind_words[*ret_kind].metric);
        }
        gw_remark(errors, r->line, "%.*s", GW_FMT(gw_why_str(&why)));
        return EG_E_INVAL;
    }
    return EG_OK;
}

/* `kind` and the fields of the kind; returns their number. */
static size_t list_names(enum gw_kind kind, const char **names) {
    const struct gw_field_list *fields = &gw_fields[kind];
    size_t count = 0;
    names[count++] = "kind";
    for (size_t i = 0; i < fields->count; i++) {
        GW_ASSERT(count < MAX_FIELDS);
        names[count++] = fields->items[i].json;
    }
    return count;
}

static void warn_unknown(const struct reading *r, enum gw_kind kind, struct eg_str raw_name,
                         const char *const *names, size_t count) {
    const struct eg_str name = gw_jstr_decode(&r->documents->arena, raw_name);
    const char *nearest = gw_str_nearest(name, names, count);
    gw_remark(&r->documents->warnings, r->line,
              "unknown field '%.*s' of kind '%s' is left out%s%s%s",
              GW_FMT(gw_str_sub(name, 0, 100)), gw_kind_words[kind].metric,
              nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
              nearest == NULL ? "" : "'?");
}

/* Of a field that stands twice nobody knows which one was meant. */
static int32_t check_names(const struct reading *r, enum gw_kind kind) {
    const char *names[MAX_FIELDS];
    const size_t count = list_names(kind, names);
    bool is_seen[MAX_FIELDS] = {false};
    struct gw_jval value;
    struct eg_str name;
    size_t cursor = 0;
    while (gw_jobj_next(r->root, &cursor, &name, &value)) {
        size_t i = 0;
        while (i < count && !gw_jname_eq_nocase(name, gw_str_c(names[i]))) {
            i++;
        }
        if (i == count) {
            warn_unknown(r, kind, name, names, count);
        } else if (is_seen[i]) {
            gw_remark(&r->documents->errors, r->line, "the field '%s' stands twice", names[i]);
            return EG_E_INVAL;
        } else {
            is_seen[i] = true;
        }
    }
    return EG_OK;
}

static void add_document(struct gw_documents *documents, const struct gw_document *document) {
    if (documents->count == documents->room) {
        documents->room = documents->room == 0 ? 64 : documents->room * 2;
        documents->items =
            gw_realloc(documents->items, gw_size_mul(documents->room, sizeof *documents->items));
    }
    documents->items[documents->count++] = *document;
}

static void take_document(struct gw_documents *documents, size_t line, struct gw_jval root) {
    static const char *const types[] = {
        [GW_J_NULL] = "null",       [GW_J_FALSE] = "a bool",  [GW_J_TRUE] = "a bool",
        [GW_J_NUMBER] = "a number", [GW_J_STRING] = "a text", [GW_J_ARRAY] = "a list",
    };
    const struct reading reading = {.documents = documents, .line = line, .root = root};
    enum gw_kind kind = GW_KINDS;
    if (root.type != GW_J_OBJECT) {
        gw_remark(&documents->errors, line, "a document has to be an object, not %s",
                  types[root.type]);
        return;
    }
    if (read_kind(&reading, &kind) < 0 || check_names(&reading, kind) < 0) {
        return;
    }
    struct gw_arena *arena = &documents->arena;
    add_document(documents,
                 &(struct gw_document){
                     .line = line,
                     .kind = kind,
                     .space = text_of(arena, member(root, "space"), GW_STR(GW_DEFAULT_SPACE)),
                     .id = text_of(arena, member(root, id_field(kind)->json), (struct eg_str){0}),
                     .json = root.raw,
                 });
}

/* ---- JSON ---- */

static bool is_hopeless(const struct gw_documents *documents) {
    return documents->errors.count >= MAX_ERRORS;
}

static size_t count_lines(struct eg_str text) {
    size_t count = 0;
    struct eg_str rest = text;
    for (size_t at; (at = gw_str_find(rest, '\n')) < rest.len; rest = gw_str_cut(rest, at + 1)) {
        count++;
    }
    return count;
}

/* Behind something that is no JSON, the next line that begins like a document is one again. */
static size_t find_next_document(struct eg_str text) {
    size_t at = 0;
    do {
        at += gw_str_find(gw_str_cut(text, at), '\n') + 1;
    } while (at < text.len && text.ptr[at] != '{');
    return at < text.len ? at : text.len;
}

static void refuse_json(struct gw_documents *documents, size_t line, struct eg_str text,
                        const struct gw_jerror *error) {
    struct gw_bytes sentence;
    gw_bytes_init(&sentence, 0);
    gw_jerror_write(&sentence, text, error);
    gw_remark(&documents->errors, line + count_lines(gw_str_sub(text, 0, error->offset)),
              "it is no JSON: %.*s", GW_FMT(gw_bytes_str(&sentence)));
    gw_bytes_free(&sentence);
}

static size_t count_space(struct eg_str text) {
    size_t at = 0;
    while (at < text.len && strchr(" \t\r\n", text.ptr[at]) != NULL) {
        at++;
    }
    return at;
}

static void read_json(struct gw_documents *documents, struct eg_str text) {
    size_t line = 1;
    for (;;) {
        struct gw_jval root;
        struct gw_jerror error;
        size_t used = count_space(text);
        line += count_lines(gw_str_sub(text, 0, used));
        text = gw_str_cut(text, used);
        if (text.len == 0 || is_hopeless(documents)) {
            return;
        }
        if (gw_json_check_first(text, GW_JSON_DEPTH, &root, &error) < 0) {
            refuse_json(documents, line, text, &error);
            used = find_next_document(text);
        } else {
            take_document(documents, line, root);
            used = (size_t)(root.raw.ptr + root.raw.len - text.ptr);
        }
        line += count_lines(gw_str_sub(text, 0, used));
        text = gw_str_cut(text, used);
    }
}

/* ---- YAML ---- */

static void read_yaml(struct gw_documents *documents, struct eg_str text) {
    struct gw_yaml_reader *reader = gw_yaml_open(text);
    struct gw_bytes json;
    size_t line = 0;
    int32_t rc;
    struct eg_why why = {.struct_size = sizeof why};
    gw_bytes_init(&json, 0);
    while (!is_hopeless(documents) && (rc = gw_yaml_next(reader, &json, &line, &why)) != 0) {
        struct gw_jval root = {.type = GW_J_NULL};
        if (rc < 0) {
            gw_remark(&documents->errors, line, "%.*s", GW_FMT(gw_why_str(&why)));
        } else {
            const struct eg_str copy = gw_arena_dup(&documents->arena, gw_bytes_str(&json));
            GW_ASSERT(gw_json_check(copy, GW_JSON_DEPTH, &root, NULL) == EG_OK);
        }
        if (root.type != GW_J_NULL) { /* nothing between two --- is no document */
            take_document(documents, line, root);
        }
        gw_bytes_clear(&json);
    }
    gw_bytes_free(&json);
    gw_yaml_close(reader);
}

/* ---- the text ---- */

/* How many leading bytes are UTF-8 without a NUL? */
static size_t good_bytes(struct eg_str text) {
    size_t at = 0;
    while (at < text.len && text.ptr[at] != '\0') {
        const size_t step = gw_utf8_step(text.ptr + at, text.len - at);
        if (step == 0) {
            break;
        }
        at += step;
    }
    return at;
}

void gw_documents_read(struct gw_documents *documents, struct eg_str text,
                       enum gw_document_format format) {
    static void (*const readers[])(struct gw_documents * documents, struct eg_str text) = {
        [GW_DOCUMENT_JSON] = read_json, [GW_DOCUMENT_YAML] = read_yaml};
    *documents = (struct gw_documents){0};
    documents->errors.arena = documents->warnings.arena = &documents->arena;
    if (gw_str_starts(text, BYTE_ORDER_MARK)) {
        text = gw_str_cut(text, BYTE_ORDER_MARK.len);
    }
    const size_t good = good_bytes(text);
    if (good < text.len) {
        gw_remark(&documents->errors, 1 + count_lines(gw_str_sub(text, 0, good)), "%s",
                  text.ptr[good] == '\0' ? "there is a NUL byte: this is no text"
                                         : "there are bytes that are no UTF-8");
        return;
    }
    readers[format](documents, text);
    if (documents->count == 0 && documents->errors.count == 0) {
        gw_remark(&documents->errors, 0, "there is no document in it");
    }
}

void gw_documents_free(struct gw_documents *documents) {
    gw_remarks_free(&documents->errors);
    gw_remarks_free(&documents->warnings);
    gw_free(documents->items);
    gw_arena_free(&documents->arena);
    *documents = (struct gw_documents){0};
}

enum gw_document_format gw_document_guess(struct eg_str name, struct eg_str text) {
    static const struct {
        const char *ending;
        enum gw_document_format format;
    } endings[] = {{".json", GW_DOCUMENT_JSON},
                   {".jsonl", GW_DOCUMENT_JSON},
                   {".ndjson", GW_DOCUMENT_JSON},
                   {".yaml", GW_DOCUMENT_YAML},
                   {".yml", GW_DOCUMENT_YAML}};
    for (size_t i = 0; i < GW_COUNT(endings); i++) {
        if (gw_str_ends(name, gw_str_c(endings[i].ending))) {
            return endings[i].format;
        }
    }
    if (gw_str_starts(text, BYTE_ORDER_MARK)) {
        text = gw_str_cut(text, BYTE_ORDER_MARK.len);
    }
    text = gw_str_trim(text);
    const bool is_json = text.len == 0 || text.ptr[0] == '{' || text.ptr[0] == '[';
    return is_json ? GW_DOCUMENT_JSON : GW_DOCUMENT_YAML;
}

/* ---- objects ---- */

int32_t gw_document_object(const struct gw_document *document, bool exists,
                           struct gw_object **ret_object, struct gw_refusal *ret_refusal) {
    const enum gw_kind kind = document->kind;
    const struct eg_str id = exists && !has_derived_id(kind) ? document->id : (struct eg_str){0};
    struct gw_object *object = NULL;
    int32_t rc = gw_object_read(kind, document->space, id, document->json, &object, ret_refusal);
    if (rc < 0) {
        return rc;
    }
    if (has_derived_id(kind) && document->id.len > 0 && !gw_str_eq(document->id, object->id)) {
        rc = gw_refuse(ret_refusal, 400,
                       "%s'%s' follows from the other fields: it has to be '%.*s', or left out",
                       gw_kind_words[kind].prefix, id_field(kind)->json, GW_FMT(object->id));
    } else {
        rc = gw_object_check_id_length(object, ret_refusal);
    }
    if (rc < 0) {
        gw_object_unref(object);
        return rc;
    }
    *ret_object = object;
    return EG_OK;
}

void gw_document_write(struct gw_bytes *out, const struct gw_object *object,
                       struct eg_str provider_json, enum gw_document_format format) {
    struct gw_bytes json;
    struct gw_bytes body;
    gw_bytes_init(&json, 0);
    gw_bytes_init(&body, 0);
    gw_object_write(&body, object, provider_json);
    gw_bytes_addf(&json, "{\"kind\":\"%s\",", gw_kind_words[object->kind].metric);
    gw_bytes_add(&json, gw_str_cut(gw_bytes_str(&body), 1));
    if (format == GW_DOCUMENT_YAML) {
        gw_yaml_write(out, gw_bytes_str(&json));
    } else {
        gw_bytes_add(out, gw_bytes_str(&json));
        gw_bytes_add_char(out, '\n');
    }
    gw_bytes_free(&json);
    gw_bytes_free(&body);
}
