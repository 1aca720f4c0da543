// SPDX-License-Identifier: Apache-2.0
// A message between worker and box, as whoever had the socket could send it: an answer with its failure, its strings
// and its list of files; an order to open or to run. Each is refused or understood within its bounds. Canaries: the
// seeds `files`, `open` and `run` are understood.
#include "sandbox/box.h"
#include "sandbox/sandbox_internal.h"

static struct wire w;

static void as_files(void) {
    SCOPED_ARENA(a);
    struct sandbox_file *f = NULL;
    size_t n;
    bool cut;
    if (!sandbox_files_read(&w, a, 16, &f, &n, &cut))
        return;
    BUG_ON(n > 16);
    for (size_t i = 0; i < n; i++)
        BUG_ON(f[i].path[0] != '/' || (i && strcmp(f[i - 1].path, f[i].path) > 0));
}

static void as_orders(void) {
    static struct box_plan p;
    static struct box_command c;
    struct err e = {0};
    size_t n = 0;
    if (box_plan_read(&p, &w, &e)) {
        for (size_t i = 0; i < p.mount_count; i++)
            n += strlen(p.mounts[i].from) + strlen(p.mounts[i].to) + 2;
        BUG_ON(n > w.text_len);
    }
    if (!box_command_read(&c, &w, &e))
        return;
    BUG_ON(!c.argv[0] || !c.argv[0][0]);
    for (char **s = c.argv; *s; s++)
        BUG_ON(*s < w.text || *s >= w.text + w.text_len);
    for (char **s = c.env; *s; s++)
        BUG_ON(*s < w.text || *s >= w.text + w.text_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct err e = {0};
    if (size > sizeof w)
        return 0;
    memset(&w, 0xAA, sizeof w); // what an earlier message left there
    memcpy(&w, data, size);
    if (!wire_whole(&w, size))
        return 0;
    BUG_ON(wire_succeeded(&w, &e) != !w.failed);
    as_files();
    as_orders();
    return 0;
}
