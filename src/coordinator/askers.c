// SPDX-License-Identifier: Apache-2.0
#include "coordinator/askers.h"

void askers_init(struct askers *out, struct shared *s, const char *kind, const char *kind_wide, unsigned burst,
                 unsigned per_minute) {
    *out = (struct askers){0};
    if (!per_minute)
        return;
    burst = burst ? burst : 1; // who may never ask twice at once may ask
    out->each = limiter_new(s, kind, burst, per_minute);
    out->wide = limiter_new(s, kind_wide, ASKERS_WIDE * burst, ASKERS_WIDE * per_minute);
}

void askers_release(struct askers *a) {
    limiter_free(a->each);
    limiter_free(a->wide);
    *a = (struct askers){0};
}

bool askers_take(struct askers *a, const char *name, uint64_t now_ms, uint64_t *retry_s, struct err *e) {
    char wide[CLIENT_MAX];
    if (!a->each)
        return true;
    return limiter_take(a->each, name, now_ms, retry_s, e) &&
           (!client_wide(name, wide) || limiter_take(a->wide, wide, now_ms, retry_s, e));
}
