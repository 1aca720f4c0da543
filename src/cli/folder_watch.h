// SPDX-License-Identifier: Apache-2.0
// Waits until something in a folder changes, by inotify.
#pragma once
#include "base/err.h"
#include <signal.h>

#define WATCHED_FOLDERS_MAX 8192

struct folder_watch;
// Watches the folder and all below it, without what git keeps of its own (.git) and without following links. More
// folders than WATCHED_FOLDERS_MAX, or than this user may watch, are an error.
[[nodiscard]] bool folder_watch_new(struct folder_watch **out, const char *path, struct err *e);
void folder_watch_free(struct folder_watch *w); // NULL is fine
// Waits for a change since the last call or since folder_watch_new, and watches what has come with it, so that whoever
// looks at the files afterwards misses nothing. *ended is true where one of the blocked signals came before. A folder
// that is gone is ERR_NOT_FOUND.
[[nodiscard]] bool folder_watch_wait(struct folder_watch *w, const sigset_t *ends, bool *ended, struct err *e);
