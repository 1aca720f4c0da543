// SPDX-License-Identifier: Apache-2.0
// The second half of phase one: crates are fetched, and locked where the repository does not do it. cargo runs from an
// empty folder, so that of .cargo/config.toml only the data has a say (builder/cargo_config.h), and nothing of
// rust-toolchain.toml.
#pragma once
#include "builder/package.h"
#include "builder/survey.h"

// The crates of the package in the job's folder. Fills result->lock where Cargo.lock had to be made.
[[nodiscard]] bool crates_fetch(struct job *j, struct package *out);
// Those of every manifest in the checkout that can be had, for recipes that call cargo. What cannot be had is no
// failure: *missing tells of the first one; NULL: none.
[[nodiscard]] bool crates_fetch_all(struct job *j, const char **missing);
