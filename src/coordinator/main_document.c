// SPDX-License-Identifier: Apache-2.0
// Prints the description of the coordinator's routes: what docs/openapi.json holds, and docs/api-reference.md shows.
#include "coordinator/coordinator.h"

int main(void) {
    SCOPED_ARENA(a);
    SCOPED_JSON(document) = coordinator_document(a);
    char *text = json_dumps(document, JSON_INDENT(1));
    BUG_ON(!text);
    bool ok = puts(text) >= 0;
    free(text);
    return ok ? 0 : 1;
}
