// SPDX-License-Identifier: Apache-2.0
// Files: bounded reads, atomic writes, folders, locks.
#pragma once
#include "base/arena.h"
#include "base/err.h"

// Whole file into `a`; more than max bytes is an error (ERR_TOO_LARGE), a missing file ERR_NOT_FOUND.
[[nodiscard]] bool file_read(struct arena *a, const char *path, size_t max, struct slice *out, struct err *e);
// The same for what holds a secret: no copy of it stays behind outside `a`, which must be freed wiped.
[[nodiscard]] bool file_read_secret(struct arena *a, const char *path, size_t max, struct slice *out, struct err *e);
// The same from an open descriptor, read to its end and left open; `what` names it in errors.
[[nodiscard]] bool file_read_secret_fd(struct arena *a, int fd, const char *what, size_t max, struct slice *out,
                                       struct err *e);
// Replaces path by bytes: temporary file beside it, fsync, rename, fsync of the folder. After a crash the old or the
// new content is there, never a part; the temporary file, PATH.tmp-XXXXXX, may have stayed.
[[nodiscard]] bool file_write_atomic(const char *path, struct slice bytes, unsigned mode, struct err *e);
// The same without waiting for the disk, which takes milliseconds: the end of this process, however it comes, changes
// nothing, but a machine that loses its power may have lost the file, or kept an empty one.
[[nodiscard]] bool file_write_unsynced(const char *path, struct slice bytes, unsigned mode, struct err *e);
// Removes such temporary files of `path`. Only while nobody else can be writing there.
void file_remove_unfinished(const char *path);
// Makes a folder and its parents; one that is there is fine.
[[nodiscard]] bool file_make_dirs(const char *path, unsigned mode, struct err *e);
// Removes a folder with all in it, never following links; a missing one is fine.
[[nodiscard]] bool file_remove_tree(const char *path, struct err *e);
// Takes an exclusive lock on a file, made if missing, and writes `who` into it; the descriptor holds it until closed.
// A lock that somebody holds is ERR_CONFLICT with what the holder wrote.
[[nodiscard]] bool file_lock(const char *path, const char *who, int *fd, struct err *e);
// Takes an exclusive lock on the folder of `path`, which the descriptor holds until closed, so that nobody else changes
// its files between a read and a write. Waits while another process holds it, as long as the patience lasts
// (patience_fail). Nothing stays behind, and only reading rights are needed.
struct patience;
[[nodiscard]] bool file_lock_folder_of(const char *path, const struct patience *p, int *fd, struct err *e);
// write(2) until all is out.
[[nodiscard]] bool file_write_all(int fd, struct slice bytes, struct err *e);
// Folder of the running program, for finding its siblings.
const char *file_program_dir(struct arena *a);
