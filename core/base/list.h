/* base/list.h - intrusive doubly linked ring. A zeroed node is in no list. */
#ifndef GW_BASE_LIST_H
#define GW_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct gw_node {
    struct gw_node *prev;
    struct gw_node *next;
};

static inline void gw_list_init(struct gw_node *head) {
    head->prev = head->next = head;
}
static inline bool gw_list_empty(const struct gw_node *head) {
    return head->next == head;
}
static inline void gw_list_push(struct gw_node *head, struct gw_node *n) {
    n->prev = head->prev;
    n->next = head;
    head->prev->next = n;
    head->prev = n;
}
static inline bool gw_node_linked(const struct gw_node *n) {
    return n->next != NULL;
}
static inline void gw_list_remove(struct gw_node *n) {
    if (n->next == NULL) {
        return;
    }
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->prev = n->next = NULL;
}
/* The first node, taken out; NULL when empty. */
static inline struct gw_node *gw_list_shift(struct gw_node *head) {
    struct gw_node *n = head->next;
    if (n == head) {
        return NULL;
    }
    gw_list_remove(n);
    return n;
}

#endif
