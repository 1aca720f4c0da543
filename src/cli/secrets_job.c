// SPDX-License-Identifier: Apache-2.0
#include "cli/secrets_job.h"

#include "cli/commands.h"
#include "cli/repo.h"
#include "repo/repo.h"

void job_finish(const struct secrets_job *j, json_t *result) {
    if (j->o->json)
        print_json_line(j->a, result);
    json_decref(result);
}

bool job_find_scope(struct secrets_job *j, struct err *e) {
    struct repo_ref repo;
    if (!j->o->repo) {
        err_set(e, ERR_USAGE, "no repository given");
        return err_hint(e, "--repo . takes this folder");
    }
    if (!repo_locate(j->a, j->target.home, j->o->repo, &repo, e))
        return false;
    j->scope = (struct scope){.network = j->target.network,
                              .contract = j->target.contract,
                              .owner = j->from.account.s,
                              .branch = j->o->branch,
                              .profile = j->o->profile ? j->o->profile : PROFILE_DEFAULT};
    return repo_name(&j->scope.repo, j->a, repo.repo, e) && scope_check(&j->scope, e);
}

void job_show_scope(const struct secrets_job *j) {
    fprintf(stderr, "secrets     %s/%s for %s%s%s\n", j->scope.owner, j->scope.profile, j->scope.repo,
            j->scope.branch ? " at branch " : "", j->scope.branch ? j->scope.branch : "");
}

bool job_find_row(struct secrets_job *j, struct remote_row *row, bool needed, struct err *e) {
    if (!job_find_scope(j, e) || !remote_row(&j->remote, &j->scope, row, e))
        return false;
    if (row->blob || !needed)
        return true;
    err_set(e, ERR_NOT_FOUND, "Secrets not found: %s has stored none as profile %s for %s", j->scope.owner,
            j->scope.profile, j->scope.repo);
    return err_hint(e, "`outlayer secrets list` shows what is stored");
}
