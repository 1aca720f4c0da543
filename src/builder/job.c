// SPDX-License-Identifier: Apache-2.0
#include "builder/job.h"

#include "base/clock.h"
#include "builder/crate_cache.h"
#include "builder/proxy.h"
#include "builder/reason.h"
#include <signal.h>
#include <stdarg.h>

bool job_box(struct job *j) {
    struct builder *b = j->builder;
    struct sandbox_mount mounts[4];
    size_t n = 0;
    if (b->system)
        mounts[n++] = (struct sandbox_mount){arena_printf(j->arena, "%s/guest", b->system), "/guest"};
    if (j->local)
        mounts[n++] = (struct sandbox_mount){j->local, "/repository"};
    if (b->crates)
        mounts[n++] = (struct sandbox_mount){b->crates_dir, CRATE_CACHE_MOUNT};
    if (b->ca_file)
        mounts[n++] = (struct sandbox_mount){b->ca_file, "/etc/ssl/certs/ca-certificates.crt"};
    struct sandbox_spec spec = {.system = b->system,
                                .mounts = mounts,
                                .mount_count = n,
                                .work_bytes = b->work_bytes,
                                .tmp_bytes = 256u << 20,
                                .memory_bytes = b->memory_bytes,
                                .processes = 512,
                                .deadline_ms = j->patience.deadline_ms,
                                .cancel = j->patience.cancel};
    return sandbox_open(&j->box, &spec, j->e) || job_fail(j);
}

bool job_open(struct job *j) {
    return job_box(j) && (proxy_start(&j->proxy, j->box, j->builder->egress, j->e) || job_fail(j));
}

void job_close(struct job *j) {
    sandbox_close(j->box); // first: nobody speaks to the proxy any more
    proxy_stop(j->proxy);
    j->box = NULL, j->proxy = NULL;
}

bool job_end(struct job *j, enum build_end end, const char *fmt, ...) {
    char text[REASON_MAX + 1];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    j->result->end = end;
    j->result->reason = reason_make(j->arena, text, (struct slice){NULL, 0});
    return false;
}

void job_keep_log(struct job *j, struct slice log) { j->result->log = reason_log(j->arena, log, BUILD_LOG_MAX); }

bool job_end_log(struct job *j, enum build_end end, const char *what, struct slice log) {
    job_keep_log(j, log);
    j->result->end = end;
    j->result->reason = reason_make(j->arena, what, log);
    return false;
}

void job_add_hint(struct job *j, const char *hint) {
    if (strlen(j->result->reason) + strlen(hint) <= REASON_MAX)
        j->result->reason = arena_printf(j->arena, "%s%s", j->result->reason, hint);
}

bool job_fail(struct job *j) {
    if (j->e->code == ERR_TIMEOUT && patience_over(&j->patience))
        return job_end(j, BUILD_TIMEOUT, "the build took longer than its deadline");
    if (sandbox_spoiled(j->box))
        return job_end(j, BUILD_FAILED, "the build broke its sandbox (%s)", j->e->msg);
    j->failed = true;
    j->result->end = BUILD_PLATFORM;
    return false;
}

// A command with network that met its deadline: for want of this machine's own network, that is our trouble.
static bool cut_off(struct job *j, const struct sandbox_command *c) {
    struct egress_state state;
    struct err e;
    if (!c->network || !j->builder->egress || j->local ||
        !egress_state(j->builder->egress, j->patience.cancel, &state, &e))
        return false;
    if (state.text[0])
        err_set(j->e, ERR_UNAVAILABLE, "%s", state.text);
    return state.text[0] != 0;
}

bool job_run(struct job *j, const struct sandbox_command *c, struct sandbox_result *r) {
    struct sandbox_command full = *c;
    full.deadline_ms = j->patience.deadline_ms;
    full.cancel = j->patience.cancel;
    full.cpu_seconds = (uint32_t)(patience_left(&j->patience) / 1000 + 2);
    full.file_bytes = j->builder->work_bytes;
    full.address_bytes = j->builder->offer->cgroup.memory ? 0 : j->builder->memory_bytes;
    full.output_max = c->output_max ? c->output_max : JOB_LOG_MAX;
    if (!sandbox_run(j->box, j->arena, &full, r, j->e))
        return job_fail(j);
    if (r->end == SANDBOX_BROKEN && !r->out_of_memory)
        return job_end_log(j, BUILD_FAILED, arena_printf(j->arena, "the build broke its sandbox (%s)", r->why),
                           r->output);
    if (r->end == SANDBOX_BROKEN)
        return job_end_log(j, BUILD_FAILED,
                           arena_printf(j->arena, "the build ran out of memory (%llu MB)",
                                        (unsigned long long)(j->builder->memory_bytes >> 20)),
                           r->output);
    if (r->end == SANDBOX_CANCELLED)
        return patience_fail(&j->patience, "a repository or its build", j->e) || job_fail(j);
    if (r->end == SANDBOX_DEADLINE && cut_off(j, c))
        return job_fail(j);
    if (r->end == SANDBOX_DEADLINE || (r->end == SANDBOX_SIGNALED && r->status == SIGXCPU))
        return job_end_log(j, BUILD_TIMEOUT, "the build took longer than its deadline", r->output);
    return true;
}
