// SPDX-License-Identifier: Apache-2.0
// Where in a checkout somebody says how something is built: folders with Cargo.toml, outlayer.toml or a Makefile.
#pragma once
#include "builder/job.h"

struct manifest {
    const char *folder; // "" for the root
    const char *name;   // of the file
    unsigned depth;     // folders above it
};
struct survey {
    struct manifest *manifests; // those nearer to the root first, at most SURVEY_MAX
    size_t count;
};
#define SURVEY_MAX 200

// Folders of other people's things (vendor, node_modules, target) are left out, and what is deeper than eight folders.
[[nodiscard]] bool survey_take(struct job *j, struct survey *out);
// "; Cargo.toml was seen in guest/: …": what whoever asked for this folder could ask for instead. "": nothing.
const char *survey_hint(struct job *j);
