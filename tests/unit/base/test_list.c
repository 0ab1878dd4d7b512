/* The intrusive ring. */
#include "base/check.h"
#include "base/list.h"
#include "unit.h"

struct item {
    int value;
    struct gw_node node;
};

static int shift_value(struct gw_node *head) {
    struct gw_node *n = gw_list_shift(head);
    return n == NULL ? -1 : GW_CONTAINER(n, struct item, node)->value;
}

static void items_come_out_in_order(void) {
    struct gw_node head;
    struct item items[3] = {{.value = 1}, {.value = 2}, {.value = 3}};
    gw_list_init(&head);
    CU_ASSERT_TRUE(gw_list_empty(&head));
    CU_ASSERT_PTR_NULL(gw_list_shift(&head));
    for (size_t i = 0; i < 3; i++) {
        gw_list_push(&head, &items[i].node);
    }
    CU_ASSERT_EQUAL(shift_value(&head), 1);
    CU_ASSERT_EQUAL(shift_value(&head), 2);
    CU_ASSERT_EQUAL(shift_value(&head), 3);
    CU_ASSERT_EQUAL(shift_value(&head), -1);
}

static void a_node_is_removed_from_the_middle_and_may_be_removed_twice(void) {
    struct gw_node head;
    struct item items[3] = {{.value = 1}, {.value = 2}, {.value = 3}};
    gw_list_init(&head);
    for (size_t i = 0; i < 3; i++) {
        gw_list_push(&head, &items[i].node);
    }
    gw_list_remove(&items[1].node);
    gw_list_remove(&items[1].node);
    CU_ASSERT_FALSE(gw_node_linked(&items[1].node));
    CU_ASSERT_TRUE(gw_node_linked(&items[0].node));
    CU_ASSERT_EQUAL(shift_value(&head), 1);
    CU_ASSERT_EQUAL(shift_value(&head), 3);
    CU_ASSERT_TRUE(gw_list_empty(&head));
}

UNIT_MAIN(UNIT(items_come_out_in_order),
          UNIT(a_node_is_removed_from_the_middle_and_may_be_removed_twice))
