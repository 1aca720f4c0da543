// SPDX-License-Identifier: Apache-2.0
// The normal form of a repository's name, host/owner/name: what secrets are stored under and keys are derived from.
// The one place where it is made; contract rows, coordinator, keystore, worker and command line use it.
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define REPO_NORMAL_MAX 256

// Accepts, after trimming, git@HOST:OWNER/NAME, http(s)://HOST/OWNER/NAME, HOST/OWNER/NAME (each with or without .git)
// and OWNER/NAME (of github.com). Letters keep their case. ERR_INVALID for anything else.
[[nodiscard]] bool repo_normal(struct arena *a, struct slice text, const char **out, struct err *e);
