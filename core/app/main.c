/* app/main.c - the program's entry. */
#include "app/app.h"

int main(int argc, char **argv) {
    return gw_app_run(argc, argv);
}
